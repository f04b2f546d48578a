import { deepEqual, equal } from "node:assert/strict";
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
