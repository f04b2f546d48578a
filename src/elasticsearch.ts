import { Buffer } from "node:buffer";
import {
  Client,
  errors,
  Serializer,
  Transport,
  type TransportRequestOptions,
  type TransportRequestParams,
} from "@elastic/elasticsearch";
import { z } from "zod";
import type { ElasticsearchAuth } from "./config_elasticsearch.ts";
import { openCredentials } from "./elasticsearch_auth.ts";
import {
  readAnswer,
  translateError,
  withReason,
} from "./elasticsearch_failure.ts";
import { EtlError } from "./failure.ts";
import { SteadyHttpConnection } from "./http_connection.ts";
import { tlsOptions } from "./postgres_tls.ts";
import type { Persister } from "./retry.ts";
import type { Secrets } from "./secrets.ts";

/** How Elasticsearch is reached; durations in milliseconds. */
export interface ElasticsearchOptions {
  readonly nodes: readonly string[];
  readonly auth?: ElasticsearchAuth;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** The time for a request and its whole answer. */
  readonly requestTimeoutMs: number;
  /** Gets the secrets that are read again. */
  readonly secrets?: Secrets;
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

// each item is looked at below; by `z.array` each is put into an object of its own first, a quarter of a KB of garbage
const BulkAnswer = z.object({
  items: z.custom<readonly unknown[]>(Array.isArray).default([]),
});

// an object of one entry, named by its action
const AnyItem = z.record(z.string(), BulkItem).transform((item, context) => {
  const [only] = Object.values(item);
  if (only === undefined) context.addIssue("is empty");
  return only ?? z.NEVER;
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
   * `alias` must be an alias: nothing is ever created by writing. With `pipeline`, documents go through that. An abort cuts the connection; what was
   * sent may still be done.
   * @throws {EtlError} when the request failed as a whole, or its answer does not match it.
   */
  bulk(
    bulk: {
      alias: string;
      body: Uint8Array;
      operationCount: number;
      pipeline?: string;
    },
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
  const { auth, secrets = new Set() } = options;
  const credentials = openCredentials(auth, secrets);
  const client = new Client({
    nodes: [...options.nodes],
    tls: tlsOptions(options),
    requestTimeout: options.requestTimeoutMs,
    maxRetries: 0, // the persister and the sink know better when
    enableMetaHeader: false,
    // by default each error gets a clone of the request, its body byte by byte: 500 MB of heap for 2 MB
    redaction: { type: "remove" },
    Transport: PlainTransport,
    Serializer: TextSerializer,
    Connection: SteadyHttpConnection,
  });

  /** Sends a request; again when the secret has changed by which it was refused. */
  async function send(
    params: TransportRequestParams,
    requestOptions: TransportRequestOptions,
  ): Promise<unknown> {
    for (;;) {
      const { header } = credentials;
      try {
        return await client.transport.request(params, {
          ...requestOptions,
          ...(header === undefined
            ? {}
            : { headers: { authorization: header } }),
        });
      } catch (error) {
        const isRefused = error instanceof errors.ResponseError &&
          error.statusCode === 401;
        if (!isRefused || !await credentials.renew(header)) throw error;
      }
    }
  }

  return {
    async request(request, signal) {
      const { method, path, query, body, index, answer, ignore } = request;
      return await persister.persist(async () => {
        try {
          const received = await send({
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
          throw withReason(translateError(error, { index, signal }));
        }
      }, signal);
    },
    async bulk({ alias, body, operationCount, pipeline }, signal) {
      try {
        const received = await send({
          method: "POST",
          path: `/${encodeURIComponent(alias)}/_bulk`,
          querystring: {
            require_alias: "true",
            ...(pipeline === undefined ? {} : { pipeline }),
            // an array element that keeps nothing is dropped: each keeps its status
            filter_path: "items.*.status,items.*.error",
          },
          bulkBody: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
        }, { signal });
        const items = BulkAnswer.parse(readAnswer(received)).items
          .map((item) => readPlainItem(item) ?? AnyItem.parse(item));
        if (items.length === operationCount) return items;
        const detail = `${items.length} items for ${operationCount} operations`;
        throw new EtlError({
          kind: "answer-invalid",
          server: "Elasticsearch",
          detail,
        });
      } catch (error) {
        throw translateError(error, { index: alias, signal });
      }
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

/**
 * An item that has a status and no error, and so nothing to be parsed: all of them, most of the time. By the schema an item
 * takes 1.0 to 1.4 µs, this way 0.1 µs.
 */
function readPlainItem(item: unknown): BulkItem | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  for (const action in item) {
    const said: unknown = Reflect.get(item, action);
    if (typeof said !== "object" || said === null || "error" in said) return;
    const status = "status" in said ? said.status : undefined;
    return typeof status === "number" ? { status } : undefined;
  }
  return undefined;
}
