import { AGENT } from "./example_template.ts";
import { openSession } from "./session.ts";

/** The role of {@linkcode openWalRole}. */
const ROLE = { user: `${AGENT.user}_wal`, password: AGENT.password };

/** A minute, at ten milliseconds each. */
const MAX_LOOKS = 6_000;

/** A role of the agent's that may follow the log, made where it is not there: it has slots, and publishes tables as if they were its own. */
export async function openWalRole(
  superuserUrl: string,
): Promise<typeof AGENT> {
  await using session = await openSession(superuserUrl);
  await session.sql("select pg_advisory_lock(hashtext('wal_role'))");
  const [found] = await session.sql(
    "select from pg_roles where rolname = $1",
    [ROLE.user],
  );
  if (found === undefined) {
    const password = ROLE.password.replaceAll("'", "''");
    await session.sql(
      `create role ${ROLE.user} login replication password '${password}'
         in role ${AGENT.user}, postgres`,
    );
  }
  return ROLE;
}

/** Drops the slots of a database, which cannot be dropped with them. */
export async function dropSlots(
  superuserUrl: string,
  database: string,
): Promise<void> {
  await using session = await openSession(superuserUrl);
  for (let lookCount = 0; lookCount < MAX_LOOKS; lookCount++) {
    await session.sql(
      `select pg_terminate_backend(active_pid)::text from pg_replication_slots
       where database = $1 and active_pid is not null`,
      [database],
    );
    await session.sql(
      `select pg_drop_replication_slot(slot_name)::text from pg_replication_slots
       where database = $1 and active_pid is null`,
      [database],
    );
    const left = await session.sql(
      "select pg_sleep(0.01)::text from pg_replication_slots where database = $1",
      [database],
    );
    if (left.length === 0) return;
  }
  throw new Error(`Cannot drop the slots of ${database}: one stays in use`);
}
