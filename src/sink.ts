import type { DeadLetters } from "./dead_letters.ts";
import type { BulkItem, Cluster } from "./elasticsearch.ts";
import { EtlError, type Failure, recovers } from "./failure.ts";
import { failuresIn, judgeItem } from "./item_verdict.ts";
import type { Key } from "./keys.ts";
import type { Log } from "./logging.ts";
import {
  halveOperations,
  keepOperations,
  type Operations,
  type RefusedDocument,
  type Rejection,
  rejectionOf,
  requestBody,
  sourceOf,
  splitOperations,
} from "./operations.ts";
import type { Pressure } from "./pressure.ts";
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
 * document, or when it was refused for good and that is in the dead letters. Nothing else is: not sent, not answered for
 * the request as a whole. A position is saved only when everything before it is settled.
 */
export interface Sink {
  /**
   * Settles every operation, however long it takes, but those that have become stale meanwhile; the order of the
   * operations of one request is kept.
   * @throws {EtlError} `index-missing` when the index is gone, `rejections-exceeded`, or the signal's reason.
   */
  settle(operations: Operations, signal: AbortSignal): Promise<Outcome>;
  /**
   * Settles documents that are refused for good, by recording them.
   * @throws {EtlError} `rejections-exceeded` when they are too many by now; these are recorded.
   */
  record(
    refused: readonly RefusedDocument[],
    signal: AbortSignal,
  ): Promise<Outcome>;
}

/** What the sinks of an agent share: requests are bounded over all indexes. */
export interface SinkServices {
  readonly cluster: Cluster;
  readonly persister: Persister;
  readonly pressure: Pressure;
}

/** Opens the sink of one index. */
export function openSink(
  { cluster, persister, pressure, index, deadLetters, log }: SinkServices & {
    index: {
      readonly name: string;
      readonly alias: string;
      /** For how long Elasticsearch remembers the version of a deleted document; forever where it is not said. */
      readonly gcDeletesMs?: number;
      /** What documents go through in Elasticsearch. */
      readonly ingestPipeline?: string;
    };
    deadLetters: DeadLetters;
    log: Log;
  },
): Sink {
  const { alias, ingestPipeline } = index;
  const target = ingestPipeline === undefined
    ? { alias }
    : { alias, pipeline: ingestPipeline };
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
      while (pending.entries.length > 0) {
        if (isTried && performance.now() - readAtMs > maxAgeMs) {
          stale.push(...pending.entries.map(({ key }) => key));
          return;
        }
        isTried = true;
        const [part, others] = splitOperations(pending, pressure.maxBytes);
        const body = requestBody(part);
        const operationCount = part.entries.length;
        const items = await pressure.carry(
          () => cluster.bulk({ ...target, body, operationCount }, signal),
          {
            bytes: body.length,
            failuresIn: (items) => failuresIn(items, index.name),
          },
        );
        const again = await settleItems(part, items);
        const failure = again.find((failure) => failure !== undefined);
        // what is sent lies in a row
        pending = failure === undefined ? others : keepOperations(
          pending,
          (_, place) =>
            place >= part.entries.length || again[place] !== undefined,
        );
        if (failure !== undefined) throw new EtlError(failure);
      }
    }

    /** Does what each item's answer asks for; returns why an operation has to be sent again, none where it is settled. */
    async function settleItems(
      part: Operations,
      items: readonly BulkItem[],
    ): Promise<(Failure | undefined)[]> {
      const refused: RefusedDocument[] = [];
      const settled: Key[] = [];
      const { version } = part;
      const again = items.map((item, place) => {
        const entry = part.entries[place];
        const verdict = judgeItem(item, index.name);
        if (entry === undefined) return undefined; // as many items came as operations went
        if (typeof verdict === "object" && "again" in verdict) {
          return verdict.again;
        }
        if (verdict === "written") written++;
        else if (verdict === "superseded") superseded++;
        else {
          const document = sourceOf(part, entry);
          refused.push({
            key: entry.key,
            ...verdict.refused,
            ...(version === undefined ? {} : { version }),
            ...(document === undefined ? {} : { document }),
          });
          return undefined;
        }
        settled.push(entry.key);
        return undefined;
      });
      rejections.push(...refused.map(rejectionOf));
      await record(refused, signal);
      await deadLetters.clear(settled, { version, signal });
      return again;
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
      const { version } = operations;
      const document = sourceOf(operations, only);
      return [
        await record([{
          key: only.key,
          type: "type" in failure ? failure.type : failure.kind,
          ...(version === undefined ? {} : { version }),
          ...(document === undefined ? {} : { document }),
        }], signal),
      ];
    }
    const outcomes: Outcome[] = [];
    // one after the other: a request that is too large does not become two at once
    for (const half of halveOperations(operations)) {
      outcomes.push(await settlePart(half, { signal, isSent: true }));
    }
    return outcomes;
  }

  async function record(
    refused: readonly RefusedDocument[],
    signal: AbortSignal,
  ): Promise<Outcome> {
    const rejections = refused.map(rejectionOf);
    for (const { key, type, field } of rejections) {
      log.error("document rejected", { id: key, type, field });
    }
    await deadLetters.record(refused, signal);
    return { written: 0, superseded: 0, rejections };
  }

  return { settle, record };
}
