import { deepEqual, equal, ok } from "node:assert/strict";
import { z } from "zod";
import { openCluster } from "../../src/elasticsearch.ts";
import { createPersister } from "../../src/retry.ts";
import { recordLog, runPass, startAgent } from "./agent_run.ts";
import { openWorld, type World } from "./world.ts";

const STRANGE_KEYS = [
  `it's "quoted"`,
  "a/b c\\d?e=f&g#h%20",
  " lead and trail ",
  "🎬 Ёж",
  "line\nbreak\ttab",
  "{a,b}",
  "null",
  "NULL",
  "_underscore",
  "a|b",
  "$1 $$ ''",
];

const TWO = {
  sql: `
    create table counted (id bigint primary key, name text, updated_at timestamptz not null default now());
    create table "Named Thing" ("The Key" text primary key, n int, "Changed" timestamptz not null default now());
    insert into counted select n * 1000000000000, 'n' || n from generate_series(-20, 20) n`,
  indexes: `
    - name: counted
      index_config: any.json
      document: select id, name from counted
      watch: [{table: counted}]
    - name: named
      index_config: any.json
      document: select "The Key", n from "Named Thing"
      watch:
        - table: '"Named Thing"'
          key: '"The Key"'
          updated_at: '"Changed"'`,
  files: {
    "any.json": JSON.stringify({ mappings: { dynamic: false } }),
  },
  settings: { "postgres.page_size": 3 },
};

Deno.test("runAgent() keeps two indexes, each with a position of its own", async () => {
  await using world = await openWorld(TWO);
  await world.sql(
    `insert into "Named Thing" ("The Key") select unnest($1::text[])`,
    [STRANGE_KEYS],
  );
  const loaded = await runPass(world);
  equal(loaded.summary("counted").written, 41);
  equal(loaded.summary("named").written, STRANGE_KEYS.length);
  const counted = await world.documents("counted");
  deepEqual(
    counted.get("-20000000000000")?.source,
    '{"id":-20000000000000,"name":"n-20"}',
  );
  equal(counted.size, 41);
  const named = await world.documents("named");
  deepEqual([...named.keys()].sort(), [...STRANGE_KEYS].sort());
  for (const [id, { source }] of named) {
    deepEqual(JSON.parse(source), { "The Key": id, n: null });
  }

  await world.sql(
    `update "Named Thing" set n = 1, "Changed" = now() where "The Key" = any($1::text[])`,
    [STRANGE_KEYS.slice(2)],
  );
  const followed = await runPass(world);
  equal(followed.summary("counted").written, 0);
  equal(followed.summary("named").written, STRANGE_KEYS.length - 2);
  for (const [id, { source }] of await world.documents("named")) {
    const n = STRANGE_KEYS.indexOf(id) < 2 ? null : 1;
    deepEqual(JSON.parse(source), { "The Key": id, n });
  }

  // an index that is gone is made anew; the other one goes on
  await deleteIndex(world, await physicalName(world, "counted"));
  const mended = await runPass(world);
  deepEqual(
    [mended.summary("counted").kind, mended.summary("counted").written],
    ["load", 41],
  );
  deepEqual(
    [mended.summary("named").kind, mended.summary("named").written],
    ["follow", 0],
  );
});

Deno.test("runAgent() reads a key of several columns", async () => {
  await using world = await openWorld({
    sql: `
      create table part (shelf text, place int, name text, updated_at timestamptz not null default now(),
        primary key (shelf, place));
      create table shelf (id text primary key, updated_at timestamptz not null default now());
      insert into part select shelf, n, 'old'
      from unnest(array['a|b', 'a\\', 'Ж', '|', '']) shelf, generate_series(1, 7) n`,
    indexes: `
      - name: parts
        index_config: any.json
        document: select name, place, shelf from part
        watch:
          - table: part
            key: [shelf, place]
          - table: shelf
            document_ids: select shelf, place from part where shelf = any($1)`,
    files: TWO.files,
    settings: TWO.settings,
  });
  equal((await runPass(world)).summary().written, 35);
  const documents = await world.documents();
  equal(documents.size, 35);
  equal(
    documents.get("a\\|b|7")?.source,
    '{"name":"old","place":7,"shelf":"a|b"}',
  );
  await world.sql(
    `update part set name = 'new', updated_at = now() where place = 3; insert into shelf values ('a\\')`,
  );
  equal((await runPass(world)).summary().written, 11);
  equal(
    (await world.documents()).get("a\\\\|3")?.source,
    '{"name":"new","place":3,"shelf":"a\\\\"}',
  );
});

