import { ok } from "node:assert/strict";
import { join } from "node:path";
import { parseDocument } from "yaml";
import type { WorldOptions } from "./world.ts";
import type { World } from "./world.ts";

/** A table that is written to all the time, followed in small steps. */
export const ITEMS: WorldOptions = {
  sql: `
    create table item (id int primary key, n int not null default 0, updated_at timestamptz not null default now());
    create index on item (updated_at, id);
    insert into item (id) select generate_series(1, 20)`,
  indexes: `
    - name: items
      index_config: items.json
      document: select id, n from item
      sweep: off
      watch: [{table: item}]`,
  files: { "items.json": JSON.stringify({ mappings: { dynamic: false } }) },
  settings: { "fetch_delay": "20ms", "logging.format": "json" },
};

/** A folder of another machine, with the world's configuration and these settings by path; the world removes it. */
export async function openMachine(
  world: World,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: world.folder });
  const config = parseDocument(await Deno.readTextFile(world.configFile));
  for (const [path, value] of Object.entries(settings)) {
    config.setIn(path.split("."), value);
  }
  await Deno.writeTextFile(join(folder, "config.yaml"), config.toString());
  for (const name of Object.keys(ITEMS.files ?? {})) {
    await Deno.copyFile(join(world.folder, name), join(folder, name));
  }
  return folder;
}

/** Changes items one after the other until it is disposed of. */
export function startWriter(world: World): AsyncDisposable {
  let isStopped = false;
  async function write(): Promise<void> {
    await using session = await world.connect();
    for (let n = 1; !isStopped; n++) {
      await session.sql(
        "update item set n = n + 1, updated_at = now() where id = $1",
        [1 + n % 20],
      );
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  const writing = write();
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await writing;
    },
  };
}

const PAUSE_MS = 20;

/** The names of all that is in a folder, in order. */
export async function listNames(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).toSorted();
}

/** Ends the session that holds the writer lock. */
export async function endLockSession(world: World): Promise<void> {
  const ended = await world.sql(
    `select pg_terminate_backend(a.pid) from pg_stat_activity a join pg_locks l on l.pid = a.pid
     where a.datname = current_database() and a.application_name = 'pg2es writer lock'
       and l.locktype = 'advisory' and l.granted`,
  );
  ok(ended.length === 1);
}

/** Whether PostgreSQL ends the session of a client that says nothing, as releases from 14 on do; before, TCP has to give up. */
export async function endsIdleSessions(world: World): Promise<boolean> {
  const found = await world.sql(
    "select from pg_settings where name = 'idle_session_timeout'",
  );
  return found.length === 1;
}
