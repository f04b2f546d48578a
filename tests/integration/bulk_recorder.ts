import { z } from "zod";

/** A server between an agent and Elasticsearch that notes when documents are written through it. */
export interface BulkRecorder extends AsyncDisposable {
  readonly url: string;
  /** When each bulk request came, by `performance.now()`. */
  readonly arrivedMs: readonly number[];
  /** Waits for one that comes after this call. */
  untilNext(): Promise<void>;
}

/** Starts it in front of the Elasticsearch of all tests. */
export function startBulkRecorder(): BulkRecorder {
  const target = z.url().parse(Deno.env.get("PG2ES_TEST_ELASTICSEARCH"));
  const arrivedMs: number[] = [];
  let next = Promise.withResolvers<void>();

  async function answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    const body = await request.text();
    if (pathname.endsWith("/_bulk")) {
      arrivedMs.push(performance.now());
      next.resolve();
      next = Promise.withResolvers();
    }
    const type = request.headers.get("content-type") ?? "application/json";
    const response = await fetch(new URL(`${pathname}${search}`, target), {
      method: request.method,
      headers: { "content-type": type },
      ...(body === "" ? {} : { body }),
    });
    const { status } = response;
    const text = await response.text();
    return new Response(request.method === "HEAD" ? null : text, {
      status,
      headers: { "content-type": "application/json" },
    });
  }

  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, answer);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    arrivedMs,
    untilNext: () => next.promise,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
