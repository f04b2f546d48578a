import { z } from "zod";
import { recovers } from "./failure.ts";
import type { Log } from "./logging.ts";
import { type Lsn, parseLsn } from "./lsn.ts";
import type { Source, Statement } from "./postgres.ts";
import { explainError } from "./postgres_failure.ts";
import { openHosts } from "./postgres_hosts.ts";
import type { Refusal } from "./postgres_publication.ts";
import { aroundPooler, type PostgresOptions } from "./postgres_session.ts";
import type { Secrets } from "./secrets.ts";
import { pause } from "./ticks.ts";

/** What of the server a slot needs. */
export interface SlotGround {
  readonly walLevel: string;
  readonly isStandby: boolean;
  /** Whether the agent's role may use slots. */
  readonly mayReplicate: boolean;
  /** The server's release, such as 170002. */
  readonly release: number;
}

/** A replication slot. */
export interface Slot {
  /** Whether it is one of pgoutput in the agent's database. */
  readonly isFit: boolean;
  /** Whether the server still has the log for it. */
  readonly isLost: boolean;
  /** The process that uses it. */
  readonly activePid: string | undefined;
  /** All before this was confirmed. */
  readonly confirmedLsn: Lsn | undefined;
  /** How much of the log is kept for it. */
  readonly keptBytes: number;
  /** How much of the log came after what was confirmed. */
  readonly lagBytes: number;
}

const Truth = z.enum(["true", "false"]);

const GROUND: Statement<
  {
    wal_level: string;
    is_standby: string;
    may_replicate: string;
    release: string;
  }
> = {
  label: "wal_level",
  sql: `select current_setting('wal_level') as wal_level,
  pg_is_in_recovery()::text as is_standby,
  current_setting('server_version_num') as release,
  (select (rolreplication or rolsuper)::text from pg_roles where rolname = current_user) as may_replicate`,
  row: z.object({
    wal_level: z.string(),
    is_standby: Truth,
    may_replicate: Truth,
    release: z.string(),
  }),
};

const SlotRow = z.object({
  is_fit: Truth,
  is_lost: Truth,
  active_pid: z.string().nullable(),
  confirmed: z.string().nullable(),
  kept: z.string(),
  lag: z.string(),
});

// by way of JSON, since releases differ in what they say of a slot that was given up
const SLOT: Statement<z.infer<typeof SlotRow>> = {
  label: "pg_replication_slots",
  sql: `select
  coalesce(s.plugin = 'pgoutput' and s.database = current_database(), false)::text as is_fit,
  coalesce(s.wal_status = 'lost' or to_jsonb(s) ->> 'invalidation_reason' is not null
    or s.restart_lsn is null and s.active_pid is null, false)::text as is_lost,
  s.active_pid::text as active_pid, s.confirmed_flush_lsn::text as confirmed,
  coalesce(greatest(n.lsn - s.restart_lsn, 0), 0)::text as kept,
  coalesce(greatest(n.lsn - s.confirmed_flush_lsn, 0), 0)::text as lag
from pg_replication_slots s, (
  select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as lsn
) n
where s.slot_name = $1`,
  row: SlotRow,
  isRepeated: true,
};

/** What of the server a slot needs. */
export async function readSlotGround(
  source: Source,
  signal: AbortSignal,
): Promise<SlotGround> {
  const [row] = await source.query(GROUND, { signal });
  if (row === undefined) throw new RangeError("Cannot read wal_level: no row");
  return {
    walLevel: row.wal_level,
    isStandby: row.is_standby === "true",
    mayReplicate: row.may_replicate === "true",
    release: Number(row.release),
  };
}

/** What keeps an agent from having a slot on a server, and what to do about it. */
export function* refuseGround(
  { walLevel, isStandby, mayReplicate }: SlotGround,
): Generator<Refusal> {
  if (isStandby) {
    yield {
      reason: "the server is a standby, whose log the agent does not follow",
      remedy: "Write the primary's address",
    };
  }
  if (walLevel !== "logical") {
    yield {
      reason: `wal_level is ${walLevel}`,
      remedy:
        "Run: alter system set wal_level = 'logical', and restart the server",
    };
  }
  if (!mayReplicate) {
    yield {
      reason: "the agent's role may not use replication slots",
      remedy:
        "Run: alter role ROLE replication, with the role of postgres.user",
    };
  }
}

