import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { z } from "zod";

/** What the proxy does to requests while it lasts. */
export type HttpFault =
  | "429"
  | "503"
  | "413"
  | "html"
  | "cut"
  | "lost"
  | "refused-items"
  | "dropped-items";

/** A proxy in front of Elasticsearch that answers as broken servers and proxies do. */
export interface HttpProxy extends AsyncDisposable {
  readonly port: number;
  /** How many requests a fault was put upon. */
  readonly struck: number;
  /** Lets the fault befall every request that it can, until it is disposed of. */
  inject(fault: HttpFault): Disposable;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** An answer and what becomes of it on the way. */
interface Outcome extends Answer {
  readonly isCut?: boolean;
}

/** What a request of more than this is refused by as by a proxy with a limit; one document is smaller. */
const MAX_REQUEST_BYTES = 40_000;
/** Longer than any test client waits. */
const LIMIT_MS = 30_000;
const HTML = "<html><body><h1>Please log in</h1></body></html>";

const BulkAnswer = z.object({ items: z.array(z.unknown()) });
const Action = z.record(z.string(), z.looseObject({ _id: z.string() }));

/** Starts a proxy to the server at `url`. */
export async function startHttpProxy(url: string): Promise<HttpProxy> {
  const faults = new Map<symbol, HttpFault>();
  let struck = 0;

  async function handle(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const fault = [...faults.values()].at(-1);
    try {
      const body = await readBody(request);
      const plain = () => forward(url, request, body);
      const outcome = fault && await strike(fault, { request, body, plain });
      if (outcome) struck++;
      send(response, outcome ?? await plain());
    } catch {
      request.destroy(); // the server is away, or the client has gone
    }
  }

  async function strike(
    fault: HttpFault,
    { request, body, plain }: {
      request: IncomingMessage;
      body: Uint8Array<ArrayBuffer>;
      plain: () => Promise<Answer>;
    },
  ): Promise<Outcome | undefined> {
    const isBulk = /\/_bulk(?:\?|$)/.test(request.url ?? "");
    switch (fault) {
      case "429":
        return refusal(429, "es_rejected_execution_exception");
      case "503":
        return refusal(503, "no_shard_available_action_exception");
      case "413":
        return body.length > MAX_REQUEST_BYTES ? page(413) : undefined;
      case "html":
        return page(200);
      case "cut":
        return { ...await plain(), isCut: true };
      case "lost":
        await plain();
        return page(502);
      case "dropped-items":
        return isBulk ? dropItems(await plain()) : undefined;
      case "refused-items": {
        if (!isBulk) return undefined;
        const send = (rest: Uint8Array<ArrayBuffer>) =>
          forward(url, request, rest);
        return await refuseItems(body, send);
      }
    }
  }

  const server = createServer((request, response) => {
    handle(request, response);
  });
  server.keepAliveTimeout = LIMIT_MS;
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new Error("Cannot tell the port of the proxy: it does not listen");
  }
  return {
    port: address.port,
    get struck() {
      return struck;
    },
    inject(fault) {
      const id = Symbol();
      faults.set(id, fault);
      return { [Symbol.dispose]: () => faults.delete(id) };
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

async function readBody(
  request: IncomingMessage,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of request) chunks.push(new Uint8Array(chunk));
  return await new Blob(chunks).bytes();
}

async function forward(
  url: string,
  { method = "GET", headers, url: path }: IncomingMessage,
  body: Uint8Array<ArrayBuffer>,
): Promise<Answer> {
  const passed = Object.entries(headers).filter(([name]) =>
    ["accept", "authorization", "content-type"].includes(name)
  ).map(([name, value]): [string, string] => [name, String(value)]);
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: passed,
    signal: AbortSignal.timeout(LIMIT_MS),
    ...(body.length > 0 && { body }),
  });
  const own = ["content-encoding", "content-length", "transfer-encoding"];
  return {
    status: answer.status,
    headers: Object.fromEntries(
      [...answer.headers].filter(([name]) => !own.includes(name)),
    ),
    body: await answer.bytes(),
  };
}

function send(
  response: ServerResponse,
  { status, headers, body, isCut = false }: Outcome,
): void {
  response.writeHead(status, { ...headers, "content-length": body.length });
  if (!isCut) response.end(body);
  else {
    // the half has to leave before the connection ends
    const half = body.subarray(0, Math.floor(body.length / 2));
    response.write(half, () => response.socket?.destroy());
  }
}

function json(status: number, value: unknown): Answer {
  return {
    status,
    headers: {
      "content-type": "application/json",
      "x-elastic-product": "Elasticsearch",
    },
    body: new TextEncoder().encode(JSON.stringify(value)),
  };
}

function refusal(status: number, type: string): Answer {
  return json(status, { error: { type, reason: "by the proxy" }, status });
}

function page(status: number): Answer {
  const headers = { "content-type": "text/html" };
  return { status, headers, body: new TextEncoder().encode(HTML) };
}

function dropItems(answer: Answer): Answer | undefined {
  if (answer.status !== 200) return undefined;
  const { items } = readItems(answer);
  return items.length === 0
    ? undefined
    : json(200, { items: items.slice(0, -1) });
}

function readItems({ body }: Answer): z.infer<typeof BulkAnswer> {
  return BulkAnswer.parse(JSON.parse(new TextDecoder().decode(body)));
}

/** Every second operation is kept from the server, and told as refused in its place. */
async function refuseItems(
  body: Uint8Array<ArrayBuffer>,
  send: (rest: Uint8Array<ArrayBuffer>) => Promise<Answer>,
): Promise<Answer | undefined> {
  const operations = splitBulk(new TextDecoder().decode(body));
  const passed = operations.filter((_, place) => place % 2 === 1);
  const rest = new TextEncoder().encode(passed.join(""));
  const answer = passed.length === 0 ? json(200, { items: [] }) : await send(
    rest,
  );
  if (answer.status !== 200) return answer;
  const done = readItems(answer).items.values();
  const items = operations.map((operation, place) =>
    place % 2 === 1 ? done.next().value : refuseItem(operation)
  );
  return json(200, { errors: true, items });
}

function refuseItem(operation: string): unknown {
  const line = operation.slice(0, operation.indexOf("\n"));
  const [name = "index"] = Object.keys(Action.parse(JSON.parse(line)));
  const type = "es_rejected_execution_exception";
  return { [name]: { status: 429, error: { type, reason: "by the proxy" } } };
}

/**
 * The operations of a bulk request, each with its line ends.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { splitBulk } from "./http_proxy.ts";
 * deepEqual(splitBulk('{"delete":{}}\n{"index":{}}\n{"a":1}\n'), [
 *   '{"delete":{}}\n',
 *   '{"index":{}}\n{"a":1}\n',
 * ]);
 * ```
 */
export function splitBulk(text: string): string[] {
  const lines = text.split("\n").slice(0, -1).values();
  const operations: string[] = [];
  for (const action of lines) {
    const isDelete = action.startsWith('{"delete"');
    const source = isDelete ? "" : `${lines.next().value ?? ""}\n`;
    operations.push(`${action}\n${source}`);
  }
  return operations;
}
