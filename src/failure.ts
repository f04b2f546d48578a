/** A server that the agent speaks to, by the name that people read in messages. */
export type Server = "PostgreSQL" | "Elasticsearch";

/** Everything that can stop or degrade a run, told apart by `kind`; the fields are data, never row values. */
export type Failure =
  /** What was written by the operator cannot be used; each fault is one line `file:line:column: path: what, and what to write instead`. */
  | { kind: "config-invalid"; faults: readonly string[] }
  /** A server cannot be reached, is starting or stopping, or did not answer in time. `code` is errno, SQLSTATE or HTTP status. */
  | { kind: "server-unavailable"; server: Server; code: string }
  /** A server was reached and refuses this agent: password, database, certificate, permission. */
  | { kind: "server-refused"; server: Server; code: string; hint: string }
  /** A query of the configuration fails as a whole, e.g. since a column was dropped. `query` is its path in the configuration. */
  | { kind: "query-failed"; query: string; code: string }
  /** The documents of a page cannot be read: one of them breaks the query. */
  | { kind: "document-failed"; query: string; code: string }
  /** The documents of a page cannot be read within `postgres.statement_timeout`. */
  | { kind: "statement-timeout"; query: string }
  /** Elasticsearch asks for less: queue full, circuit breaker, 429. */
  | { kind: "sink-busy"; index: string; type: string }
  /** A request is larger than Elasticsearch takes, or refused as a whole. */
  | {
    kind: "request-refused";
    index: string;
    status: number;
    type: string;
    reason?: string;
  }
  /** The index takes no writes now: read-only, closed. */
  | { kind: "index-blocked"; index: string; type: string }
  /** The index, or its write alias, is gone. */
  | { kind: "index-missing"; index: string }
  /** The name stands for something that documents cannot be written to. */
  | { kind: "index-unusable"; index: string; detail: string }
  /** The database is of another cluster than the one that the index was filled from; `system` is its identifier. */
  | { kind: "source-replaced"; index: string; system: string }
  /** An answer does not match the request it is said to answer. */
  | { kind: "answer-invalid"; server: Server; detail: string }
  /** The state file is there and cannot be used. */
  | {
    kind: "checkpoint-invalid";
    file: string;
    detail: string;
    /** What to do where it is not to restore or delete the file. */
    advice?: string;
  }
  /** The state file cannot be written. */
  | { kind: "checkpoint-unwritable"; file: string; code: string }
  /** The file of the dead letters is there and cannot be used. */
  | { kind: "dead-letters-invalid"; file: string; detail: string }
  /** The file of the dead letters cannot be written. */
  | { kind: "dead-letters-unwritable"; file: string; code: string }
  /** More documents of an index are dead letters than `rejections.stop_after` allows; `type` and `field` are of the commonest reason. */
  | {
    kind: "rejections-exceeded";
    index: string;
    count: number;
    type: string;
    field?: string;
  }
  /** The connection that holds the writer lock is gone, or does not answer: another agent may write by now. */
  | { kind: "lock-lost"; code: string };

/** What is done about a failure: `retry` with a growing delay, `refuse` (stop at start, retry later), `split` the page or request, `recreate` the index, `wait` for the writer lock, `stop`. */
export type Recovery =
  | "retry"
  | "refuse"
  | "split"
  | "recreate"
  | "wait"
  | "stop";

/** What is done about each kind of failure; a new kind does not compile until it is given a recovery. */
export const RECOVERY = {
  "config-invalid": "stop",
  "server-unavailable": "retry",
  "server-refused": "refuse",
  "query-failed": "retry",
  "document-failed": "split",
  "statement-timeout": "split",
  "sink-busy": "retry",
  "request-refused": "split",
  "index-blocked": "retry",
  "index-missing": "recreate",
  "index-unusable": "stop",
  "source-replaced": "recreate",
  "answer-invalid": "retry",
  "checkpoint-invalid": "stop",
  "checkpoint-unwritable": "retry",
  "dead-letters-invalid": "stop",
  "dead-letters-unwritable": "retry",
  "rejections-exceeded": "stop",
  "lock-lost": "wait",
} as const satisfies Record<Failure["kind"], Recovery>;

