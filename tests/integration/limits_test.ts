import { deepEqual, equal, match, ok } from "node:assert/strict";
import { expectTold, runToEnd, startAgent } from "./agent_process.ts";
import { runPass } from "./agent_run.ts";
import { countSettled, runOnce, SMALL_STEPS, until } from "./moments.ts";
import { openWorld } from "./world.ts";

const NUMBERS = {
  sql: `
    create table number (id int primary key, updated_at timestamptz not null default now());
    insert into number select n from generate_series(1, 300) n`,
  indexes: `
    - {name: one, index_config: any.json, document: select id from number, watch: [{table: number}]}
    - {name: two, index_config: any.json, document: select id from number, watch: [{table: number}]}`,
  files: { "any.json": JSON.stringify({ mappings: { dynamic: false } }) },
};

Deno.test("limit.documents_per_second holds over all indexes, in a load and in following", async () => {
  await using world = await openWorld({
    ...NUMBERS,
    settings: { limit: { documents_per_second: 400 } },
  });
  for (const kind of ["load", "follow"]) {
    const beganMs = performance.now();
    const run = await runPass(world);
    const seconds = (performance.now() - beganMs) / 1000;
    for (const index of ["one", "two"]) {
      const { kind: did, written, finished } = run.summary(index);
      deepEqual([did, written, finished], [kind, 300, true]);
    }
    ok(seconds >= 600 / 400 - 0.1, `600 documents in ${seconds} s`);
    await world.sql("update number set updated_at = now()");
  }
});

Deno.test("a limit does not hold up the end of the agent, and loses nothing", async () => {
  await using world = await openWorld({
    settings: { ...SMALL_STEPS, limit: { documents_per_second: 20 } },
  });
  await using agent = startAgent({ folder: world.folder });
  await until("films are loaded", async () => await countSettled(world) > 0);
  const beganMs = performance.now();
  agent.kill("SIGTERM");
  const { code, log } = await agent.ended();
  ok(performance.now() - beganMs < 5_000);
  equal(code, 0);
  const pass = log.find(({ message }) => message === "pass finished");
  equal(pass?.["finished"], false);
  await world.configure({ limit: {} });
  await runOnce(world);
});

for (const [follow, limit] of [["polling", 3], ["wal", 4]] as const) {
  Deno.test(`limit.postgres_connections bounds all connections of the agent, with follow: ${follow}`, async () => {
    await using world = await openWorld({
      follow,
      settings: {
        ...SMALL_STEPS,
        limit: { postgres_connections: limit, documents_per_second: 1_000 },
      },
    });
    await using agent = startAgent({ folder: world.folder });
    let most = 0;
    await until("all films are loaded", async () => {
      const [row] = await world.sql(
        `select count(*)::text as count from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
      );
      most = Math.max(most, Number(row?.count));
      return await countSettled(world) === 1_000;
    });
    agent.kill("SIGTERM");
    equal((await agent.ended()).code, 0);
    ok(most >= 1 && most <= limit, `${most} connections`);
  });
}

Deno.test("an index with enabled: false is left alone", async () => {
  await using world = await openWorld({
    ...NUMBERS,
    settings: {
      "logging.format": "json",
      "indexes.1.enabled": false,
      "indexes.1.document": "select no_such_column from number",
    },
  });
  const { folder } = world;
  const once = await runToEnd({ folder, args: ["run", "--once"] });
  equal(once.code, 0, once.stderr);
  const indexes = once.log.map((line) => line["index"]);
  ok(indexes.includes(world.indexName("one")));
  ok(!indexes.includes(world.indexName("two")));
  equal((await world.search("GET", `/${world.indexName("two")}`)).status, 404);

  const verified = await runToEnd({ folder, args: ["verify", "--json"] });
  equal(verified.code, 0, verified.stderr);
  ok(!verified.stdout.includes(world.indexName("two")), verified.stdout);
  const checked = await runToEnd({ folder, args: ["check"] });
  equal(checked.code, 1, checked.stderr);
  match(checked.stdout, /no_such_column/);
  match(checked.stdout, /indexes\[1\]\.enabled: .*the index is off/);

  await world.configure({ "indexes.1.document": "select id from number" });
  await world.configure({ "indexes.1.enabled": true });
  await runPass(world);
  await world.configure({ "indexes.1.enabled": false });
  const name = world.indexName("two");
  for (
    const args of [["verify"], ["refresh", "--ids", "7"]].map((line) => [
      ...line,
      ...["--index", name],
    ])
  ) {
    const { code, stdout, stderr } = await runToEnd({ folder, args });
    equal(code, 0, stderr);
    ok(stdout.startsWith(`${name}: `), stdout);
  }
});

Deno.test("pg2es tells that all indexes are off", async () => {
  await using world = await openWorld({
    ...NUMBERS,
    settings: { "indexes.0.enabled": false, "indexes.1.enabled": false },
  });
  const ending = await runToEnd({ folder: world.folder, args: ["run"] });
  equal(ending.code, 2, ending.stderr);
  expectTold(
    { ...ending, told: ending.told.filter((line) => !line.includes("INFO")) },
    { code: 2, lines: [/: indexes: all are off, write enabled: true for one/] },
  );
});
