import { z } from "zod";
import type { Log } from "./logging.ts";
import type { Source, Statement } from "./postgres.ts";
import { VERSION_NUMBER } from "./versions.ts";

/**
 * A time of the database's clock in UTC with six digits, `2026-11-23 05:00:00.123456+00`: as text these compare as times do.
 */
export type Time = string;

/** What was seen of the database's open transactions at one moment. */
export interface Notice {
  /** When it was noted. */
  readonly now: Time;
  /** Where a scan made now has to begin, so that no row committed since the last completed one is missed. */
  readonly from: Time;
  /** Where the first scan after a restart has to begin, once the scan made now is done. */
  readonly low: Time;
  /** When the oldest transaction began that is open; none where none is, or none can be seen. */
  readonly oldestStart: Time | undefined;
  /** Whether late commits can be foretold: not on a standby, nor while sessions are hidden from the agent's role. */
  readonly blindness: Blindness | undefined;
  /**
   * Transactions older than this had ended before any other was looked at: what they wrote is found by the scan made now,
   * or was by an earlier one. A number that is read later would count those too that end in between, and pass them over.
   */
  readonly seen: string;
  /** The cluster's system identifier: another one is another database. */
  readonly system: string;
  /** The number that a reading would have now: it goes down, or changes its timeline, only when the cluster did something rare. */
  readonly version: string;
  /** Called when the scan made now is done: the next notice is compared with this one. */
  readonly complete: () => void;
}

/** Why open transactions cannot be seen. */
export type Blindness =
  /** It is a standby: those that will commit are open on the primary. */
  | { readonly reason: "standby" }
  /** So many sessions are hidden: the role lacks `pg_read_all_stats`, or `track_activities` is off in them. */
  | { readonly reason: "hidden sessions"; readonly count: number };

/** A transaction of another session. */
interface OpenTransaction {
  readonly pid: string;
  readonly start: Time;
  readonly ageSeconds: number;
}

/** The open transactions of one database, from scan to scan. */
export interface Horizon {
  /** Notes the open transactions; `low` is where a scan begins that knows nothing of earlier ones, none at the very first. */
  note(
    source: Source,
    options: { low?: Time; signal: AbortSignal },
  ): Promise<Notice>;
}

/** Before every stamp. */
const BEGINNING: Time = "0001-01-01 00:00:00.000000+00";

/** A transaction is told of once it is open for so long: it holds back vacuum, and its changes are not seen before it ends. */
const LONG_TRANSACTION_SECONDS = 300;

const UTC_TEXT = `'YYYY-MM-DD HH24:MI:SS.US"+00"'`;

/** `expression`, a timestamptz, as {@linkcode Time}. */
export function timeText(expression: string): string {
  return `to_char(${expression} at time zone 'UTC', ${UTC_TEXT})`;
}

const ActivityRow = z.object({
  now: z.string(),
  seen: z.string().regex(/^\d+$/),
  system: z.string(),
  version: z.string().regex(/^\d+$/),
  is_standby: z.enum(["true", "false"]),
  max_prepared: z.string(),
  pid: z.string().nullable(),
  start: z.string().nullable(),
  age_seconds: z.string().nullable(),
  is_hidden: z.enum(["true", "false"]),
});

// a statement's snapshot is taken before its first row is read, and so before the sessions are looked at;
// the left join keeps one row where nothing is open; without the right to see a session all but its pid is null
const ACTIVITY: Statement<z.infer<typeof ActivityRow>> = {
  label: "pg_stat_activity",
  sql: `select n.now_text as now, n.seen, n.system, n.version, n.is_standby,
  current_setting('max_prepared_transactions') as max_prepared,
  a.pid::text as pid, ${timeText("a.xact_start")} as start,
  extract(epoch from n.now - a.xact_start)::bigint::text as age_seconds,
  coalesce(a.pid is not null and a.backend_type is null or a.state = 'disabled', false)::text as is_hidden
from (
  select t.now, ${timeText("t.now")} as now_text,
    pg_snapshot_xmin(pg_current_snapshot())::text as seen,
    (select system_identifier::text from pg_control_system()) as system,
    ${VERSION_NUMBER} as version,
    pg_is_in_recovery()::text as is_standby
  from (select clock_timestamp() as now) t
) n
left join pg_stat_activity a on a.datname = current_database()
  and a.pid <> pg_backend_pid()
  and a.backend_type is distinct from 'autovacuum worker'
  and (a.xact_start is not null or a.backend_type is null or a.state = 'disabled')`,
  row: ActivityRow,
  isRepeated: true,
};

const PREPARED: Statement<{ gid: string }> = {
  label: "pg_prepared_xacts",
  sql: `select gid from pg_prepared_xacts where database = current_database()`,
  row: z.object({ gid: z.string() }),
  isRepeated: true,
};

/**
 * Opens a horizon that knows of nothing yet.
 *
 * `now()` is a transaction's start (PostgreSQL manual 9.9.5), so a long transaction commits rows with an old stamp. A row
 * that appears since the last scan comes from a transaction that was open at its notice and has ended since, or from one
 * that began after that notice. So a scan begins at the earliest start among the former, or at the last notice, and a
 * transaction that stays open costs nothing until it ends.
 *
 * A prepared transaction shows when it was prepared, not when it began: it is given the earliest start it may have had,
 * that of a transaction which vanished since the last notice or was there a moment ago. At the very first notice that is
 * the beginning of time: the scan after its end goes over the whole table, and finds its rows alone by their xmin.
 */
