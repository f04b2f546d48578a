import { z } from "zod";
import { fail, listSome, type Observation, warn } from "./check_finding.ts";
import type { Source, Statement } from "./postgres.ts";
import { Flag, type Relation } from "./check_relations.ts";

/** The oldest version that has all that the agent asks for. */
const MIN_VERSION = 130_000;

const MAX_CLOCK_DIFFERENCE_SECONDS = 60;

const REMAINDER =
  "a row that is committed over five minutes, or `lookback`, after its stamp is left to the sweep";

const VERSION: Statement<{ number: number; version: string }> = {
  label: "server_version",
  sql: `select current_setting('server_version_num') as number,
  split_part(current_setting('server_version'), ' ', 1) as version`,
  row: z.object({ number: z.coerce.number(), version: z.string() }),
};

const SessionRow = z.object({
  role: z.string(),
  now_seconds: z.coerce.number(),
  is_standby: Flag,
  sees_others: Flag,
  is_tracked: Flag,
  untracked_count: z.coerce.number(),
  superuser: Flag,
  createdb: Flag,
  createrole: Flag,
  replication: Flag,
});

const SESSION: Statement<z.infer<typeof SessionRow>> = {
  label: "pg_roles",
  sql: `select quote_ident(current_user) as role,
  extract(epoch from clock_timestamp())::bigint::text as now_seconds,
  pg_is_in_recovery()::text as is_standby,
  pg_has_role(current_user, 'pg_read_all_stats', 'usage')::text as sees_others,
  current_setting('track_activities')::boolean::text as is_tracked,
  (
    select count(*) from pg_stat_activity
    where datname = current_database() and state = 'disabled'
  )::text as untracked_count,
  rolsuper::text as superuser, rolcreatedb::text as createdb,
  rolcreaterole::text as createrole, rolreplication::text as replication
from pg_roles
where rolname = current_user`,
  row: SessionRow,
};

/** What is known of the database when it was reached. */
export interface Database {
  readonly version: string;
  /** Whether the version is one that the agent can use. */
  readonly isUsable: boolean;
  readonly observations: readonly Observation[];
  /** The agent's role, quoted, where it may not do everything anyway. */
  readonly role?: string;
}

/**
 * The version of PostgreSQL, its clock, and what the agent's role may see and do.
 * @throws {EtlError} when it cannot be reached.
 */
export async function checkDatabase(
  source: Source,
  { isByWal, signal }: {
    /** Whether an index is to follow the log, for which the role needs `replication`. */
    isByWal: boolean;
    signal: AbortSignal;
  },
): Promise<Database> {
  const [{ number, version } = { number: 0, version: "unknown" }] = await source
    .query(VERSION, { signal });
  if (number < MIN_VERSION) {
    const observations = [
      fail(
        `PostgreSQL is ${version}, 13 is the oldest that works`,
        "Upgrade it",
      ),
    ];
    return { version, isUsable: false, observations };
  }
  const [session] = await source.query(SESSION, { signal });
  if (session === undefined) throw new RangeError("Cannot find the role");
  const { role, superuser } = session;
  return {
    version,
    isUsable: true,
    observations: [...judgeSession(session, isByWal)],
    ...(superuser ? {} : { role }),
  };
}

function* judgeSession(
  session: z.infer<typeof SessionRow>,
  isByWal: boolean,
): Generator<Observation> {
  const { role } = session;
  const seconds = Math.round(session.now_seconds - Date.now() / 1000);
  if (Math.abs(seconds) > MAX_CLOCK_DIFFERENCE_SECONDS) {
    yield warn(
      `PostgreSQL's clock is ${Math.abs(seconds)} s ${
        seconds > 0 ? "ahead of" : "behind"
      } this machine's: times in the log and stamps do not match`,
      "Have both keep the time by NTP",
    );
  }
  if (session.is_standby) {
    yield warn(
      `the server is a standby, where open transactions cannot be seen: ${REMAINDER}`,
      "Write the primary's address, or set lookback to more than a transaction may take",
    );
  }
  if (!session.sees_others) {
    yield warn(
      `${role} lacks pg_read_all_stats, so open transactions cannot be seen: ${REMAINDER}`,
      `Run: grant pg_read_all_stats to ${role}`,
    );
  }
  if (!session.is_tracked || session.untracked_count > 0) {
    yield warn(
      `track_activities is off${
        session.is_tracked ? ` in ${session.untracked_count} sessions` : ""
      }, so their transactions cannot be seen: ${REMAINDER}`,
      "Run: alter system set track_activities = on; select pg_reload_conf(). Where a database or a role sets it off, reset it there",
    );
  }
  if (session.superuser) {
    yield warn(
      `${role} is a superuser, the agent only reads`,
      `Run: alter role ${role} nosuperuser, and grant it what docs/operations.md lists`,
    );
    return;
  }
  const needless = (["createdb", "createrole", "replication"] as const)
    .filter((right) => session[right] && !(isByWal && right === "replication"));
  if (needless.length > 0) {
    yield warn(
      `${role} has ${needless.join(", ")}, which the agent does not need`,
      `Run: alter role ${role} ${
        needless.map((right) => `no${right}`).join(" ")
      }`,
    );
  }
}

const RightsRow = z.object({ name: z.string(), isOwner: Flag });

/** What `role` may do to the tables that it reads, beyond reading. */
export async function checkRights(
  source: Source,
  { role, relations, signal }: {
    role: string;
    relations: readonly Relation[];
    signal: AbortSignal;
  },
): Promise<readonly Observation[]> {
  const rows = await source.query({
    label: "table privileges",
    sql: `select c.oid::regclass::text as name,
  pg_has_role(c.relowner, 'usage')::text as "isOwner"
from pg_class c
where c.oid = any($1::oid[])
  and has_table_privilege(c.oid, 'insert, update, delete, truncate')
order by name`,
    row: RightsRow,
  }, { values: [relations.map(({ id }) => id)], signal });
  const owned = rows.filter(({ isOwner }) => isOwner);
  const writable = rows.filter(({ isOwner }) => !isOwner);
  const observations: Observation[] = [];
  if (owned.length > 0) {
    observations.push(warn(
      `${role} owns ${
        listSome(owned.map(({ name }) => name))
      }, the agent only reads`,
      `Give the tables to another role, such as: alter table ${
        owned[0]?.name
      } owner to postgres; grant select on ${owned[0]?.name} to ${role}`,
    ));
  }
  if (writable.length > 0) {
    const names = writable.map(({ name }) => name);
    observations.push(warn(
      `${role} may write to ${listSome(names)}, the agent only reads`,
      `Run: revoke insert, update, delete, truncate on ${
        names.join(", ")
      } from ${role}, or from public or the role that it has the right by`,
    ));
  }
  return observations;
}
