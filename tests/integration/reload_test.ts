import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { type AgentRun, runPass, startAgent } from "./agent_run.ts";
import { runToEnd } from "./agent_process.ts";
import { readPositionOf, until } from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const ITEM_COUNT = 100;

const TEXT = { type: "text" };
const KEYWORD = { type: "keyword" };
const YEAR = { type: "short" };

/** The file of an index with these fields. */
function indexFile(properties: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ mappings: { dynamic: false, properties } });
}

function openItems(
  settings: Readonly<Record<string, unknown>> = {},
): Promise<World> {
  return openWorld({
    sql: `
      create table item (id int primary key, name text, year text, updated_at timestamptz not null default now());
      insert into item select n, 'item ' || n, 1900 + n from generate_series(1, ${ITEM_COUNT}) n`,
    indexes: `
      - name: items
        index_config: items.json
        on_change: reload
        document: select id, name, year from item
        watch: [{table: item}]`,
    files: { "items.json": indexFile({ name: TEXT }) },
    settings: { "postgres.page_size": 10, ...settings },
  });
}

async function rewrite(
  world: World,
  properties: Readonly<Record<string, unknown>>,
): Promise<void> {
  const file = join(world.folder, "items.json");
  await Deno.writeTextFile(file, indexFile(properties));
}

/** Gives an item a new name, stamped later than what was read before. */
async function rename(world: World, id: number, name: string): Promise<void> {
  await world.sql(
    "update item set name = $1, updated_at = clock_timestamp() where id = $2",
    [name, id],
  );
}

const Found = z.record(
  z.string(),
  z.object({
    aliases: z.record(z.string(), z.unknown()),
    mappings: z.looseObject({
      properties: z.record(z.string(), z.object({ type: z.string() })),
      _meta: z.looseObject({
        pg2es_generation: z.object({ role: z.string() }).optional(),
      }),
    }),
  }),
);

/** The indexes of a world: the one that is searched, and those beside it. */
async function look(world: World) {
  const alias = world.indexName();
  const { text } = await world.search("GET", `/${alias}*`);
  const all = Object.entries(Found.parse(JSON.parse(text)))
    .map(([name, { aliases, mappings: { properties, _meta: meta } }]) => ({
      name,
      isSearched: alias in aliases || name === alias,
      role: meta.pg2es_generation?.role,
      nameType: properties["name"]?.type,
    }));
  const searched = all.filter(({ isSearched }) => isSearched);
  equal(searched.length, 1, text);
  const [first] = searched;
  ok(first);
  return {
    searched: first,
    beside: all.filter(({ isSearched }) => !isSearched),
  };
}

/** The names of all items in an index by its own name or an alias, after a refresh. */
async function namesIn(
  world: World,
  index: string,
): Promise<ReadonlyMap<string, string>> {
  const Hits = z.object({
    hits: z.object({
      hits: z.array(z.object({
        _id: z.string(),
        _source: z.object({ name: z.string() }),
      })),
    }),
  });
  await world.search("POST", `/${index}/_refresh`);
  const { text } = await world.search("GET", `/${index}/_search?size=1000`);
  const { hits: { hits } } = Hits.parse(JSON.parse(text));
  return new Map(hits.map(({ _id, _source }) => [_id, _source.name]));
}

/** Expects an index to have every item as it is in PostgreSQL. */
async function expectEqual(world: World, index: string): Promise<void> {
  const rows = await world.sql("select id::text, name from item");
  const names = new Map(
    rows.map(({ id, name }) => [String(id), String(name)] as const),
  );
  deepEqual(await namesIn(world, index), names);
}

async function expectName(
  world: World,
  { index, id, name }: { index: string; id: number; name: string },
): Promise<void> {
  await until(
    `${index} has ${name}`,
    async () => (await namesIn(world, index)).get(String(id)) === name,
  );
}

function told({ records }: AgentRun, message: string) {
  return records.filter((record) => record.message === message);
}

const FLIPPED = "the alias was flipped";
const HINDERED = "the other index does not take the place yet";

