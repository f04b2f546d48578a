import { AGENT } from "./example_template.ts";
import type { World } from "./world.ts";

/** A role of one world, which may read what the agent's role may, and no more; disposing of it drops it. */
export interface Reader extends AsyncDisposable {
  readonly user: string;
  readonly password: string;
  /** Ends every session of the role. */
  endSessions(): Promise<void>;
}

/** Makes a role, and has the agent log in as it. */
export async function openReader(world: World): Promise<Reader> {
  const user = `reader_${crypto.randomUUID().replaceAll("-", "")}`;
  const password = "reader secret";
  await world.sql(
    `create role ${user} login password '${password}' in role ${AGENT.user}`,
  );
  await world.configure({
    "postgres.user": user,
    "postgres.password": password,
  });
  async function endSessions(): Promise<void> {
    await world.sql(
      "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = $1",
      [user],
    );
  }
  return {
    user,
    password,
    endSessions,
    async [Symbol.asyncDispose]() {
      await endSessions();
      await world.sql(`drop owned by ${user}; drop role ${user}`);
    },
  };
}