/** The one error class of the agent: carries a {@linkcode Failure}, and as `cause` what it was told by. */
export class EtlError extends Error {
  override readonly name = "EtlError";
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(describeFailure(failure), options);
    this.failure = failure;
  }
}

/**
 * One sentence for people: what failed, where, and what to do next.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { describeFailure } from "./failure.ts";
 * const failure = { kind: "server-unavailable", server: "PostgreSQL", code: "ECONNREFUSED" } as const;
 * equal(describeFailure(failure), "Cannot reach PostgreSQL: code is ECONNREFUSED");
 * ```
 */
export function describeFailure(failure: Failure): string {
  switch (failure.kind) {
    case "config-invalid":
      return failure.faults.join("\n");
    case "server-unavailable":
      return `Cannot reach ${failure.server}: code is ${failure.code}`;
    case "server-refused":
      return `Cannot use ${failure.server}: code is ${failure.code}. ${failure.hint}`;
    case "query-failed":
      return `Cannot run ${failure.query}: SQLSTATE is ${failure.code}. Compare the query with the tables it reads`;
    case "document-failed":
      return `Cannot run ${failure.query}: a row breaks it, SQLSTATE is ${failure.code}`;
    case "statement-timeout":
      return `Cannot run ${failure.query} in time: postgres.statement_timeout is over. Raise it, or make the query faster`;
    case "sink-busy":
      return `Cannot write to index ${failure.index} at this rate: type is ${failure.type}`;
    case "request-refused":
      return `Cannot send a request to index ${failure.index}: status is ${failure.status}, type is ${failure.type}${
        failure.reason === undefined ? "" : `, reason is ${failure.reason}`
      }`;
    case "index-blocked":
      return `Cannot write to index ${failure.index}: type is ${failure.type}. Lift the block; the agent goes on by itself`;
    case "index-missing":
      return `Cannot find index ${failure.index}: it was deleted, or its write alias was`;
    case "index-unusable":
      return `Cannot use index ${failure.index}: ${failure.detail}`;
    case "source-replaced":
      return `Cannot go on with index ${failure.index}: the database is of another cluster, ${failure.system}`;
    case "answer-invalid":
      return `Cannot understand an answer of ${failure.server}: ${failure.detail}`;
    case "checkpoint-invalid":
      return `Cannot use state file ${failure.file}: ${failure.detail}. ${
        failure.advice ??
          "Restore it, or delete it to go on from the position in Elasticsearch; " +
            "run --reload loads everything again"
      }`;
    case "checkpoint-unwritable":
      return `Cannot write state file ${failure.file}: code is ${failure.code}. Give the agent a folder it may write to, with free space`;
    case "dead-letters-invalid":
      return `Cannot use dead-letter file ${failure.file}: ${failure.detail}. Mend the line, or move the file away and run verify --repair`;
    case "dead-letters-unwritable":
      return `Cannot write dead-letter file ${failure.file}: code is ${failure.code}. Give the agent a folder it may write to, with free space`;
    case "rejections-exceeded":
      return `Cannot go on with index ${failure.index}: ${failure.count} of its documents are refused, more than rejections.stop_after; most often by ${failure.type}${
        failure.field === undefined ? "" : ` in field ${failure.field}`
      }. Mend the mapping or the query, then run replay`;
    case "lock-lost":
      return `Cannot hold the writer lock: code is ${failure.code}. The agent waits for it as a standby`;
  }
}

/** Whether `error` is an {@linkcode EtlError} whose failure has this recovery. */
export function recovers(
  error: unknown,
  recovery: Recovery,
): error is EtlError {
  return error instanceof EtlError && RECOVERY[error.failure.kind] === recovery;
}