Deno.test("a change that needs another index is loaded beside, and searched once it is full", async () => {
  await using world = await openItems();
  await runPass(world);
  const { searched: before } = await look(world);
  await rewrite(world, { name: KEYWORD });
  const run = await runPass(world);
  const [made] = told(
    run,
    "another index is made beside the one that is searched",
  );
  equal(
    made?.fields["differences"],
    `mappings.properties.name.type: "text" -> "keyword"`,
  );
  const { searched, beside } = await look(world);
  equal(searched.nameType, "keyword");
  const [flipped] = told(run, FLIPPED);
  equal(flipped?.fields["from"], before.name);
  equal(flipped?.fields["to"], searched.name);
  equal(flipped?.fields["documents"], ITEM_COUNT);
  deepEqual(beside, [{ ...before, isSearched: false, role: "old" }]);
  await expectEqual(world, world.indexName());

  // nothing is left to do, and both are followed
  await rename(world, 7, "seventh");
  const next = await runPass(world);
  equal(told(next, FLIPPED).length, 0);
  equal(next.summary().kind, "follow");
  equal(next.summary().written, 1);
  await expectEqual(world, searched.name);
  await expectEqual(world, before.name);
});

Deno.test("an index that is not as configured is followed by the query that it was made with", async () => {
  await using world = await openItems({ "indexes.0.on_change": "tell" });
  await runPass(world);
  const { searched: before } = await look(world);
  await rewrite(world, { name: KEYWORD, shout: KEYWORD });
  await world.configure({
    "indexes.0.document":
      "select id, name, year, upper(name) as shout from item",
  });
  await rename(world, 7, "seventh");
  const run = await runPass(world);
  const [stays] = told(
    run,
    "the index stays as it is: what index_config.json says now needs another one",
  );
  match(String(stays?.fields["hint"]), /^run pg2es reindex/);
  equal(run.summary().written, 1);
  const { source } = (await world.documents()).get("7") ?? {};
  equal(source, `{"id":7,"name":"seventh","year":"1907"}`);
  deepEqual(await look(world), { searched: before, beside: [] });
  const args = ["verify", "--index", world.indexName()];
  const verified = await runToEnd({ folder: world.folder, args });
  equal(verified.code, 0, verified.stdout + verified.stderr);
});

Deno.test("a load beside that is stopped goes on where it was, while the other is followed", async () => {
  await using world = await openItems({
    "postgres.connections": 1,
  });
  await runPass(world);
  const { searched: before } = await look(world);
  await rewrite(world, { name: KEYWORD });
  const perSecond = "limit.documents_per_second";
  {
    await world.configure({ [perSecond]: 10 });
    await using _agent = startAgent(world);
    await until("the other index is being filled", async () => {
      const { beside: [next] } = await look(world);
      if (next === undefined) return false;
      const position = await readPositionOf(world, next.name);
      const [after] = position?.load?.after ?? [];
      return Number(after ?? 0) >= 20;
    });
    await rename(world, 7, "seventh");
    await expectName(world, { index: before.name, id: 7, name: "seventh" });
  }
  const { searched, beside: [next] } = await look(world);
  equal(searched.name, before.name);
  equal(next?.role, "next");
  await world.configure({ [perSecond]: 200 });
  const run = await runPass(world);
  equal(told(run, "going on with the other index").length, 1);
  const [load] = told(run, "pass beside finished")
    .filter(({ fields }) => fields["kind"] === "load");
  ok(
    Number(load?.fields["written"]) < ITEM_COUNT,
    String(load?.fields["written"]),
  );
  equal((await look(world)).searched.name, next?.name);
  await expectEqual(world, world.indexName());
});