Deno.test("runAgent() makes an index behind its alias and a write alias", async () => {
  await using world = await openWorld(TWO);
  await runPass(world);
  const name = world.indexName("counted");
  const physical = await physicalName(world, "counted");
  ok(/^-[0-9a-f]{8}$/.test(physical.slice(name.length)), physical);
  deepEqual(await aliases(world, name), [
    [physical, [name, `${physical}-write`]],
  ]);
  await runPass(world);
  deepEqual(await indexNames(world, `${name}*`), [physical]);
});

Deno.test("runAgent() uses an index that has the plain name as it is", async () => {
  // a sweep would delete what is not of the query
  const settings = { "indexes.0.sweep": "off", "indexes.1.sweep": "off" };
  await using world = await openWorld({ ...TWO, settings });
  const name = world.indexName("counted");
  const mappings = {
    dynamic: "false",
    properties: { name: { type: "keyword" } },
  };
  const made = await world.search(
    "PUT",
    `/${name}`,
    JSON.stringify({ mappings }),
  );
  equal(made.status, 200, made.text);
  await world.search("PUT", `/${name}/_doc/mine`, "{}");
  equal((await runPass(world)).summary("counted").written, 41);
  deepEqual(await indexNames(world, `${name}*`), [name]);
  deepEqual(await aliases(world, name), [[name, [`${name}-write`]]]);
  const { text } = await world.search("GET", `/${name}/_mapping`);
  deepEqual(JSON.parse(text), { [name]: { mappings } });
  const documents = await world.documents("counted");
  equal(documents.size, 42);
  ok(documents.has("mine"));
});

Deno.test("bulk() never makes an index", async () => {
  await using world = await openWorld(TWO);
  await runPass(world);
  const physical = await physicalName(world, "counted");
  await deleteIndex(world, physical);
  const signal = new AbortController().signal;
  const persister = createPersister("Elasticsearch", {
    limits: { minDelayMs: 1, maxDelayMs: 1, multiplier: 1 },
    log: recordLog(() => {}),
    drain: signal,
  });
  await using cluster = openCluster({
    nodes: [world.elasticsearchUrl],
    requestTimeoutMs: 60_000,
  }, persister);
  for (const alias of [`${physical}-write`, physical]) {
    const body = new TextEncoder().encode('{"index":{"_id":"1"}}\n{}\n');
    const items = await cluster.bulk(
      { alias, body, operationCount: 1 },
      signal,
    );
    deepEqual(items.map(({ error }) => error?.type), [
      "index_not_found_exception",
    ]);
  }
  deepEqual(await indexNames(world, `${world.indexName("counted")}*`), []);
});

Deno.test("runAgent() makes an index anew that is deleted while it follows", async () => {
  await using world = await openWorld(TWO);
  await using agent = startAgent(world);
  const index = world.indexName("counted");
  const loaded = await agent.untilLogged("pass finished", { index });
  equal(loaded.fields["written"], 41);
  await deleteIndex(world, await physicalName(world, "counted"));
  await world.sql("update counted set updated_at = now() where id = 0");
  const again = await agent.untilLogged("pass finished", {
    index,
    kind: "load",
  });
  equal(again.fields["written"], 41);
  equal((await world.documents("counted")).size, 41);
});

const Aliases = z.record(
  z.string(),
  z.object({ aliases: z.record(z.string(), z.unknown()) }),
);

/** The indexes behind an alias or name, with all their aliases. */
async function aliases(
  world: World,
  name: string,
): Promise<[string, string[]][]> {
  const { text } = await world.search("GET", `/${name}/_alias`);
  return Object.entries(Aliases.parse(JSON.parse(text))).map((
    [index, { aliases }],
  ) => [index, Object.keys(aliases).sort()]);
}

async function indexNames(world: World, pattern: string): Promise<string[]> {
  return (await aliases(world, pattern)).map(([name]) => name);
}

/** The one index behind the alias. */
async function physicalName(world: World, name: string): Promise<string> {
  const [physical, ...others] = await indexNames(world, world.indexName(name));
  ok(physical !== undefined && others.length === 0, "one index is there");
  return physical;
}

async function deleteIndex(world: World, physical: string): Promise<void> {
  const { status, text } = await world.search("DELETE", `/${physical}`);
  equal(status, 200, text);
}
