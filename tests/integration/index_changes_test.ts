import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { type AgentRun, runPass } from "./agent_run.ts";
import { readPosition, until } from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const ITEM_COUNT = 100;

const NAME = { type: "text" };
const YEAR = { type: "short" };

/** The file of an index with these fields. */
function indexFile(
  properties: Readonly<Record<string, unknown>>,
  settings: Readonly<Record<string, unknown>> = {},
): string {
  const mappings = { dynamic: false, properties };
  return JSON.stringify({ settings, mappings });
}

function openItems(): Promise<World> {
  return openWorld({
    sql: `
      create table item (id int primary key, name text, year int, updated_at timestamptz not null default now());
      insert into item select n, 'item ' || n, 1900 + n from generate_series(1, ${ITEM_COUNT}) n`,
    indexes: `
      - name: items
        index_config: items.json
        document: select id, name, year from item
        watch: [{table: item}]`,
    files: { "items.json": indexFile({ name: NAME }) },
    // so slowly that a load can be stopped on its way
    settings: {
      "postgres.page_size": 10,
      "postgres.connections": 1,
      limit: { documents_per_second: 200 },
    },
  });
}

async function rewrite(world: World, text: string): Promise<void> {
  await Deno.writeTextFile(join(world.folder, "items.json"), text);
}

const Index = z.object({
  mappings: z.looseObject({
    properties: z.record(z.string(), z.unknown()),
    _meta: z.record(z.string(), z.unknown()),
  }),
  settings: z.record(z.string(), z.string()),
});

/** The one index behind the name. */
async function look(world: World) {
  const path = `/${world.indexName()}?flat_settings=true`;
  const { text } = await world.search("GET", path);
  const [index] = Object.values(
    z.record(z.string(), Index).parse(JSON.parse(text)),
  );
  ok(index);
  return index;
}

const Count = z.object({ count: z.int() });

/** How many items a search for years finds. */
async function countYears(world: World): Promise<number> {
  const name = world.indexName();
  await world.search("POST", `/${name}/_refresh`);
  const query = JSON.stringify({ query: { range: { year: { gte: 1 } } } });
  const { text } = await world.search("POST", `/${name}/_count`, query);
  return Count.parse(JSON.parse(text)).count;
}

/** A run that is stopped while it loads. */
async function runPart(world: World): Promise<AgentRun> {
  const drain = new AbortController();
  const stopped = runPass(world, { drain: drain.signal });
  await until("items are loaded", async () => {
    const [after] = (await readPosition(world))?.load?.after ?? [];
    return Number(after ?? 0) >= 20;
  });
  drain.abort();
  return await stopped;
}

function messagesOf({ records }: AgentRun): readonly string[] {
  return records.map(({ message }) => message);
}

const CHANGED = "the index was changed in place";
const STAYS =
  "the index stays as it is: what index_config.json says now needs another one";

Deno.test("an index that gets a field is changed in place, and every document written again", async () => {
  await using world = await openItems();
  await runPass(world);
  const { settings: { "index.uuid": uuid } } = await look(world);
  equal(await countYears(world), 0);
  await rewrite(world, indexFile({ name: NAME, year: YEAR }));
  const run = await runPass(world);
  const told = run.records.find(({ message }) => message === CHANGED);
  equal(
    told?.fields["differences"],
    `mappings.properties.year: nothing -> {"type":"short"}`,
  );
  const { kind, written } = run.summary();
  deepEqual({ kind, written }, { kind: "load", written: ITEM_COUNT });
  equal(await countYears(world), ITEM_COUNT);
  const changed = await look(world);
  equal(changed.settings["index.uuid"], uuid);
  deepEqual(changed.mappings.properties, { name: NAME, year: YEAR });

  const next = await runPass(world);
  ok(!messagesOf(next).includes(CHANGED));
  equal(next.summary().kind, "follow");
  equal(next.summary().written, 0);
});

Deno.test("an index that gets a setting is changed in place, and nothing is written", async () => {
  await using world = await openItems();
  await runPass(world);
  const settings = { index: { "refresh_interval": "7s" } };
  await rewrite(world, indexFile({ name: NAME }, settings));
  const run = await runPass(world);
  ok(messagesOf(run).includes(CHANGED));
  deepEqual([run.summary().kind, run.summary().written], ["follow", 0]);
  equal((await look(world)).settings["index.refresh_interval"], "7s");

  await rewrite(world, indexFile({ name: NAME }));
  await runPass(world);
  const { settings: left } = await look(world);
  equal(left["index.refresh_interval"], undefined);
  equal(left["index.gc_deletes"], "10m");
});

Deno.test("a change that needs another index is told, and the old one followed", async () => {
  await using world = await openItems();
  await runPass(world);
  await rewrite(world, indexFile({ name: { type: "keyword" }, year: YEAR }));
  for (const name of ["one", "two"]) {
    await world.sql(
      "update item set name = $1, updated_at = clock_timestamp() where id = 1",
      [name],
    );
    const run = await runPass(world);
    const told = run.records.find(({ message }) => message === STAYS);
    match(
      String(told?.fields["differences"]),
      /^mappings\.properties\.name\.type: "text" -> "keyword"; mappings\.properties\.year: /,
    );
    deepEqual([run.summary().kind, run.summary().written], ["follow", 1]);
    const { source } = (await world.documents()).get("1") ?? {};
    equal(source, `{"id":1,"name":"${name}","year":1901}`);
  }
  deepEqual((await look(world)).mappings.properties, { name: NAME });
});

Deno.test("every document is written again when the document query is another", async () => {
  await using world = await openItems();
  await runPass(world);
  await world.configure({
    "indexes.0.document":
      "select id, upper(name) as name from item where id <> 7",
  });
  const { kind, written } = (await runPass(world)).summary();
  deepEqual({ kind, written }, { kind: "load", written: ITEM_COUNT });
  const documents = await world.documents();
  equal(documents.get("1")?.source, '{"id":1,"name":"ITEM 1"}');
  equal(documents.has("7"), false);
  equal(documents.size, ITEM_COUNT - 1);
  equal((await runPass(world)).summary().kind, "follow");
});

Deno.test("the writing of every document goes on where it was stopped", async () => {
  await using world = await openItems();
  await runPass(world);
  await rewrite(world, indexFile({ name: NAME, year: YEAR }));
  // what an agent leaves that died after it had put the field
  const mappings = JSON.stringify({ properties: { year: YEAR } });
  await world.search("PUT", `/${world.indexName()}/_mapping`, mappings);
  const first = (await runPart(world)).summary();
  equal(first.finished, false);
  const second = await runPass(world);
  ok(!messagesOf(second).includes(CHANGED));
  const { kind, written } = second.summary();
  deepEqual({ kind, written }, {
    kind: "load",
    written: ITEM_COUNT - first.written,
  });
  equal(await countYears(world), ITEM_COUNT);
});

Deno.test("an index that is changed while it is loaded gets its settings with the end of the load", async () => {
  await using world = await openItems();
  equal((await runPart(world)).summary().finished, false);
  const settings = { "refresh_interval": "9s", "max_result_window": 5_000 };
  await rewrite(world, indexFile({ name: NAME }, settings));
  const run = await runPass(world);
  ok(messagesOf(run).includes(CHANGED));
  equal(run.summary().kind, "load");
  const { settings: found } = await look(world);
  equal(found["index.refresh_interval"], "9s");
  equal(found["index.max_result_window"], "5000");
  equal(found["index.number_of_replicas"], "1");
});
