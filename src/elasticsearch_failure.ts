import { errors } from "@elastic/elasticsearch";
import { z } from "zod";
import { EtlError, type Failure } from "./failure.ts";

/** `error` of the client as an {@linkcode EtlError}, or as it is when it is no fault of the server's. */
export function translateError(
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
export function withReason(error: unknown): unknown {
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
    error instanceof errors.DeserializationError ||
    error instanceof z.ZodError ||
    error instanceof SyntaxError // what a schema throws that reads text by hand
  ) {
    const detail = "it is not what the request asks for";
    return { kind: "answer-invalid", server, detail };
  }
  if (
    error instanceof errors.ConnectionError ||
    error instanceof errors.NoLivingConnectionsError ||
    error instanceof errors.RequestAbortedError
  ) {
    const hint = explainCertificate(error.message);
    if (hint !== undefined) {
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

/** What to do about a certificate that is refused by either side; OpenSSL and Rustls each have words of their own. */
function explainCertificate(message: string): string | undefined {
  const hint = CERTIFICATES.find(([pattern]) => pattern.test(message));
  return hint?.[1];
}

const CERTIFICATES: readonly (readonly [RegExp, string])[] = [
  [
    /certificate.?required|alert.*bad.?certificate|alert.*unknown.?ca|handshake.?failure/i,
    "Check elasticsearch.cert_file and key_file: the server asks for a client certificate that it trusts",
  ],
  [
    /NotValidForName|altnames|ALTNAME/i,
    "Check elasticsearch.node or set server_name: the server's certificate is for another name",
  ],
  [
    /expired/i,
    "Renew the server's certificate: it has expired",
  ],
  [
    /certificate|self.signed|CERT_/i,
    "Check elasticsearch.ca_file: the server's certificate is not trusted, or has expired",
  ],
];

/**
 * What a status with an error type means for the request as a whole.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { explainStatus } from "./elasticsearch_failure.ts";
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
  if (status === 413) {
    // Elasticsearch and what may stand before it say so without a type
    const named = type === UNKNOWN ? "content_too_large" : type;
    return { kind: "request-refused", index, status, type: named };
  }
  if (status === 400) {
    return { kind: "request-refused", index, status, type };
  }
  const hint = "It does not speak this API: is a proxy in between?";
  return { kind: "server-refused", server, code: String(status), hint };
}

const UNKNOWN = "unknown";

const ErrorBody = z.object({
  error: z.object({
    type: z.string(),
    reason: z.string().optional(),
    caused_by: z.object({ reason: z.string().optional() }).optional(),
  }),
});

/** What an answer says; its text where it is no JSON. */
export function readAnswer(body: unknown): unknown {
  if (typeof body !== "string") return body;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

function errorType(body: unknown): string {
  const parsed = ErrorBody.safeParse(readAnswer(body));
  return parsed.success ? parsed.data.error.type : UNKNOWN;
}

/** The client keeps an error's code only inside its message. */
function networkCode(message: string): string {
  return /\b(E[A-Z]{4,}|EAI_AGAIN)\b/.exec(message)?.[0] ??
    (/refused/i.test(message) ? "ECONNREFUSED" : "connection closed");
}