export function openHorizon(log: Log): Horizon {
  const tell = createTeller(log);
  let last:
    | { now: Time; open: Map<string, Time>; prepared: Map<string, Time> }
    | undefined;

  return {
    async note(source, { low, signal }) {
      const activity = await source.query(ACTIVITY, { signal });
      const [first] = activity;
      if (first === undefined) {
        throw new RangeError("Cannot note the time: no row came");
      }
      const { now } = first;
      // it changes with a restart alone, and what is prepared after that began after `now`
      const gids = first.max_prepared === "0"
        ? []
        : await source.query(PREPARED, { signal });
      const open = new Map<string, Time>();
      for (const { pid, start } of activity) {
        if (pid !== null && start !== null) open.set(`${pid} ${start}`, start);
      }
      const ended: Time[] = [];
      for (const [transaction, start] of last?.open ?? []) {
        if (!open.has(transaction)) ended.push(start);
      }
      const known = last?.prepared ?? new Map<string, Time>();
      const unseen = last?.now ?? low ?? now;
      // one that was open a moment ago, when the sessions were looked at, may be prepared by now
      const earliestStart = last === undefined && low === undefined
        ? BEGINNING
        : earliest([...ended, ...open.values(), unseen]);
      const prepared = new Map(
        gids.map(({ gid }) => [gid, known.get(gid) ?? earliestStart]),
      );
      for (const [gid, start] of known) {
        if (!prepared.has(gid)) ended.push(start);
      }
      const blindness = describeBlindness(activity);
      const oldest = findOldest(activity);
      tell(blindness, oldest);
      return {
        now,
        from: earliest([...ended, unseen]),
        low: earliest([...open.values(), ...prepared.values(), now]),
        oldestStart: oldest?.start,
        seen: first.seen,
        blindness,
        system: first.system,
        version: first.version,
        complete: () => {
          last = { now, open, prepared };
        },
      };
    },
  };
}

/** Tells of what holds the horizon back: each once, and what hides it when that changes. */
function createTeller(
  log: Log,
): (
  blindness: Blindness | undefined,
  oldest: OpenTransaction | undefined,
) => void {
  let toldBlindness = "";
  let toldTransaction = "";

  function tellBlindness(blindness: Blindness | undefined): void {
    if (blindness === undefined) {
      log.info("open transactions can be seen");
      return;
    }
    log.warning(
      "open transactions cannot be seen: rows committed late wait for the sweep, unless lookback covers them",
      { ...blindness },
    );
  }

  return (blindness, oldest) => {
    const reason = blindness?.reason ?? "";
    if (reason !== toldBlindness) {
      toldBlindness = reason;
      tellBlindness(blindness);
    }
    if (oldest === undefined || oldest.ageSeconds < LONG_TRANSACTION_SECONDS) {
      return;
    }
    const name = `${oldest.pid} ${oldest.start}`;
    if (name === toldTransaction) return;
    toldTransaction = name;
    log.warning(
      "a transaction is open for long: what it changes is found when it ends",
      { pid: oldest.pid, seconds: oldest.ageSeconds },
    );
  };
}

function describeBlindness(
  activity: readonly z.infer<typeof ActivityRow>[],
): Blindness | undefined {
  if (activity[0]?.is_standby === "true") return { reason: "standby" };
  const count = activity.filter((row) => row.is_hidden === "true").length;
  return count === 0 ? undefined : { reason: "hidden sessions", count };
}

function findOldest(
  activity: readonly z.infer<typeof ActivityRow>[],
): OpenTransaction | undefined {
  let oldest: OpenTransaction | undefined;
  for (const { pid, start, age_seconds } of activity) {
    if (pid === null || start === null) continue;
    if (oldest !== undefined && oldest.start <= start) continue;
    oldest = { pid, start, ageSeconds: Number(age_seconds) };
  }
  return oldest;
}

/**
 * The earliest of `times`, of which there is at least one.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { earliest } from "./horizon.ts";
 * equal(earliest(["2026-01-02 00:00:00.000000+00", "2026-01-01 00:00:00.000000+00"]), "2026-01-01 00:00:00.000000+00");
 * ```
 */
export function earliest(times: readonly Time[]): Time {
  return times.reduce((first, time) => time < first ? time : first);
}

/**
 * `time`, moved by `ms`, which may be negative, but not before the year 1; to the millisecond.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { shiftTime } from "./horizon.ts";
 * equal(shiftTime("2026-01-01 00:00:00.000500+00", -1000), "2025-12-31 23:59:59.000000+00");
 * ```
 */
export function shiftTime(time: Time, ms: number): Time {
  const moved = new Date(
    Date.parse(time.replace(" ", "T").replace(/\d{3}\+00$/, "Z")) + ms,
  );
  const text = moved.toISOString().replace("T", " ").replace("Z", "000+00");
  return text < BEGINNING ? BEGINNING : text;
}
