import { z } from "zod";
import type { Lsn } from "./lsn.ts";
import type { Answering, Statement } from "./postgres.ts";

/**
 * The number that decides between two readings of one document, as an expression: 12 bits of timeline, 51 bits of the
 * WAL's insert position in units of 8 bytes; null when it would not fit.
 *
 * The insert position, since `pg_current_wal_lsn()` stands still under asynchronous commit. The timeline of a primary is
 * the one in the name of its WAL file: `pg_control_checkpoint()` lags for seconds after a promotion. On a standby the
 * replayed position and the control file's timeline.
 */
export const VERSION_NUMBER = `(
  select case when timeline < 4096 and units < 1::bigint << 51
    then ((timeline << 51) | units)::text end
  from (
    select case when pg_is_in_recovery()
        then (select timeline_id::bigint from pg_control_checkpoint())
        else ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::bigint
      end as timeline,
      ((lsn - '0/0') / 8)::bigint as units
    from (
      select case when pg_is_in_recovery()
        then pg_last_wal_replay_lsn() else pg_current_wal_insert_lsn() end as lsn
    ) position
  ) number
)`;

const VERSION: Statement<{ version: string }> = {
  label: "document version",
  sql: `select ${VERSION_NUMBER} as version`,
  row: z.object({ version: z.string().regex(/^\d+$/) }),
};

/** Numbers the readings of one index. */
export interface Versions {
  /** The highest number given so far. */
  readonly last: string;
  /** The number that PostgreSQL gave last, which may be lower; none before the first. */
  readonly latest: string | undefined;
  /** Takes in a number that was read otherwise. */
  observe(version: string): void;
  /**
   * The number of a reading that is made after this call.
   *
   * It never goes down: where PostgreSQL itself went back, readings share the last number until it has passed that again, and
   * of two with one number the later one wins.
   */
  next(source: Answering, signal: AbortSignal): Promise<string>;
}

/** The number that the server itself gives now. */
export async function readVersion(
  source: Answering,
  signal: AbortSignal,
): Promise<string> {
  const [row] = await source.query(VERSION, { signal });
  if (row === undefined) {
    throw new RangeError("Cannot number a reading: no row came");
  }
  return row.version;
}

/** Opens the numbering; `floor` is the highest number of earlier runs. */
export function openVersions(floor = "0"): Versions {
  let last = BigInt(floor);
  let latest: string | undefined;
  function observe(version: string): void {
    latest = version;
    const number = BigInt(version);
    if (number > last) last = number;
  }
  return {
    observe,
    get last() {
      return String(last);
    },
    get latest() {
      return latest;
    },
    async next(source, signal) {
      observe(await readVersion(source, signal));
      return String(last);
    },
  };
}

/**
 * The timeline in a number.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { timelineOf } from "./versions.ts";
 * equal(timelineOf(String((3n << 51n) | 12345n)), 3);
 * ```
 */
export function timelineOf(version: string): number {
  return Number(BigInt(version) >> 51n);
}

/** The pages of the log begin with a header: nothing is logged in it, but a position may be behind it. */
const LOG_PAGE_BYTES = 8192n;
const LOG_HEADER_BYTES: readonly bigint[] = [24n, 40n];

/**
 * The place in the log of a number, in front of a page's header where it is right behind that.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { lsnOf } from "./versions.ts";
 * equal(lsnOf(String((3n << 51n) | 12345n)), 8n * 12345n);
 * equal(lsnOf(String((8192n + 24n) / 8n)), 8192n);
 * ```
 */
export function lsnOf(version: string): Lsn {
  const lsn = (BigInt(version) & ((1n << 51n) - 1n)) * 8n;
  const place = lsn % LOG_PAGE_BYTES;
  return LOG_HEADER_BYTES.includes(place) ? lsn - place : lsn;
}
