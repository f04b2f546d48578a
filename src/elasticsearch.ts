import { Buffer } from "node:buffer";
import { Client, errors, Serializer, Transport } from "@elastic/elasticsearch";
import { z } from "zod";
import { EtlError, type Failure } from "./failure.ts";
import { SteadyHttpConnection } from "./http_connection.ts";
import type { Persister } from "./retry.ts";

/** How Elasticsearch is reached; durations in milliseconds. */
export interface ElasticsearchOptions {
  readonly nodes: readonly string[];
  readonly auth?:
    | { readonly username: string; readonly password: string }
    | { readonly apiKey: string };
  readonly ca?: string;
  readonly requestTimeoutMs: number;
}

/** A request beside the schema of its answer; `index` names it in failures. */
export interface Request<Answer> {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly index: string;
  /** Statuses besides those of success whose answers are wanted. */
  readonly ignore?: readonly number[];
  /** The schema gets the answer as the text that came: parsed, its numbers would be rewritten. */
  readonly isText?: boolean;
  readonly answer: z.ZodType<Answer>;
}

/** What Elasticsearch says of one operation of a bulk request. */
export type BulkItem = z.infer<typeof BulkItem>;
const BulkItem = z.object({
  status: z.int(),
  error: z.object({
    type: z.string(),
    reason: z.string().nullish(),
    caused_by: z.object({ type: z.string(), reason: z.string().nullish() })
      .optional(),
  }).optional(),
});

// each item is an object of one entry, named by its action
const BulkAnswer = z.object({
  items: z.array(
    z.record(z.string(), BulkItem).transform((item) => Object.values(item)[0]),
  ).default([]),
});