/** What is said where no slot is free. */
export const NO_FREE_SLOT: Refusal = {
  reason: "all replication slots of the server are in use",
  remedy: "Raise max_replication_slots, or drop a slot that nobody uses",
};

/** The slot of this name; nothing where there is none. */
export async function readSlot(
  source: Source,
  name: string,
  signal: AbortSignal,
): Promise<Slot | undefined> {
  const [row] = await source.query(SLOT, { values: [name], signal });
  if (row === undefined) return undefined;
  return {
    isFit: row.is_fit === "true",
    isLost: row.is_lost === "true",
    activePid: row.active_pid ?? undefined,
    confirmedLsn: row.confirmed === null ? undefined : parseLsn(row.confirmed),
    keptBytes: Number(row.kept),
    lagBytes: Number(row.lag),
  };
}

const FLUSHED: Statement<{ lsn: string; delay_ms: string }> = {
  label: "pg_current_wal_flush_lsn",
  sql: `select pg_current_wal_flush_lsn()::text as lsn,
  (select setting from pg_settings where name = 'wal_writer_delay') as delay_ms`,
  row: z.object({ lsn: z.string(), delay_ms: z.string() }),
};

/** How much of the log is on the server's disk, and after how long all that was committed before is. */
export async function readFlushed(
  source: Source,
  signal: AbortSignal,
): Promise<{ readonly lsn: Lsn; readonly delayMs: number }> {
  const [row] = await source.query(FLUSHED, { signal });
  if (row === undefined) throw new RangeError("Cannot read the log: no row");
  // commits that nobody waits for are flushed within three of these: manual 30.4 "Asynchronous Commit"
  return { lsn: parseLsn(row.lsn), delayMs: 3 * Number(row.delay_ms) };
}

/** Makes a slot of pgoutput; waits until every transaction is over that is open now. One that a standby takes over, where the server knows such. */
export function createSlot(
  options: PostgresOptions,
  { name, release, ...connecting }: Connecting & {
    name: string;
    release: number;
  },
): Promise<void> {
  const failover = release >= 170_000 ? ", false, false, true" : "";
  return runStatements(options, {
    ...connecting,
    label: "replication slot",
    statements: [{
      sql:
        `select lsn::text from pg_create_logical_replication_slot($1, 'pgoutput'${failover})`,
      values: [name],
    }],
  });
}

/** Drops a slot that nobody uses; one that is gone is no failure. */
export function dropSlot(
  options: PostgresOptions,
  { name, ...connecting }: Connecting & { name: string },
): Promise<void> {
  return runStatements(options, {
    ...connecting,
    label: "replication slot",
    statements: [{
      sql:
        `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1`,
      values: [name],
    }],
  });
}

/** Drops a slot that whoever used it has just left: it is in use for a moment more. */
export async function dropFreedSlot(
  options: PostgresOptions,
  dropping: Connecting & { name: string },
): Promise<void> {
  for (let triesLeft = DROP_TRIES;; triesLeft--) {
    try {
      return await dropSlot(options, dropping);
    } catch (error) {
      if (triesLeft === 0 || !recovers(error, "retry")) throw error;
      await pause(DROP_PAUSE_MS, dropping.signal);
    }
  }
}

const DROP_TRIES = 20;
const DROP_PAUSE_MS = 100;

/** Runs statements that change a publication; all of them, or none. */
export function alterPublication(
  options: PostgresOptions,
  { statements, ...connecting }: Connecting & {
    statements: readonly string[];
  },
): Promise<void> {
  return runStatements(options, {
    ...connecting,
    label: "publication",
    statements: [
      { sql: "begin read write" },
      ...statements.map((sql) => ({ sql })),
      { sql: "commit" },
    ],
  });
}

interface Connecting {
  readonly secrets: Secrets;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Runs statements on a connection of their own, around a pooler, tried once; an abort ends the connection. */
async function runStatements(
  options: PostgresOptions,
  { label, statements, secrets, log, signal }: Connecting & {
    label: string;
    statements: readonly { sql: string; values?: readonly string[] }[];
  },
): Promise<void> {
  const direct = aroundPooler(options);
  try {
    const session = await openHosts(direct, { secrets, log }).connect(signal);
    const abort = () => session.destroy();
    signal.addEventListener("abort", abort, { once: true });
    try {
      for (const { sql, values } of statements) {
        await session.query(sql, values);
      }
      await session.end();
    } finally {
      signal.removeEventListener("abort", abort);
      session.destroy();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw explainError(error, label);
  }
}
