import { deepEqual, equal, ok } from "node:assert/strict";
import { type AgentProcess, startAgent } from "./agent_process.ts";
import { startFaultProxy } from "./fault_proxy.ts";
import { indexedFilms, readFilms } from "./films.ts";
import {
  holdFilms,
  retitle,
  SMALL_STEPS,
  until,
  untilFollowed,
  untilFollowing,
  untilHeld,
} from "./moments.ts";
import { openReader } from "./reader_role.ts";
import { openWorld, type World } from "./world.ts";

const LOST = "connection lost, trying again";
const BACK = "connection is back";

/** Statements that end soon, so that a frozen connection is found soon. */
const QUICK = { ...SMALL_STEPS, "postgres.statement_timeout": "1s" };

Deno.test("an agent goes on after its connections to PostgreSQL were frozen", async () => {
  await using world = await openWorld({ settings: QUICK });
  await using proxy = await useProxy(world);
  await using agent = startAgent(world);
  await untilFollowing(agent);
  const frost = proxy.freeze();
  await retitle(world, "while frozen");
  const { error } = await agent.waitFor(LOST);
  equal(error, "Cannot reach PostgreSQL: code is timeout");
  frost[Symbol.dispose]();
  await agent.waitFor(BACK);
  await untilFollowed(world, "after the thaw");
  await expectEqual(world, agent);
});

Deno.test("an agent stops within its grace period while PostgreSQL is frozen", async () => {
  await using world = await openWorld({
    settings: {
      ...SMALL_STEPS,
      "grace_period": "500ms",
      "postgres.statement_timeout": "60s",
    },
  });
  await using proxy = await useProxy(world);
  await using agent = startAgent(world);
  await untilFollowing(agent);
  using _frost = proxy.freeze();
  agent.kill("SIGTERM");
  const startedMs = performance.now();
  equal((await agent.ended()).code, 0);
  ok(performance.now() - startedMs < 30_000);
});

Deno.test("an agent waits while its role may have no more connections", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await using reader = await openReader(world);
  await using agent = startAgent(world);
  await untilFollowing(agent);
  await world.sql(`alter role ${reader.user} connection limit 0`);
  await reader.endSessions();
  await agent.waitFor(({ error }) =>
    error === "Cannot reach PostgreSQL: code is 53300"
  );
  await retitle(world, "meanwhile");
  await world.sql(`alter role ${reader.user} connection limit -1`);
  await agent.waitFor(BACK);
  await untilFollowed(world, "after that");
  await expectEqual(world, agent);
});

Deno.test("an agent waits for a lock that is held for longer than lock_timeout, and refuses nothing", async () => {
  await using world = await openWorld({ settings: QUICK });
  await using agent = startAgent(world);
  await untilFollowing(agent);
  {
    await using _held = await holdFilms(world);
    await untilHeld(world);
    await agent.waitFor(({ error }) =>
      error === "Cannot reach PostgreSQL: code is 55P03"
    );
  }
  await agent.waitFor(BACK);
  await untilFollowed(world, "after the lock");
  const messages = await expectEqual(world, agent);
  ok(!messages.includes("document rejected"));
});

Deno.test("an agent says which query lacks a column, follows the other index meanwhile, and goes on when it is back", async () => {
  const item = (name: string) =>
    `  - name: ${name}
    index_config: items.json
    document: select id, name from ${name}
    watch: [{table: ${name}}]
`;
  const table = (name: string) =>
    `create table ${name} (id int primary key, name text, updated_at timestamptz not null default now());
     create index on ${name} (updated_at, id);
     insert into ${name} values (1, 'first');`;
  await using world = await openWorld({
    sql: table("broken") + table("whole"),
    indexes: item("broken") + item("whole"),
    files: { "items.json": JSON.stringify({ mappings: { dynamic: false } }) },
    settings: { "logging.format": "json" },
  });
  await using agent = startAgent(world);
  await untilFollowing(agent);
  await untilFollowing(agent);
  await world.sql("alter table broken rename column name to gone");
  for (const name of ["broken", "whole"]) {
    await world.sql(`insert into ${name} (id) values (2)`);
  }
  const { error } = await agent.waitFor("cannot go on, trying again");
  const query = `document of ${world.indexName("broken")}`;
  ok(String(error).startsWith(`Cannot run ${query}: SQLSTATE is 42703.`));
  const count = async (name: string) => (await world.documents(name)).size;
  await until("whole is followed", async () => await count("whole") === 2);
  equal(await count("broken"), 1);
  await world.sql("alter table broken rename column gone to name");
  await agent.waitFor("goes on");
  await until("broken is followed", async () => await count("broken") === 2);
  agent.kill("SIGTERM");
  equal((await agent.ended()).code, 0);
});

/** Leads the agent of a world through a proxy. */
async function useProxy(world: World) {
  const { hostname, port } = new URL(world.databaseUrl);
  const proxy = startFaultProxy({ hostname, port: Number(port) });
  await world.configure({
    "postgres.host": proxy.hostname,
    "postgres.port": proxy.port,
  });
  return proxy;
}

/** Stops the agent, and holds its index against PostgreSQL; returns what it told. */
async function expectEqual(
  world: World,
  agent: AgentProcess,
): Promise<readonly string[]> {
  agent.kill("SIGTERM");
  const { code, log, stderr } = await agent.ended();
  equal(code, 0, stderr);
  deepEqual(await indexedFilms(world), await readFilms(world));
  return log.map(({ message }) => message);
}
