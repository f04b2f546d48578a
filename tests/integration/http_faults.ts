import { z } from "zod";

/** What is done to bulk requests. */
export type HttpFault =
  /** They are answered so, and not passed on. */
  | { readonly status: number; readonly body: string }
  /** They are not passed on, and each item is refused so. */
  | { readonly items: { readonly status: number; readonly type: string } }
  /** They are passed on, and the last of their items are left out of the answer. */
  | { readonly dropItems: number }
  /** They are passed on, and only so many bytes of the answer come back, as if these were all. */
  | { readonly keepBytes: number };

/** A proxy between the agent and Elasticsearch, on the level of HTTP, that says to bulk requests what servers and proxies say. */
export interface HttpFaults extends AsyncDisposable {
  readonly url: string;
  /** What came so far, in order. */
  readonly bulks: readonly SeenBulk[];
  /** Does this to each bulk request, until it is disposed of. */
  inject(fault: HttpFault): Injection;
  /** From now on requests without this header `authorization` are answered 401; it is passed on to nobody. */
  demand(authorization: string): void;
}

/** A bulk request that came. */
export interface SeenBulk {
  readonly bytes: number;
  /** How many were under way then, this one included. */
  readonly atOnce: number;
}

/** A time in which bulk requests suffer. */
export interface Injection extends Disposable {
  /** Resolves with the first request that suffers. */
  readonly begun: Promise<void>;
}

const Answer = z.looseObject({ items: z.array(z.unknown()) });

const UNAUTHORIZED = {
  error: { type: "security_exception", reason: "unable to authenticate" },
  status: 401,
};

/** Starts a proxy to `target`, the Elasticsearch of the tests without it. */
export function startHttpFaults(
  target = z.url().parse(Deno.env.get("PG2ES_TEST_ELASTICSEARCH")),
): HttpFaults {
  const bulks: SeenBulk[] = [];
  let atOnce = 0;
  let fault: HttpFault | undefined;
  let begun = Promise.withResolvers<void>();
  let demanded: string | undefined;

  async function answer(request: Request): Promise<Response> {
    const body = await request.text();
    const header = request.headers.get("authorization");
    if (demanded !== undefined && header !== demanded) {
      return Response.json(UNAUTHORIZED, { status: 401 });
    }
    const { pathname } = new URL(request.url);
    if (!pathname.endsWith("/_bulk")) return await pass(request, body);
    atOnce++;
    bulks.push({ bytes: new TextEncoder().encode(body).length, atOnce });
    try {
      return await answerBulk(request, body);
    } finally {
      atOnce--;
    }
  }

  async function answerBulk(request: Request, body: string): Promise<Response> {
    const injected = fault;
    if (injected === undefined) return await pass(request, body);
    begun.resolve();
    if ("status" in injected) {
      return new Response(injected.body, { status: injected.status });
    }
    if ("items" in injected) {
      const { status, type } = injected.items;
      const item = { index: { status, error: { type, reason: "injected" } } };
      const count = countOperations(body);
      return Response.json({
        items: Array.from({ length: count }, () => item),
      });
    }
    const passed = await pass(request, body);
    const text = await passed.text();
    if ("keepBytes" in injected) {
      return new Response(text.slice(0, injected.keepBytes), passed);
    }
    const { items } = Answer.parse(JSON.parse(text));
    return Response.json({ items: items.slice(0, -injected.dropItems) });
  }

  async function pass(request: Request, body: string): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const { method, headers } = request;
    const type = headers.get("content-type");
    const response = await fetch(new URL(`${pathname}${search}`, target), {
      method,
      ...(type === null ? {} : { headers: { "content-type": type } }),
      ...(body === "" ? {} : { body }),
    });
    return new Response(await response.text(), {
      status: response.status,
      headers: { "content-type": "application/json" },
    });
  }

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    answer,
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    bulks,
    inject(injected) {
      fault = injected;
      begun = Promise.withResolvers();
      return {
        begun: begun.promise,
        [Symbol.dispose]: () => {
          fault = undefined;
        },
      };
    },
    demand(authorization) {
      demanded = authorization;
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** How many operations a bulk body has: a document follows all actions but a delete. */
function countOperations(body: string): number {
  const lines = body.split("\n").filter((line) => line !== "");
  let count = 0;
  for (let at = 0; at < lines.length; count++) {
    at += lines[at]?.startsWith('{"delete"') ? 1 : 2;
  }
  return count;
}