/** Elasticsearch, or a server that speaks the same few APIs. */
export interface Cluster {
  /** The answer to `request`, tried again while time can mend its failure. */
  request<Answer>(
    request: Request<Answer>,
    signal: AbortSignal,
  ): Promise<Answer>;
  /**
   * What is said of each of `operationCount` operations in `body`, in their order; tried once.
   *
   * `alias` must be an alias: nothing is ever created by writing. An abort cuts the connection; what was
   * sent may still be done.
   * @throws {EtlError} when the request failed as a whole, or its answer does not match it.
   */
  bulk(
    bulk: { alias: string; body: Uint8Array; operationCount: number },
    signal: AbortSignal,
  ): Promise<BulkItem[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** 8.x refuses the 9.x client's content types, and other servers the check of the product. */
class PlainTransport extends Transport {
  constructor(options: ConstructorParameters<typeof Transport>[0]) {
    const { productCheck: _, vendoredHeaders: __, ...plain } = options;
    super(plain);
  }
}

/** Leaves answers as they came: what of them is parsed is for the request to say. */
class TextSerializer extends Serializer {
  override deserialize<Answer = unknown>(json: string): Answer {
    return json as Answer; // the type of the base class; every answer is read by `readAnswer`
  }
}

/** Opens the client; connections are made when they are needed. */
export function openCluster(
  options: ElasticsearchOptions,
  persister: Persister,
): Cluster {
  const client = new Client({
    nodes: [...options.nodes],
    ...(options.auth === undefined ? {} : { auth: options.auth }),
    ...(options.ca === undefined ? {} : { tls: { ca: options.ca } }),
    requestTimeout: options.requestTimeoutMs,
    maxRetries: 0, // the persister and the sink know better when
    enableMetaHeader: false,
    // by default each error gets a clone of the request, its body byte by byte: 500 MB of heap for 2 MB
    redaction: { type: "remove" },
    Transport: PlainTransport,
    Serializer: TextSerializer,
    Connection: SteadyHttpConnection,
  });

  return {
    async request(request, signal) {
      const { method, path, query, body, index, answer, ignore } = request;
      return await persister.persist(async () => {
        try {
          const received = await client.transport.request({
            method,
            path,
            ...(query === undefined ? {} : { querystring: query }),
            ...(body === undefined ? {} : { body }),
          }, {
            signal,
            ...(ignore === undefined ? {} : { ignore: [...ignore] }),
          });
          return answer.parse(
            request.isText ? received : readAnswer(received),
          );
        } catch (error) {
          throw withReason(translate(error, { index, signal }));
        }
      }, signal);
    },
    async bulk({ alias, body, operationCount }, signal) {
      try {
        const received = await client.transport.request({
          method: "POST",
          path: `/${encodeURIComponent(alias)}/_bulk`,
          querystring: {
            require_alias: "true",
            // an array element that keeps nothing is dropped: each keeps its status
            filter_path: "items.*.status,items.*.error",
          },
          bulkBody: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
        }, { signal });
        const items = BulkAnswer.parse(readAnswer(received)).items.filter((
          item,
        ) => item !== undefined);
        if (items.length === operationCount) return items;
        const detail = `${items.length} items for ${operationCount} operations`;
        throw new EtlError({
          kind: "answer-invalid",
          server: "Elasticsearch",
          detail,
        });
      } catch (error) {
        throw translate(error, { index: alias, signal });
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/** `error` of the client as an {@linkcode EtlError}, or as it is when it is no fault of the server's. */
function translate(
  error: unknown,
  { index, signal }: { index: string; signal: AbortSignal },
): unknown {
  if (error instanceof EtlError) return error;
  if (signal.aborted) return signal.reason;
  const failure = explain(error, index);
  return failure === undefined
    ? error
    : new EtlError(failure, { cause: error });
}

/** Adds Elasticsearch's own words to the refusal of a request that holds no document. */
function withReason(error: unknown): unknown {
  if (!(error instanceof EtlError)) return error;
  const { failure, cause } = error;
  if (
    failure.kind !== "request-refused" ||
    !(cause instanceof errors.ResponseError)
  ) return error;
  const body = ErrorBody.safeParse(readAnswer(cause.body));
  const reason = body.data?.error.caused_by?.reason ?? body.data?.error.reason;
  return reason === undefined
    ? error
    : new EtlError({ ...failure, reason }, { cause });
}

function explain(error: unknown, index: string): Failure | undefined {
  const server = "Elasticsearch";
  if (error instanceof errors.ResponseError) {
    return explainStatus(error.statusCode ?? 0, errorType(error.body), index);
  }
  if (error instanceof Deno.errors.NotCapable) {
    // what Node's TLS asks for to read that variable's file cannot be granted by name
    const hint = "Write elasticsearch.ca_file with the file that " +
      "NODE_EXTRA_CA_CERTS names, or leave that variable unset";
    return { kind: "server-refused", server, code: "NotCapable", hint };
  }
  if (error instanceof errors.TimeoutError) {
    return { kind: "server-unavailable", server, code: "timeout" };
  }
  if (
    error instanceof errors.DeserializationError || error instanceof z.ZodError
  ) {
    const detail = "it is not what the request asks for";
    return { kind: "answer-invalid", server, detail };
  }
  if (
    error instanceof errors.ConnectionError ||
    error instanceof errors.NoLivingConnectionsError ||
    error instanceof errors.RequestAbortedError
  ) {
    if (/certificate|self.signed|CERT_/i.test(error.message)) {
      const hint =
        "Check elasticsearch.ca_file: the server's certificate is not trusted";
      return { kind: "server-refused", server, code: "certificate", hint };
    }
    return {
      kind: "server-unavailable",
      server,
      code: networkCode(error.message),
    };
  }
  return undefined;
}

/**
 * What a status with an error type means for the request as a whole.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { explainStatus } from "./elasticsearch.ts";
 * equal(explainStatus(429, "circuit_breaking_exception", "movies").kind, "sink-busy");
 * equal(explainStatus(403, "cluster_block_exception", "movies").kind, "index-blocked");
 * ```
 */
export function explainStatus(
  status: number,
  type: string,
  index: string,
): Failure {
  const server = "Elasticsearch";
  if (type === "index_not_found_exception") {
    return { kind: "index-missing", index };
  }
  if (type === "index_closed_exception" || type === "cluster_block_exception") {
    return { kind: "index-blocked", index, type };
  }
  if (status === 401 || status === 403) {
    const hint = status === 401
      ? "Check elasticsearch.username and password, or api_key"
      : `Give the agent's user what it needs on ${index}`;
    return { kind: "server-refused", server, code: String(status), hint };
  }
  if (status === 429) return { kind: "sink-busy", index, type };
  if (status === 408 || status >= 500) {
    return { kind: "server-unavailable", server, code: String(status) };
  }
  if (status === 400 || status === 413) {
    return { kind: "request-refused", index, status, type };
  }
  const hint = "It does not speak this API: is a proxy in between?";
  return { kind: "server-refused", server, code: String(status), hint };
}

const ErrorBody = z.object({
  error: z.object({
    type: z.string(),
    reason: z.string().optional(),
    caused_by: z.object({ reason: z.string().optional() }).optional(),
  }),
});

/** What an answer says; its text where it is no JSON. */
function readAnswer(body: unknown): unknown {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function errorType(body: unknown): string {
  const parsed = ErrorBody.safeParse(readAnswer(body));
  return parsed.success ? parsed.data.error.type : "unknown";
}

/** The client keeps an error's code only inside its message. */
function networkCode(message: string): string {
  return /\b(E[A-Z]{4,}|EAI_AGAIN)\b/.exec(message)?.[0] ??
    (/refused/i.test(message) ? "ECONNREFUSED" : "connection closed");
}