Deno.test("an index that refuses documents which the other has takes its place once they are mended", async () => {
  await using world = await openItems({ "indexes.0.keep_old": "0s" });
  await world.sql("update item set year = 'unknown' where id = 3");
  await runPass(world);
  const { searched: before } = await look(world);
  await rewrite(world, { name: KEYWORD, year: YEAR });
  const run = await runPass(world);
  const [hindered] = told(run, HINDERED);
  match(
    String(hindered?.fields["why"]),
    /^it refuses 1 documents that the other one has, the first for \w+ of field year$/,
  );
  equal((await look(world)).searched.name, before.name);
  await expectEqual(world, world.indexName());

  await world.sql(
    "update item set year = '1903', updated_at = clock_timestamp() where id = 3",
  );
  const next = await runPass(world);
  equal(told(next, FLIPPED).length, 1);
  await expectEqual(world, world.indexName());
  await runPass(world);
  // what was kept for no time is gone
  const { searched, beside } = await look(world);
  equal(searched.nameType, "keyword");
  deepEqual(beside, []);
  ok(await readPositionOf(world, before.name) === undefined);
});

Deno.test("a change that is taken back goes back to the index that was kept, without a load", async () => {
  await using world = await openItems();
  await runPass(world);
  const { searched: first } = await look(world);
  await rewrite(world, { name: KEYWORD });
  await runPass(world);
  await rewrite(world, { name: TEXT });
  const run = await runPass(world);
  equal(told(run, FLIPPED).length, 1);
  equal(
    told(run, "pass beside finished")
      .filter(({ fields }) => fields["kind"] === "load").length,
    0,
  );
  const { searched, beside } = await look(world);
  equal(searched.name, first.name);
  equal(beside.length, 1);
  await expectEqual(world, world.indexName());
});

Deno.test("an index that was to come is given up when the configuration is another once more", async () => {
  await using world = await openItems();
  await world.sql("update item set year = 'unknown' where id = 3");
  await runPass(world);
  const { searched: before } = await look(world);
  await rewrite(world, { name: KEYWORD, year: YEAR });
  await runPass(world);
  equal((await look(world)).beside.length, 1);
  await rewrite(world, { name: TEXT });
  const run = await runPass(world);
  equal(
    told(run, "the other index is given up: the configuration is another")
      .length,
    1,
  );
  deepEqual(await look(world), { searched: before, beside: [] });
});

Deno.test("an index of the plain name is used as it is, and gives way to an alias when it is told to", async () => {
  await using world = await openItems({
    "indexes.0.alias": false,
    "indexes.0.on_change": "tell",
  });
  await runPass(world);
  const alias = world.indexName();
  equal((await look(world)).searched.name, alias);
  await world.configure({
    "indexes.0.alias": true,
    "indexes.0.on_change": "reload",
  });
  await rewrite(world, { name: KEYWORD });
  const run = await runPass(world);
  equal(told(run, FLIPPED).length, 0);
  equal((await look(world)).searched.name, alias);
  const { folder } = world;
  const args = ["reindex", "--index", alias];
  const refused = await runToEnd({ folder, args });
  equal(refused.code, 1, refused.stderr);
  match(refused.stdout, /: not done: .*has the name that is to be an alias/);
  equal((await look(world)).searched.name, alias);
  const done = await runToEnd({ folder, args: [...args, "--force"] });
  equal(done.code, 0, done.stderr);
  const { searched, beside } = await look(world);
  equal(done.stdout, `${alias}: ${searched.name} is searched now\n`);
  equal(searched.nameType, "keyword");
  deepEqual(beside, []);
  await expectEqual(world, alias);
  await rename(world, 7, "seventh");
  equal((await runPass(world)).summary().written, 1);
});

Deno.test("an index that the agent did not make is left alone, whatever it is called", async () => {
  await using world = await openItems({ "indexes.0.keep_old": "0s" });
  await runPass(world);
  const stranger = `${world.indexName()}-0a1b2c3d`;
  const mappings = { _meta: { pg2es_generation: { role: "old" } } };
  await world.search("PUT", `/${stranger}`, JSON.stringify({ mappings }));
  await rewrite(world, { name: KEYWORD });
  await runPass(world);
  await runPass(world);
  equal((await world.search("HEAD", `/${stranger}`)).status, 200);
});
