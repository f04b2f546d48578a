import { deepEqual, equal, ok } from "node:assert/strict";
import { z } from "zod";
import { readVersions } from "../../dev/server_versions.ts";
import { openTestCluster } from "../servers.ts";
import { runPass } from "./agent_run.ts";
import { openWorld } from "./world.ts";

const PAGE = new URL("../../docs/field_types.md", import.meta.url);

/** A value for each row of the table of docs/field_types.md, and a search that finds it. */
const VALUES: readonly {
  readonly column: string;
  /** The type of the field. */
  readonly type: string;
  /** An SQL literal. */
  readonly value: string;
  readonly search: (field: string) => Readonly<Record<string, unknown>>;
}[] = [
  { column: "boolean", type: "boolean", value: "true", search: term(true) },
  { column: "smallint", type: "short", value: "-7", search: term(-7) },
  { column: "integer", type: "integer", value: "-7", search: term(-7) },
  {
    column: "bigint",
    type: "long",
    value: "9007199254740993",
    search: term("9007199254740993"),
  },
  { column: "real", type: "float", value: "1.5", search: term(1.5) },
  {
    column: "double precision",
    type: "double",
    value: "0.1",
    search: term(0.1),
  },
  { column: "numeric", type: "double", value: "12.25", search: term(12.25) },
  { column: "numeric(10,2)", type: "long", value: "9.99", search: term(999) },
  { column: "money", type: "double", value: "'3.50'", search: term(3.5) },
  {
    column: "text",
    type: "text",
    value: "'A Star is born'",
    search: (field) => ({
      bool: {
        must: [
          { match: { [field]: "star" } },
          { term: { [`${field}.raw`]: "A Star is born" } },
        ],
      },
    }),
  },
  {
    column: "varchar(20)",
    type: "keyword",
    value: "'ab c'",
    search: term("ab c"),
  },
  {
    column: "uuid",
    type: "keyword",
    value: "'0b0e7b0e-0000-4000-8000-00000000000a'",
    search: term("0b0e7b0e-0000-4000-8000-00000000000a"),
  },
  {
    column: "text[]",
    type: "keyword",
    value: "array['red', 'dark blue']",
    search: term("dark blue"),
  },
  { column: "an_enum", type: "keyword", value: "'on'", search: term("on") },
  {
    column: "a_row_type",
    type: "flattened",
    value: "(7, 'red')",
    search: (field) => ({ term: { [`${field}.colour`]: "red" } }),
  },
  {
    column: "date",
    type: "date",
    value: "'1977-05-25'",
    search: range({ gte: "1977-05-25", lt: "1977-05-26" }),
  },
  {
    column: "timestamptz",
    type: "date_nanos",
    value: "'2026-02-03 04:05:06.000001+03'",
    search: term("2026-02-03T01:05:06.000001Z"),
  },
  {
    column: "timestamptz",
    type: "date",
    value: "'1815-12-10 04:05:06.000001+03'",
    search: range({ gte: "1815-12-10", lt: "1815-12-11" }),
  },
  {
    column: "timestamp",
    type: "date",
    value: "'2026-07-01 12:00'",
    search: term("2026-07-01T10:00:00Z"),
  },
  {
    column: "timestamp[]",
    type: "date",
    value: "'{2026-07-01 12:00,infinity,2026-01-01 12:00}'",
    search: term("2026-01-01T11:00:00Z"),
  },
  {
    column: "time",
    type: "keyword",
    value: "'23:59'",
    search: term("23:59:00"),
  },
  { column: "interval", type: "double", value: "'1 hour'", search: term(3600) },
  {
    column: "inet",
    type: "ip",
    value: "'192.168.7.1/24'",
    search: term("192.168.0.0/16"),
  },
  {
    column: "cidr",
    type: "ip_range",
    value: "'10.1.0.0/16'",
    search: term("10.1.2.3"),
  },
  {
    column: "macaddr",
    type: "keyword",
    value: "'08-00-2b-01-02-03'",
    search: term("08:00:2b:01:02:03"),
  },
  {
    column: "bytea",
    type: "binary",
    value: String.raw`decode(repeat('00ff', 60), 'hex')`,
    search: (field) => ({ exists: { field } }),
  },
  {
    column: "int4range",
    type: "integer_range",
    value: "'[3,6)'",
    search: term(5),
  },
  {
    column: "int8range",
    type: "long_range",
    value: "'[3,9007199254740993]'",
    search: term("9007199254740993"),
  },
  {
    column: "numrange",
    type: "double_range",
    value: "'(1.5,2.5]'",
    search: term(2.5),
  },
  {
    column: "daterange",
    type: "date_range",
    value: "'[2026-01-01,2026-02-01)'",
    search: term("2026-01-31"),
  },
  {
    column: "tstzrange",
    type: "date_range",
    value: "'[2026-01-01 00:00Z,)'",
    search: term("2040-01-01"),
  },
  {
    column: "tsrange",
    type: "date_range",
    value: "'[2026-07-01 00:00,2026-07-02 00:00)'",
    search: term("2026-06-30T22:30:00Z"),
  },
  {
    column: "jsonb",
    type: "flattened",
    value: `'{"labels": {"colour": "red"}}'`,
    search: (field) => ({ term: { [`${field}.labels.colour`]: "red" } }),
  },
  {
    column: "jsonb",
    type: "flattened",
    value: `'["red", 7]'`,
    search: (field) => ({ term: { [`${field}.value`]: "7" } }),
  },
  {
    column: "json",
    type: "flattened",
    value: `'{"size": "L"}'`,
    search: (field) => ({ term: { [`${field}.size`]: "L" } }),
  },
  {
    column: "json",
    type: "object",
    value: `'{"size": 42}'`,
    search: (field) => ({ term: { [`${field}.size`]: 42 } }),
  },
  {
    column: "jsonb",
    type: "nested",
    value: `'[{"name": "a", "n": 1}, {"name": "b", "n": 2}]'`,
    search: (field) => ({
      nested: {
        path: field,
        query: {
          bool: {
            must: [
              { term: { [`${field}.name`]: "b" } },
              { term: { [`${field}.n`]: 2 } },
            ],
          },
        },
      },
    }),
  },
  {
    column: "real[]",
    type: "dense_vector",
    value: "array[0.5, -1, 2]",
    search: (field) => ({
      knn: {
        field,
        "query_vector": [0.5, -1, 2],
        k: 1,
        "num_candidates": 10,
        similarity: 0.99,
      },
    }),
  },
  {
    column: "point",
    type: "geo_point",
    value: "'(13.4,52.5)'",
    search: (field) => ({
      "geo_distance": {
        distance: "1km",
        [field]: { lat: 52.5, lon: 13.4 },
      },
    }),
  },
  {
    column: "box",
    type: "keyword",
    value: "'(1,1),(2,2)'",
    search: term("(2,2),(1,1)"),
  },
  {
    column: "text",
    type: "completion",
    value: "'star wars'",
    search: (field) => ({ exists: { field } }),
  },
];

