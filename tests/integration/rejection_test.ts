import { deepEqual, equal, ok } from "node:assert/strict";
import { PARSING_ERROR } from "../search_server.ts";
import { runPass } from "./agent_run.ts";
import { openWorld } from "./world.ts";

const INDEX_CONFIG = JSON.stringify({
  mappings: { dynamic: false, properties: {} },
});

const AMOUNTS = {
  sql: `
    create table amount (id int primary key, value text, divisor int default 1,
      updated_at timestamptz not null default now());
    insert into amount select n, n from generate_series(1, 35) n`,
  indexes: `
    - name: amounts
      index_config: amounts.json
      document: select id, value, 100 / divisor as share from amount
      watch: [{table: amount}]`,
  files: {
    "amounts.json": JSON.stringify({
      mappings: {
        dynamic: "strict",
        properties: {
          id: { type: "integer" },
          value: { type: "integer" },
          share: { type: "integer" },
        },
      },
    }),
  },
  settings: { "postgres.page_size": 10 },
};

/** Rows that are refused for good: what they hold, and what is told of them. */
const REFUSALS = [
  {
    name: "a value that the mapping refuses",
    change: "update amount set value = 'secret value'",
    type: PARSING_ERROR,
    field: "value",
  },
  {
    name: "a row that breaks the query",
    change: "update amount set value = 'secret value', divisor = 0",
    type: "sqlstate_22012",
    field: undefined,
  },
];

for (const { name, change, type, field } of REFUSALS) {
  Deno.test(`runAgent() rejects ${name}, and goes on`, async () => {
    await using world = await openWorld(AMOUNTS);
    await world.sql(`${change} where id in (13, 27)`);
    const loaded = await runPass(world);
    const { written, rejected, finished } = loaded.summary();
    deepEqual({ written, rejected, finished }, {
      written: 33,
      rejected: 2,
      finished: true,
    });
    const index = world.indexName();
    deepEqual(
      loaded.records.filter(({ level }) => level === "error")
        .sort((a, b) => Number(a.fields["id"]) - Number(b.fields["id"])),
      ["13", "27"].map((id) => ({
        level: "error",
        message: "document rejected",
        fields: { index, id, type, field },
      })),
    );
    ok(!Deno.inspect(loaded.records, { depth: 10 }).includes("secret"));
    const documents = await world.documents();
    deepEqual([documents.size, documents.has("13"), documents.has("27")], [
      33,
      false,
      false,
    ]);
    equal((await runPass(world)).summary().rejected, 0);

    await world.sql(
      "update amount set value = id, divisor = 1, updated_at = now() where id in (13, 14)",
    );
    const mended = (await runPass(world)).summary();
    deepEqual([mended.written, mended.rejected], [2, 0]);
    equal((await world.documents()).size, 34);
  });
}

Deno.test("runAgent() rejects an id that is longer than Elasticsearch takes, and goes on", async () => {
  const long = "ж".repeat(256); // 512 bytes
  await using world = await openWorld({
    sql: `
      create table word (id text primary key, updated_at timestamptz not null default now());
      insert into word select n from generate_series(1, 25) n;
      insert into word values (''), ('${long}'), ('${long}s')`,
    indexes: `
      - name: words
        index_config: words.json
        document: select id, 'secret value' as value from word
        watch: [{table: word}]`,
    files: { "words.json": INDEX_CONFIG },
    settings: { "postgres.page_size": 10 },
  });
  const run = await runPass(world);
  const { written, rejected } = run.summary();
  deepEqual({ written, rejected }, { written: 26, rejected: 2 });
  const errors = run.records.filter(({ level }) => level === "error");
  deepEqual(errors.map(({ fields }) => fields["type"]), [
    "id_length",
    "id_length",
  ]);
  ok(!Deno.inspect(run.records, { depth: 10 }).includes("secret"));
  ok((await world.documents()).has(long));
  const { kind, written: again } = (await runPass(world)).summary();
  deepEqual([kind, again], ["follow", 0]);
});

Deno.test("runAgent() rejects two rows for one document, and goes on", async () => {
  await using world = await openWorld({
    sql: `
      create table item (id int primary key, updated_at timestamptz not null default now());
      create table label (item_id int, name text);
      insert into item select n from generate_series(1, 25) n;
      insert into label select n, 'only' from generate_series(1, 24) n;
      insert into label select 12, 'second'`,
    indexes: `
      - name: items
        index_config: items.json
        document: select i.id, l.name from item i left join label l on l.item_id = i.id
        watch: [{table: item}]`,
    files: { "items.json": INDEX_CONFIG },
    settings: { "postgres.page_size": 10 },
  });
  const run = await runPass(world);
  const { written, rejected } = run.summary();
  deepEqual({ written, rejected }, { written: 24, rejected: 1 });
  const [error] = run.records.filter(({ level }) => level === "error");
  deepEqual([error?.fields["id"], error?.fields["type"]], ["12", "two_rows"]);
  const documents = await world.documents();
  deepEqual([documents.size, documents.has("12")], [24, false]);
  equal(documents.get("25")?.source, '{"id":25,"name":null}');
});
