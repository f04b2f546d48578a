import { type EtlError, recovers } from "./failure.ts";
import type { Key } from "./keys.ts";
import {
  type Entry,
  keepOperations,
  type Operations,
  type RefusedDocument,
} from "./operations.ts";
import { openPageLimit } from "./page_limit.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import { copyStatement, readFrame } from "./transform.ts";
import type { Versions } from "./versions.ts";

/** What was read for some keys. */
export interface Reading {
  /** The operations, in requests of bounded size. */
  readonly requests: readonly Operations[];
  /** Documents that cannot be sent. */
  readonly rejections: readonly RefusedDocument[];
  /** Keys that were left out since the reading had grown too large, or would take too long. */
  readonly rest: readonly Key[];
}

/** Reads documents as bulk operations. */
export interface Documents {
  /** The operations for `keys`, each numbered before it is read. A document that breaks the query is found by halving. */
  read(keys: readonly Key[], signal: AbortSignal): Promise<Reading>;
  /** Takes back the buffer of a request that is settled. */
  recycle(operations: Operations): void;
}

/** How large requests and readings may be, in bytes. */
export interface ReadingLimits {
  readonly maxRequestBytes: number;
  readonly maxReadingBytes: number;
}

/** Elasticsearch takes requests of up to 100 MB (`http.max_content_length`), the action line included. */
const MAX_DOCUMENT_BYTES = 90 * 2 ** 20;

/** How often one document may be too late: PostgreSQL may have been busy with something else. */
const MAX_TIMEOUTS = 3;

/** Opens the reader of one index's documents. */
export function openDocuments(
  { source, plan, versions, limits }: {
    source: Source;
    plan: IndexPlan;
    versions: Pick<Versions, "next">;
    limits: ReadingLimits;
  },
): Documents {
  const free: Uint8Array[] = [];
  const limit = openPageLimit();

  async function read(
    keys: readonly Key[],
    signal: AbortSignal,
  ): Promise<Reading> {
    if (keys.length <= limit.max) return await readPage(keys, { signal });
    const rest = keys.slice(limit.max);
    const page = keys.slice(0, limit.max);
    const reading = await readPage(page, { signal });
    return { ...reading, rest: [...reading.rest, ...rest] };
  }

  async function readPage(
    keys: readonly Key[],
    { signal, timeoutCount = 0 }: {
      signal: AbortSignal;
      timeoutCount?: number;
    },
  ): Promise<Reading> {
    let version = "0";
    let reading = openReading(keys, version);
    let startedMs = performance.now();
    try {
      await source.copy({
        label: plan.document.label,
        async sql(connection) {
          // before the documents are read: a change that this reading misses is found later, and has a number as high;
          // by the host that they are read on: another one may be ahead of it
          version = await versions.next(connection, signal);
          return copyStatement(plan.document, {
            keys,
            version,
            maxDocumentBytes: MAX_DOCUMENT_BYTES,
          });
        },
        start: () => {
          reading.abandon();
          reading = openReading(keys, version);
          startedMs = performance.now();
          return reading.take;
        },
      }, signal);
    } catch (error) {
      reading.abandon();
      if (!recovers(error, "split")) throw error;
      if (error.failure.kind === "statement-timeout") {
        limit.shrink(keys.length, performance.now() - startedMs);
        const count = timeoutCount + 1;
        if (keys.length === 1 && count < MAX_TIMEOUTS) {
          return await readPage(keys, { signal, timeoutCount: count });
        }
      }
      return await readHalves(keys, { error, version, signal });
    }
    limit.grow(keys.length, performance.now() - startedMs);
    return reading.close();
  }

  async function readHalves(
    keys: readonly Key[],
    { error, version, signal }: {
      error: EtlError;
      version: string;
      signal: AbortSignal;
    },
  ): Promise<Reading> {
    const [only] = keys;
    if (keys.length === 1 && only !== undefined) {
      const type = "code" in error.failure
        ? `sqlstate_${error.failure.code}`
        : error.failure.kind.replaceAll("-", "_");
      const rejections = [{ key: only, type, version }];
      return { requests: [], rejections, rest: [] };
    }
    const middle = Math.ceil(keys.length / 2);
    const first = await read(keys.slice(0, middle), signal);
    const second = await read(keys.slice(middle), signal);
    return {
      requests: [...first.requests, ...second.requests],
      rejections: [...first.rejections, ...second.rejections],
      rest: [...first.rest, ...second.rest],
    };
  }

  /** Gathers the frames of one statement into requests. */
  function openReading(keys: readonly Key[], version: string) {
    const readAtMs = performance.now();
    const requests: { buffer: Uint8Array; entries: Entry[] }[] = [];
    const rejections: RefusedDocument[] = [];
    const seenCounts = new Uint8Array(keys.length);
    let totalBytes = 0;
    let usedBytes = 0;
    let isAbandoned = false;

    function room(byteCount: number): { buffer: Uint8Array; entries: Entry[] } {
      const last = requests.at(-1);
      if (last !== undefined && usedBytes + byteCount <= last.buffer.length) {
        return last;
      }
      const isLarge = byteCount > limits.maxRequestBytes;
      const buffer = isLarge
        ? new Uint8Array(byteCount)
        : free.pop() ?? new Uint8Array(limits.maxRequestBytes);
      const request = { buffer, entries: [], readAtMs, version };
      requests.push(request);
      usedBytes = 0;
      return request;
    }

    return {
      take(message: Uint8Array): void {
        // rows may still come that were on their way when the statement failed: the buffers are others' by now
        if (isAbandoned) return;
        const frame = readFrame(message);
        if (frame === undefined) return;
        const { ordinal } = frame;
        const key = keys[ordinal];
        if (key === undefined) {
          throw new RangeError(
            `Cannot take document ${ordinal}: ${keys.length} were asked for`,
          );
        }
        const isFirst = seenCounts[ordinal] === 0;
        const byteCount = frame.kind === "operation" ? frame.bytes.length : 0;
        // what is over the limit is left for the next reading, but one document always goes
        if (totalBytes > 0 && totalBytes + byteCount > limits.maxReadingBytes) {
          return;
        }
        seenCounts[ordinal] = isFirst ? 1 : 2;
        if (!isFirst) return;
        if (frame.kind === "nothing") return;
        if (frame.kind === "rejection") {
          rejections.push({ key, type: frame.type, version });
          return;
        }
        totalBytes += byteCount;
        const { buffer, entries } = room(byteCount);
        buffer.set(frame.bytes, usedBytes);
        entries.push({ key, start: usedBytes, end: usedBytes + byteCount });
        usedBytes += byteCount;
      },
      close(): Reading {
        const rest = keys.filter((_, ordinal) => seenCounts[ordinal] === 0);
        const doubled = new Set(
          keys.filter((_, ordinal) => seenCounts[ordinal] === 2),
        );
        if (doubled.size === 0) return { requests, rejections, rest };
        // which of two rows would be the document is not for us to say
        for (const key of doubled) {
          rejections.push({ key, type: "two_rows", version });
        }
        const kept = requests.map((request) =>
          keepOperations(request, ({ key }) => !doubled.has(key))
        );
        return {
          requests: kept.filter(({ entries }) => entries.length > 0),
          rejections,
          rest,
        };
      },
      abandon(): void {
        if (!isAbandoned) requests.forEach(recycle);
        isAbandoned = true;
      },
    };
  }

  function recycle({ buffer }: Pick<Operations, "buffer">): void {
    if (buffer.length === limits.maxRequestBytes) free.push(buffer);
  }

  return { read, recycle };
}
