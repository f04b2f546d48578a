import type pLimit from "p-limit";
import type { BulkItem, Cluster } from "./elasticsearch.ts";
import { EtlError, type Failure, recovers } from "./failure.ts";
import type { Key } from "./keys.ts";
import type { Log } from "./logging.ts";
import {
  halveOperations,
  keepOperations,
  type Operations,
  type Rejection,
  requestBody,
} from "./operations.ts";
import type { Persister } from "./retry.ts";

/** How operations were settled. */
export interface Outcome {
  /** Documents that are in the index as they were read, or are gone from it. */
  readonly written: number;
  /** Documents of which a newer reading is in the index. */
  readonly superseded: number;
  readonly rejections: readonly Rejection[];
  /** Documents that were not sent again, since they were read too long ago: they are not settled, and have to be read anew. */
  readonly stale?: readonly Key[];
}

/**
 * Where documents go.
 *
 * An operation is **settled** when Elasticsearch acknowledged it, when Elasticsearch holds a newer reading of the
 * document, or when it was refused for good and that was recorded. Nothing else is: not sent, not answered for the
 * request as a whole. A position is saved only when everything before it is settled.
 */
export interface Sink {
  /**
   * Settles every operation, however long it takes, but those that have become stale meanwhile; the order of the
   * operations of one request is kept.
   * @throws {EtlError} `index-missing` when the index is gone, or the signal's reason.
   */
  settle(operations: Operations, signal: AbortSignal): Promise<Outcome>;
  /** Settles documents that are refused for good, by recording them. */
  record(rejections: readonly Rejection[]): Promise<Outcome>;
}

/** What is to be done about one operation. */
type Verdict =
  | "written"
  | "superseded"
  | { rejected: Omit<Rejection, "key"> }
  | {
    again: Failure;
  };

/** Opens the sink of one index; `limit` bounds the requests that are out at once, over all indexes. */
export function openSink(
  { cluster, persister, limit, index, log }: {
    cluster: Cluster;
    persister: Persister;
    limit: ReturnType<typeof pLimit>;
    index: {
      readonly name: string;
      readonly alias: string;
      /** For how long Elasticsearch remembers the version of a deleted document; forever where it is not said. */
      readonly gcDeletesMs?: number;
    };
    log: Log;
  },
): Sink {
  const maxAgeMs = (index.gcDeletesMs ?? Infinity) / 2;

  function settle(
    operations: Operations,
    signal: AbortSignal,
  ): Promise<Outcome> {
    return settlePart(operations, { signal, isSent: false });
  }

  /** Settles operations; those that were sent before are sent again for as long as a deletion since then is remembered. */
  async function settlePart(
    operations: Operations,
    { signal, isSent }: { signal: AbortSignal; isSent: boolean },
  ): Promise<Outcome> {
    const { readAtMs = performance.now() } = operations;
    let pending = operations;
    let written = 0;
    let superseded = 0;
    let isTried = isSent;
    const rejections: Rejection[] = [];
    const stale: Key[] = [];

    async function attempt(): Promise<void> {
      if (isTried && performance.now() - readAtMs > maxAgeMs) {
        stale.push(...pending.entries.map(({ key }) => key));
        return;
      }
      isTried = true;
      const items = await limit(() =>
        cluster.bulk({
          alias: index.alias,
          body: requestBody(pending),
          operationCount: pending.entries.length,
        }, signal)
      );
      const refused: Rejection[] = [];
      const again: (Failure | undefined)[] = items.map((item, place) => {
        const verdict = judgeItem(item, index.name);
        if (verdict === "written") written++;
        else if (verdict === "superseded") superseded++;
        else if ("again" in verdict) return verdict.again;
        else {
          const key = pending.entries[place]?.key ?? "";
          refused.push({ key, ...verdict.rejected });
        }
        return undefined;
      });
      pending = keepOperations(
        pending,
        (_, place) => again[place] !== undefined,
      );
      const failure = again.find((failure) => failure !== undefined);
      rejections.push(...refused);
      await record(refused);
      if (failure !== undefined) throw new EtlError(failure);
    }

    try {
      await persister.persist(attempt, signal);
    } catch (error) {
      if (!recovers(error, "split")) throw error;
      for (const outcome of await settleParts(pending, error.failure, signal)) {
        written += outcome.written;
        superseded += outcome.superseded;
        rejections.push(...outcome.rejections);
        stale.push(...outcome.stale ?? []);
      }
    }
    const settled = { written, superseded, rejections };
    return stale.length === 0 ? settled : { ...settled, stale };
  }

  /** Settles what is refused as a whole: by halves, down to the one document that is to blame. */
  async function settleParts(
    operations: Operations,
    failure: Failure,
    signal: AbortSignal,
  ): Promise<Outcome[]> {
    const [only] = operations.entries;
    if (operations.entries.length === 1 && only !== undefined) {
      const type = "type" in failure ? failure.type : failure.kind;
      return [await record([{ key: only.key, type }])];
    }
    const outcomes: Outcome[] = [];
    // one after the other: a request that is too large does not become two at once
    for (const half of halveOperations(operations)) {
      outcomes.push(await settlePart(half, { signal, isSent: true }));
    }
    return outcomes;
  }

  function record(rejections: readonly Rejection[]): Promise<Outcome> {
    for (const { key, type, field } of rejections) {
      log.error("document rejected", { id: key, type, field });
    }
    return Promise.resolve({ written: 0, superseded: 0, rejections });
  }

  return { settle, record };
}

/**
 * What an item's answer means, by the type of its error and not by its status alone.
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { judgeItem } from "./sink.ts";
 * equal(judgeItem({ status: 201 }, "movies"), "written");
 * equal(judgeItem({ status: 404 }, "movies"), "written"); // a delete of what is not there
 * equal(judgeItem({ status: 409, error: { type: "version_conflict_engine_exception" } }, "movies"), "superseded");
 * deepEqual(
 *   judgeItem({ status: 400, error: { type: "document_parsing_exception", reason: "failed to parse field [rating]" } }, "movies"),
 *   { rejected: { type: "document_parsing_exception", field: "rating" } },
 * );
 * ```
 */
export function judgeItem({ status, error }: BulkItem, index: string): Verdict {
  if (error === undefined) {
    if (status < 300 || status === 404) return "written";
    return {
      again: {
        kind: "server-unavailable",
        server: "Elasticsearch",
        code: String(status),
      },
    };
  }
  const { type } = error;
  switch (type) {
    case "version_conflict_engine_exception":
      return "superseded";
    case "index_not_found_exception":
      return { again: { kind: "index-missing", index } };
    case "index_closed_exception":
    case "cluster_block_exception":
      return { again: { kind: "index-blocked", index, type } };
    case "es_rejected_execution_exception":
    case "rejected_execution_exception":
    case "circuit_breaking_exception":
      return { again: { kind: "sink-busy", index, type } };
  }
  if (status === 429) return { again: { kind: "sink-busy", index, type } };
  if (status >= 500) {
    return {
      again: {
        kind: "server-unavailable",
        server: "Elasticsearch",
        code: type,
      },
    };
  }
  const field = fieldOf(error);
  return { rejected: field === undefined ? { type } : { type, field } };
}

/** The field that an error is about: the first name in brackets behind one of the words that Elasticsearch uses for it. */
function fieldOf(
  { reason, caused_by: cause }: NonNullable<BulkItem["error"]>,
): string | undefined {
  const text = `${reason ?? ""} ${cause?.reason ?? ""}`;
  return /\b(?:field|fields|introduction of|object mapping for) \[([^\]]+)\]/
    .exec(text)?.[1];
}