function term(value: unknown) {
  return (field: string) => ({ term: { [field]: value } });
}

function range(bounds: Readonly<Record<string, unknown>>) {
  return (field: string) => ({ range: { [field]: bounds } });
}

const Field = z.looseObject({ type: z.string().default("object") });

/** The rows of the table of the page: column, expression, field. */
async function readRows() {
  const page = await Deno.readTextFile(PAGE);
  const rows = page.split("\n").flatMap((line) => {
    const cells = line.split(/(?<!\\)\|/).map((cell) =>
      cell.trim().match(/^`(.*)`$/)?.[1]
    );
    const [, column, expression, field] = cells;
    if (column === undefined || expression === undefined) return [];
    const mapping: unknown = JSON.parse(field ?? "");
    return [{ column, expression, mapping, type: Field.parse(mapping).type }];
  });
  return rows.map((row, place) => ({ ...row, name: `f${place}` }));
}

const Count = z.object({ count: z.int() });
const Suggestions = z.object({
  suggest: z.object({
    found: z.array(z.object({ options: z.array(z.unknown()) })),
  }),
});

/** Leaves out the types that the server does not have; the one that all is developed against has every one. */
async function leaveOutUnknown<Row extends { type: string; mapping: unknown }>(
  rows: readonly Row[],
): Promise<readonly Row[]> {
  await using target = openTestCluster();
  const known: Row[] = [];
  for (const [place, row] of rows.entries()) {
    const mappings = { properties: { f: row.mapping } };
    const path = `/${target.index}-${place}`;
    const answer = await target.fetch("PUT", path, { mappings });
    const text = JSON.stringify(answer);
    if (!/No handler for type|unknown type/i.test(text)) known.push(row);
  }
  const { product, version } = readVersions().search;
  const hasAll = product === "elasticsearch" && Number.parseInt(version) >= 8;
  if (hasAll) equal(known.length, rows.length);
  return known;
}

Deno.test("a value of each column of the page is found in its field", async () => {
  const all = await readRows();
  const key = ({ column, type }: { column: string; type: string }) =>
    `${column} as ${type}`;
  deepEqual(all.map(key), VALUES.map(key));
  const rows = await leaveOutUnknown(all);
  const values = VALUES.filter((_, place) =>
    rows.some((row) => row === all[place])
  );
  const columns = rows.map(({ name, column }) => `"${name}" ${column}`);
  const shown = rows.map(({ name, expression }) =>
    `${expression.replace(/\bc\b/g, `t."${name}"`)} as "${name}"`
  );
  const properties = rows.map(({ name, mapping }) => [name, mapping] as const);
  await using world = await openWorld({
    sql: `
      create type an_enum as enum ('on', 'off');
      create type a_row_type as (number int, colour text);
      create table thing (id int primary key, ${
      columns.join(", ")
    }, updated_at timestamptz not null default now());
      insert into thing values (1, ${
      values.map(({ value }) => value).join(", ")
    });
      insert into thing (id) values (2)`,
    indexes: `
      - name: things
        index_config: things.json
        document: |
          select t.id, ${shown.join(",\n            ")}
          from thing t
        watch: [{table: thing}]`,
    files: {
      "things.json": JSON.stringify({
        mappings: {
          dynamic: "strict",
          properties: {
            id: { type: "long" },
            ...Object.fromEntries(properties),
          },
        },
      }),
    },
  });
  const { written, rejected } = (await runPass(world)).summary();
  deepEqual({ written, rejected }, { written: 2, rejected: 0 });
  await world.documents(); // refreshes
  for (const [place, { search }] of values.entries()) {
    const row = rows[place];
    ok(row);
    const query = JSON.stringify({ query: search(row.name) });
    const path = `/${world.indexName()}/_count`;
    const { text } = await world.search("POST", path, query);
    const { data } = Count.safeParse(JSON.parse(text));
    equal(data?.count, 1, `${key(row)}: ${text}`);
  }
  const suggest = rows.find(({ type }) => type === "completion");
  ok(suggest);
  const body = {
    suggest: { found: { prefix: "wa", completion: { field: suggest.name } } },
  };
  const { text } = await world.search(
    "POST",
    `/${world.indexName()}/_search`,
    JSON.stringify(body),
  );
  const [found] = Suggestions.parse(JSON.parse(text)).suggest.found;
  equal(found?.options.length, 1);
});
