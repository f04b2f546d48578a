import { type EtlError, recovers } from "./failure.ts";
import type { Key } from "./keys.ts";
import {
  type Entry,
  keepOperations,
  type Operations,
  type Rejection,
} from "./operations.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import { copyStatement, readFrame } from "./transform.ts";
import type { Versions } from "./versions.ts";

/** What was read for some keys. */
export interface Reading {
  /** The operations, in requests of bounded size. */
  readonly requests: readonly Operations[];
  /** Documents that cannot be sent. */
  readonly rejections: readonly Rejection[];
  /** Keys that were left out since the reading had grown too large. */
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

/** Opens the reader of one index's documents. */
export function openDocuments(
  { source, plan, versions, limits }: {
    source: Source;
    plan: IndexPlan;
    versions: Versions;
    limits: ReadingLimits;
  },
): Documents {
  const free: Uint8Array[] = [];

  async function read(
    keys: readonly Key[],
    signal: AbortSignal,
  ): Promise<Reading> {
    // before the documents are read: a change that this reading misses is found later, and has a number as high
    const version = await versions.next(source, signal);
    const sql = copyStatement(plan.document, {
      keys,
      version,
      maxDocumentBytes: MAX_DOCUMENT_BYTES,
    });
    let reading = openReading(keys);
    try {
      await source.copy({
        label: plan.document.label,
        sql,
        start: () => {
          reading.abandon();
          reading = openReading(keys);
          return reading.take;
        },
      }, signal);
    } catch (error) {
      reading.abandon();
      if (!recovers(error, "split")) throw error;
      return await readHalves(keys, error, signal);
    }
    return reading.close();
  }

  async function readHalves(
    keys: readonly Key[],
    error: EtlError,
    signal: AbortSignal,
  ): Promise<Reading> {
    const [only] = keys;
    if (keys.length === 1 && only !== undefined) {
      const type = "code" in error.failure
        ? `sqlstate_${error.failure.code}`
        : "unreadable";
      return { requests: [], rejections: [{ key: only, type }], rest: [] };
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
  function openReading(keys: readonly Key[]) {
    const readAtMs = performance.now();
    const requests: { buffer: Uint8Array; entries: Entry[] }[] = [];
    const rejections: Rejection[] = [];
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
      const request = { buffer, entries: [], readAtMs };
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
        if (frame.kind === "rejection") {
          rejections.push({ key, type: frame.type });
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
        for (const key of doubled) rejections.push({ key, type: "two_rows" });
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
