import { deepEqual, equal, ok } from "node:assert/strict";
import { runPass } from "./agent_run.ts";
import { openWorld, type World } from "./world.ts";

const INDEX_CONFIG = JSON.stringify({
  mappings: { dynamic: false, properties: {} },
});

/** Columns beside the values that each gets: two rows of a table with all of them, and one of nulls. */
const COLUMNS: Readonly<Record<string, readonly [string, string]>> = {
  json: [
    String.raw`'{"a" :  1e2,
  "a2":	0.1000, "b": [1.0, -0, 1E-7, 123456789012345678901234567890.5],
"c": "\u00e9\n\"\\\/", "d": {}}'`,
    `E'[\\r\\n"\\\\u0000",\\n\\n null , true]'`,
  ],
  jsonb: [
    String
      .raw`'{"z": 1e2, "a": 0.1000, "text": "line\nbreak \"q\" \\ 🎬 Щука"}'`,
    `'"\\ud83c\\udfac"'`,
  ],
  text: [
    String
      .raw`E'line\nbreak\r\ttab "quotes" back\\slash / \u0001\u001f\u007f\u0085\u2028\u2029'`,
    `'Ёжик 🎬 👨‍👩‍👧 مرحبا é ﷽ {"index":{}}'`,
  ],
  "varchar(10)": ["''", "' '"],
  "character(5)": ["'a'", "'Ж'"],
  boolean: ["true", "false"],
  smallint: ["-32768", "32767"],
  bigint: ["-9223372036854775808", "9223372036854775807"],
  numeric: ["0.1000", "repeat('9', 400)::numeric + 1e-50"],
  "numeric(20,5)": ["1e2", "'NaN'"],
  real: ["0.1", "'Infinity'"],
  "double precision": ["1e22 / 3", "'-Infinity'"],
  date: ["'0044-03-15 BC'", "'infinity'"],
  "time with time zone": ["'23:59:59.000001+05:30'", "'00:00Z'"],
  timestamp: ["'1999-12-31 23:59:59.999999'", "'-infinity'"],
  timestamptz: ["'2026-02-03 04:05:06.000001+03'", "'0001-01-01 BC'"],
  interval: ["'1 year -2 days 03:04:05.000006'", "'-1 second'"],
  uuid: ["gen_random_uuid()", "'00000000-0000-0000-0000-000000000000'"],
  bytea: [String.raw`'\x00ff0a225c'`, "''"],
  mood: ["'so-so \"Щ\"'", "'ok'"],
  "text[]": [String.raw`array['a"b', E'c\nd', null, '{}', '']`, "'{}'"],
  "integer[]": ["array[[1, 2], [3, null]]", "'[5:6]={1,2}'"],
  "mood[]": ["array['ok']::mood[]", "null"],
  pair: ["row(1, E'x\\ny')", "row(null, '')"],
  int4range: ["'[1,5)'", "'empty'"],
  inet: ["'192.168.0.1/24'", "'::1'"],
  xml: ["'<a>\n&amp;</a>'", "'<b/>'"],
  tsvector: [`to_tsvector('english', 'it''s "quoted"')`, "''"],
  money: ["12.5", "-1"],
  point: ["'(1.5,-2)'", "'(1e300,0)'"],
  "bit(4)": ["B'1010'", "B'0000'"],
};

const DOCUMENT = `
  select v.*, json_agg(v) over (partition by id) as aggregated, array[v.*]::text[] as whole,
    case when id = 1 then 'пробел' end as " spaced "" name",
    repeat(E'\\n', 1000) || id as newlines
  from value v`;

function valuesWorld(): Promise<World> {
  const types = Object.keys(COLUMNS);
  const rows = [0, 1].map((place) =>
    `insert into value values (${place + 1}, ${
      Object.values(COLUMNS).map((values) => values[place]).join(", ")
    })`
  );
  return openWorld({
    sql: `
      create type mood as enum ('so-so "Щ"', 'ok');
      create type pair as (a int, b text);
      create table value (
        id bigint primary key,
        ${
      types.map((type, place) => `"c${place} ${type}" ${type}`).join(",\n")
    },
        updated_at timestamptz not null default now()
      );
      ${rows.join(";\n")};
      insert into value (id) values (3)`,
    indexes: `
      - name: values
        index_config: values.json
        document: ${JSON.stringify(DOCUMENT)}
        watch: [{table: value}]`,
    files: { "values.json": INDEX_CONFIG },
  });
}

Deno.test("runAgent() sends every value as row_to_json writes it", async () => {
  await using world = await valuesWorld();
  equal((await runPass(world)).summary().written, 3);
  await checkBytes(world);
  // by the other way that documents are found
  await world.sql(
    "update value set updated_at = now() + interval '1 microsecond'",
  );
  equal((await runPass(world)).summary().written, 3);
  await checkBytes(world);
});

Deno.test("runAgent() writes values alike, whatever the database's settings are", async () => {
  await using world = await valuesWorld();
  await world.sql(
    `do $$ begin
      execute format('alter database %I set timezone to ''Asia/Kolkata''', current_database());
      execute format('alter database %I set datestyle to ''German''', current_database());
      execute format('alter database %I set intervalstyle to ''iso_8601''', current_database());
      execute format('alter database %I set bytea_output to ''escape''', current_database());
      execute format('alter database %I set extra_float_digits to -10', current_database());
      execute format('alter database %I set client_encoding to ''latin1''', current_database());
    end $$`,
  );
  equal((await runPass(world)).summary().written, 3);
  await checkBytes(world);
});

async function checkBytes(world: World): Promise<void> {
  await using session = await world.connect();
  await session.sql(
    `set timezone to 'UTC'; set datestyle to 'ISO'; set intervalstyle to 'postgres';
     set bytea_output to 'hex'; set extra_float_digits to 1; set client_encoding to 'UTF8'`,
  );
  const rows = await session.sql(
    `select id, replace(row_to_json(d)::text, chr(10), ' ') as source from (${DOCUMENT}) d`,
  );
  equal(rows.length, 3);
  const documents = await world.documents();
  for (const { id, source } of rows) {
    equal(documents.get(id ?? "")?.source, source);
  }
}

Deno.test("runAgent() takes _deleted and _routing out of the document, and follows them", async () => {
  await using world = await openWorld({
    sql: `
      create table visit (id int primary key, place text, gone boolean,
        updated_at timestamptz not null default now());
      insert into visit select n, 'place "' || n % 3 || '" Ж', case when n > 25 then n > 28 end
      from generate_series(1, 30) n`,
    indexes: `
      - name: visits
        index_config: visits.json
        document: select gone as _deleted, id, place as _routing, place from visit
        watch: [{table: visit}]`,
    files: {
      "visits.json": JSON.stringify({
        settings: { "number_of_shards": 3 },
        mappings: { dynamic: false, _routing: { required: true } },
      }),
    },
  });
  equal((await runPass(world)).summary().written, 30);
  const documents = await world.documents();
  deepEqual([...documents.keys()].map(Number).sort((a, b) => a - b), [
    ...Array.from({ length: 28 }, (_, place) => place + 1),
  ]);
  for (const [id, { source, routing }] of documents) {
    const place = `place "${Number(id) % 3}" Ж`;
    equal(routing, place);
    equal(source, JSON.stringify({ id: Number(id), place }));
  }
  await world.sql(
    "update visit set gone = not coalesce(gone, false), updated_at = now() where id in (1, 29)",
  );
  equal((await runPass(world)).summary().written, 2);
  const after = await world.documents();
  deepEqual([after.has("1"), after.has("29"), after.size], [false, true, 28]);
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
    type: "document_parsing_exception",
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
