import { z } from "zod";
import type { Source, Statement } from "./postgres.ts";

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
  /** Sessions whose transactions cannot be seen: no right to, or `track_activities` is off. */
  readonly hiddenCount: number;
  /** Called when the scan made now is done: the next notice is compared with this one. */
  readonly complete: () => void;
}

/** The open transactions of one database, from scan to scan. */
export interface Horizon {
  /** Notes the open transactions; `low` is where a scan begins that knows nothing of earlier ones, none at the very first. */
  note(
    source: Source,
    options: { low?: Time; signal: AbortSignal },
  ): Promise<Notice>;
}

/** A backend publishes its transaction's start a moment after the start is fixed. */
export const MARGIN = "interval '1 second'";

const UTC_TEXT = `'YYYY-MM-DD HH24:MI:SS.US"+00"'`;

/** `expression`, a timestamptz, as {@linkcode Time}. */
export function timeText(expression: string): string {
  return `to_char(${expression} at time zone 'UTC', ${UTC_TEXT})`;
}

const ACTIVITY: Statement<
  { now: Time; pid: string | null; start: Time | null; hidden: string }
> = {
  label: "pg_stat_activity",
  // the left join keeps one row where nothing is open; without the right to see a session all but its pid is null
  sql: `select ${timeText("n.now")} as now, a.pid::text as pid,
  ${timeText("a.xact_start")} as start,
  coalesce(a.backend_type is null and a.pid is not null or a.state = 'disabled', false)::text as hidden
from (select clock_timestamp() as now) n
left join pg_stat_activity a on a.datname = current_database()
  and a.pid <> pg_backend_pid()
  and a.backend_type is distinct from 'autovacuum worker'
  and (a.xact_start is not null or a.backend_type is null or a.state = 'disabled')`,
  row: z.object({
    now: z.string(),
    pid: z.string().nullable(),
    start: z.string().nullable(),
    hidden: z.enum(["true", "false"]),
  }),
};

const PREPARED: Statement<{ gid: string }> = {
  label: "pg_prepared_xacts",
  sql: `select gid from pg_prepared_xacts where database = current_database()`,
  row: z.object({ gid: z.string() }),
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
 * that of a transaction which vanished since the last notice.
 */
export function openHorizon(): Horizon {
  let last:
    | { now: Time; open: Map<string, Time>; prepared: Map<string, Time> }
    | undefined;

  return {
    async note(source, { low, signal }) {
      const activity = await source.query(ACTIVITY, { signal });
      const gids = await source.query(PREPARED, { signal });
      const [first] = activity;
      if (first === undefined) {
        throw new RangeError("Cannot note the time: no row came");
      }
      const { now } = first;
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
      const earliestStart = earliest([...ended, unseen]);
      const prepared = new Map(
        gids.map(({ gid }) => [gid, known.get(gid) ?? earliestStart]),
      );
      for (const [gid, start] of known) {
        if (!prepared.has(gid)) ended.push(start);
      }
      return {
        now,
        from: earliest([...ended, unseen]),
        low: earliest([...open.values(), ...prepared.values(), now]),
        hiddenCount: activity.filter(({ hidden }) => hidden === "true").length,
        complete: () => {
          last = { now, open, prepared };
        },
      };
    },
  };
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
