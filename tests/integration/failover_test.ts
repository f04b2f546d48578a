import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { startPostgres } from "../../dev/postgres.ts";
import { loadConfig } from "../../src/config.ts";
import { openSource, type Source } from "../../src/postgres.ts";
import type { PostgresOptions } from "../../src/postgres_session.ts";
import { createPersister } from "../../src/retry.ts";
import { ask, failureOf } from "../postgres_fixture.ts";
import { recordLog } from "../recorded_log.ts";
import { QUICK } from "../servers.ts";
import { startAgent } from "./agent_process.ts";
import { openClusterFolder, startStandby } from "./history_cluster.ts";
import { until, untilFollowing } from "./moments.ts";
import { openSession, openWorld, type World } from "./world.ts";

const ITEMS = {
  sql: `
    create table item (id int primary key, name text, updated_at timestamptz not null default now());
    create index on item (updated_at, id);
    insert into item select n, 'first' from generate_series(1, 200) n`,
  indexes: `
    - name: items
      index_config: items.json
      document: select id, name from item
      watch: [{table: item}]`,
  files: { "items.json": JSON.stringify({ mappings: { dynamic: false } }) },
  settings: { "logging.format": "json" },
};

Deno.test("an agent goes on with the host that is promoted, and misses nothing", async () => {
  await using folder = await openClusterFolder();
  await using primary = await startPostgres({
    folder: join(folder.path, "primary"),
  });
  await using later = new AsyncDisposableStack();
  await using world = await openWorld({ ...ITEMS, postgres: primary.url });
  await using standby = await startStandby(
    primary,
    join(folder.path, "standby"),
  );
  // the standby first: it is passed over for as long as it is one
  const hosts = [`127.0.0.1:${standby.port}`, `127.0.0.1:${primary.port}`];
  await useHosts(world, hosts);
  await expectHosts(world);

  await using agent = startAgent(world);
  await untilFollowing(agent);
  await world.sql("insert into item values (1000, 'before')");
  await until("the row is followed", async () => await count(world) === 201);
  await standby.catchUp();
  await primary.stop("immediate");
  await agent.waitFor("connection lost, trying again");
  const promoted = later.use(await standby.promote(standby.port));
  await agent.waitFor("connection is back");
  const url = new URL(world.databaseUrl);
  url.port = String(promoted.port);
  await using session = await openSession(url.href);
  await session.sql("insert into item values (1001, 'after')");
  await session.sql(
    "update item set name = 'after', updated_at = now() where id <= 50",
  );
  await until(
    "the promoted host is followed",
    async () =>
      (await namesOf(world)).get("50") === "after" &&
      await count(world) === 202,
  );
  agent.kill("SIGTERM");
  const { code, stderr } = await agent.ended();
  equal(code, 0, stderr);
  const rows = await session.sql("select id::text, name from item");
  deepEqual(
    await namesOf(world),
    new Map(rows.map(({ id, name }) => [id, name])),
  );
  await primary.start(); // where the world is removed from
});

/** Expects which of the hosts are taken, and what is told where none is fit. */
async function expectHosts(world: World): Promise<void> {
  const { config: { postgres } } = await loadConfig(world.configFile, {});
  const sql = "select pg_is_in_recovery()::text as is_standby";
  equal(postgres.targetSessionAttrs, "read-write");
  {
    await using source = openOnce(postgres);
    deepEqual(await ask(source, sql), [{ is_standby: "false" }]);
  }
  {
    await using source = openOnce({ ...postgres, targetSessionAttrs: "any" });
    deepEqual(await ask(source, sql), [{ is_standby: "true" }]);
  }
  const alone = { ...postgres, otherHosts: [] };
  await using source = openOnce(alone);
  deepEqual(await failureOf(ask(source, sql)), {
    kind: "server-unavailable",
    server: "PostgreSQL",
    code: "no read-write host",
  });
}

/** A source that tries nothing again. */
function openOnce(options: PostgresOptions): Source {
  const { log } = recordLog();
  const drain = AbortSignal.abort();
  const persister = createPersister("PostgreSQL", {
    limits: QUICK,
    log,
    drain,
  });
  return openSource(options, { persister, log });
}

async function useHosts(world: World, hosts: string[]): Promise<void> {
  const { config: { postgres } } = await loadConfig(world.configFile, {});
  const { database, user, password } = postgres;
  await world.configure({ postgres: { hosts, database, user, password } });
}

async function count(world: World): Promise<number> {
  return (await world.documents()).size;
}

async function namesOf(world: World): Promise<Map<string, unknown>> {
  return new Map(
    [...await world.documents()].map((
      [id, { source }],
    ) => [id, JSON.parse(source).name]),
  );
}
