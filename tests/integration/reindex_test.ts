import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { reindexFileOf } from "../../src/reindex_file.ts";
import { runToEnd, startAgent } from "./agent_process.ts";
import { runPass } from "./agent_run.ts";
import { until } from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const ITEM_COUNT = 100;

function indexFile(type: string): string {
  const properties = { id: { type: "integer" }, name: { type } };
  return JSON.stringify({ mappings: { dynamic: "strict", properties } });
}

function openItems(
  settings: Readonly<Record<string, unknown>> = {},
): Promise<World> {
  return openWorld({
    sql: `
      create table item (id int primary key, name text, updated_at timestamptz not null default now());
      insert into item select n, 'item ' || n from generate_series(1, ${ITEM_COUNT}) n`,
    indexes: `
      - name: items
        index_config: items.json
        document: select id, name from item
        watch: [{table: item}]`,
    files: { "items.json": indexFile("text") },
    settings: { "logging.format": "json", ...settings },
  });
}

const Aliased = z.record(
  z.string(),
  z.object({ aliases: z.record(z.string(), z.unknown()) }),
);

/** The index that is searched, and the others of its name. */
async function look(world: World) {
  const alias = world.indexName();
  const { text } = await world.search("GET", `/${alias}-*/_alias`);
  const all = Object.entries(Aliased.parse(JSON.parse(text)));
  const searched = all.filter(([, { aliases }]) => alias in aliases);
  equal(searched.length, 1, text);
  const others = all.filter(([, { aliases }]) => !(alias in aliases));
  return {
    searched: searched[0]?.[0] ?? "",
    others: others.map(([name]) => name),
  };
}

function reindex(world: World, ...args: readonly string[]) {
  const { folder } = world;
  const own = ["reindex", "--index", world.indexName(), ...args];
  return runToEnd({ folder, args: own });
}

Deno.test("pg2es reindex has another index made by the agent that writes", async () => {
  await using world = await openItems();
  await using agent = startAgent({ folder: world.folder });
  await agent.waitFor("pass finished");
  const { searched: before } = await look(world);
  const done = await reindex(world);
  equal(done.code, 0, done.stdout + done.stderr);
  const { searched, others } = await look(world);
  deepEqual(others, [before]);
  equal(done.stdout, `${world.indexName()}: ${searched} is searched now\n`);
  await agent.waitFor("the alias was flipped");
  equal((await world.documents()).size, ITEM_COUNT);
  const names = await Array.fromAsync(Deno.readDir(world.folder));
  deepEqual(names.filter(({ name }) => name.includes(".reindex.")), []);

  // what is asked for is the agent's to do: with its own configuration, which still says the same
  const back = await reindex(world, "--rollback", "--json");
  equal(back.code, 0, back.stderr);
  deepEqual(JSON.parse(back.stdout), {
    index: world.indexName(),
    state: "done",
    name: before,
  });
  equal((await look(world)).searched, before);
  agent.kill("SIGTERM");
  equal((await agent.ended()).code, 0);
});

Deno.test("pg2es reindex makes another index by itself where no agent writes", async () => {
  await using world = await openItems();
  await runPass(world);
  const { searched: before } = await look(world);
  await world.sql("insert into item values (1000, 'new', clock_timestamp())");
  const done = await reindex(world);
  equal(done.code, 0, done.stdout + done.stderr);
  const { searched, others } = await look(world);
  deepEqual(others, [before]);
  equal(done.stdout, `${world.indexName()}: ${searched} is searched now\n`);
  equal((await world.documents()).size, ITEM_COUNT + 1);
  // an agent goes on where the command was
  const next = (await runPass(world)).summary();
  deepEqual([next.kind, next.written], ["follow", 0]);
});

Deno.test("pg2es reindex --rollback tells where there is no way back", async () => {
  await using world = await openItems();
  await runPass(world);
  const refused = await reindex(world, "--rollback");
  equal(refused.code, 1, refused.stderr);
  equal(
    refused.stdout,
    `${world.indexName()}: not done: no index is kept that was searched before\n`,
  );
  const { folder } = world;
  const args = ["reindex", "--index", "nothing"];
  const unknown = await runToEnd({ folder, args });
  equal(unknown.code, 2);
  match(unknown.stderr, /^--index: there is no index nothing, write one of /m);
});

Deno.test("what somebody has gone back from is not made again by itself", async () => {
  await using world = await openItems({ "indexes.0.on_change": "reload" });
  await runPass(world);
  const { searched: before } = await look(world);
  await Deno.writeTextFile(
    join(world.folder, "items.json"),
    indexFile("keyword"),
  );
  await runPass(world);
  const { searched: after } = await look(world);
  ok(after !== before);
  equal((await reindex(world, "--rollback")).code, 0);
  const next = await runPass(world);
  const [stays] = next.records.filter(({ message }) =>
    message ===
      "the index stays as it is: what index_config.json says now needs another one"
  );
  ok(stays);
  equal((await look(world)).searched, before);
  // by hand it is
  equal((await reindex(world)).code, 0);
  const { searched } = await look(world);
  ok(searched !== before && searched !== after);
});

Deno.test("pg2es reindex --rollback gives up an index that is on its way", async () => {
  await using world = await openItems({ "postgres.page_size": 10 });
  await runPass(world);
  await world.configure({
    // so slowly that it is on its way for long enough
    "limit.documents_per_second": 2,
    "logging.level": "debug",
  });
  await using agent = startAgent({ folder: world.folder });
  await agent.waitFor("pass finished");
  const { searched: before } = await look(world);
  await using asking = startAgent({
    folder: world.folder,
    args: ["reindex", "--index", world.indexName()],
  });
  await agent.waitFor("another index is made, as somebody asked for by hand");
  await until(
    "another index is there",
    async () => (await look(world)).others.length === 1,
  );
  asking.kill("SIGKILL");
  await asking.ended();
  const given = await reindex(world, "--rollback");
  equal(given.code, 0, given.stdout + given.stderr);
  equal(given.stdout, `${world.indexName()}: ${before} is searched now\n`);
  deepEqual(await look(world), { searched: before, others: [] });
  agent.kill("SIGTERM");
  equal((await agent.ended()).code, 0);
});

Deno.test("a control file that is damaged is told, and what it says not done", async () => {
  await using world = await openItems();
  await using agent = startAgent({ folder: world.folder });
  await agent.waitFor("pass finished");
  const { searched } = await look(world);
  const file = reindexFileOf(world.stateFile, world.indexName());
  await Deno.writeTextFile(file, '{"version": 2}');
  const told = await agent.waitFor("cannot tell what is asked for by hand");
  match(String(told["error"]), /it is not one of pg2es. Delete it/);
  const asked = await reindex(world);
  equal(asked.code, 2, asked.stderr);
  await Deno.remove(file);
  const done = await reindex(world);
  equal(done.code, 0, done.stderr);
  ok((await look(world)).searched !== searched);
});
