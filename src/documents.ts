import { z } from "zod";
import { type EtlError, recovers } from "./failure.ts";
import type { Key } from "./keys.ts";
import {
  type Entry,
  keepOperations,
  type Operations,
  type Rejection,
} from "./operations.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source, Statement } from "./postgres.ts";
import { copyStatement, readFrame } from "./transform.ts";

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

/**
 * The number that decides between two readings of one document: 12 bits of timeline, 51 bits of the WAL's insert
 * position in units of 8 bytes.
 *
 * Read after the scan that found a change and before the documents are, so that a reading which had not seen the change
 * has a number that is lower or equal. The insert position, since `pg_current_wal_lsn()` stands still under asynchronous
 * commit; on a standby the replayed position and the control file's timeline. Too large a number is null, and refused.
 */
const VERSION: Statement<{ version: string }> = {
  label: "document version",
  sql: `select ((timeline << 51) | units)::text as version
from (
  select case when pg_is_in_recovery()
      then (select timeline_id::bigint from pg_control_checkpoint())
      else ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::bigint
    end as timeline,
    ((lsn - '0/0') / 8)::bigint as units
  from (
    select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end as lsn
  ) position
) number
where timeline < 4096 and units < 1::bigint << 51`,
  row: z.object({ version: z.string().regex(/^\d+$/) }),
};

/** Opens the reader of one index's documents. */
export function openDocuments(
  { source, plan, limits }: {
    source: Source;
    plan: IndexPlan;
    limits: ReadingLimits;
  },
): Documents {
  const free: Uint8Array[] = [];

  async function read(
    keys: readonly Key[],
    signal: AbortSignal,
  ): Promise<Reading> {
    const [number] = await source.query(VERSION, { signal });
    if (number === undefined) {
      throw new RangeError(
        "Cannot number a reading: the WAL's position has passed 2^54 bytes",
      );
    }
    const sql = copyStatement(plan.document, {
      keys,
      version: number.version,
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
    const requests: { buffer: Uint8Array; entries: Entry[] }[] = [];
    const rejections: Rejection[] = [];
    const seenCounts = new Uint8Array(keys.length);
    let totalBytes = 0;
    let usedBytes = 0;

    function room(byteCount: number): { buffer: Uint8Array; entries: Entry[] } {
      const last = requests.at(-1);
      if (last !== undefined && usedBytes + byteCount <= last.buffer.length) {
        return last;
      }
      const isLarge = byteCount > limits.maxRequestBytes;
      const buffer = isLarge
        ? new Uint8Array(byteCount)
        : free.pop() ?? new Uint8Array(limits.maxRequestBytes);
      const request = { buffer, entries: [] };
      requests.push(request);
      usedBytes = 0;
      return request;
    }

    return {
      take(message: Uint8Array): void {
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
        requests.forEach(recycle);
      },
    };
  }

  function recycle({ buffer }: Pick<Operations, "buffer">): void {
    if (buffer.length === limits.maxRequestBytes) free.push(buffer);
  }

  return { read, recycle };
}
