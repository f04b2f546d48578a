import { deepEqual, ok } from "node:assert/strict";
import type { CatalogColumn } from "../src/init_catalog.ts";
import { showColumn } from "../src/init_fields.ts";

const PAGE = new URL("../docs/field_types.md", import.meta.url);

/** The rows of the page that a column gives without being asked for, by what the page calls the column. */
const BASES: Readonly<Record<string, string>> = {
  "boolean": "bool",
  "smallint": "int2",
  "integer": "int4",
  "bigint": "int8",
  "real": "float4",
  "double precision": "float8",
  "numeric": "numeric",
  "money": "money",
  "text": "text",
  "varchar(20)": "varchar",
  "uuid": "uuid",
  "text[]": "text",
  "timestamp[]": "timestamp",
  "an_enum": "an_enum",
  "a_row_type": "a_row_type",
  "date": "date",
  "timestamptz": "timestamptz",
  "timestamp": "timestamp",
  "time": "time",
  "interval": "interval",
  "inet": "inet",
  "cidr": "cidr",
  "macaddr": "macaddr",
  "int4range": "int4range",
  "int8range": "int8range",
  "numrange": "numrange",
  "daterange": "daterange",
  "tsrange": "tsrange",
  "tstzrange": "tstzrange",
  "json": "json",
  "jsonb": "jsonb",
  "point": "point",
  "box": "box",
};

async function readRows(): Promise<Set<string>> {
  const page = await Deno.readTextFile(PAGE);
  return new Set(
    page.split("\n").flatMap((line) => {
      const [, column, expression, field] = line.split(/(?<!\\)\|/).map((
        cell,
      ) => cell.trim().match(/^`(.*)`$/)?.[1]);
      if (column === undefined || expression === undefined) return [];
      return [JSON.stringify([column, expression, JSON.parse(field ?? "")])];
    }),
  );
}

function columnOf(written: string, base: string): CatalogColumn {
  return {
    name: "c",
    type: written,
    base,
    kind: base === "an_enum" ? "e" : base === "a_row_type" ? "c" : "b",
    form: written.replace("varchar", "character varying"),
    isArray: written.endsWith("[]"),
  };
}

Deno.test("showColumn() shows each type as docs/field_types.md says", async () => {
  const rows = await readRows();
  const missing: unknown[] = [];
  for (const [written, base] of Object.entries(BASES)) {
    const shown = showColumn(columnOf(written, base), {
      sql: "c",
      timeZone: "Europe/Berlin",
      isKey: false,
      isReference: false,
      isStamp: false,
    });
    ok("sql" in shown, written);
    const row = JSON.stringify([written, shown.sql, shown.field]);
    if (!rows.has(row)) missing.push(row);
  }
  deepEqual(missing, []);
});

Deno.test("showColumn() leaves out what no search is for, and a vector that is too long", () => {
  const role = {
    sql: "c",
    timeZone: "UTC",
    isKey: false,
    isReference: false,
    isStamp: false,
  };
  const show = (base: string, form = base) =>
    showColumn({ ...columnOf(form, base), form }, role);
  ok("leftOut" in show("bytea"));
  ok("leftOut" in show("tsvector"));
  ok("leftOut" in show("vector"));
  ok("leftOut" in show("vector", "vector(5000)"));
  deepEqual(show("vector", "vector(3)"), {
    sql: "c::real[]",
    field: { type: "dense_vector", dims: 3, index: true, similarity: "cosine" },
  });
  deepEqual(show("geometry", "geometry(Point,25832)"), {
    sql: "st_asgeojson(st_transform(c, 4326))::json",
    field: { type: "geo_point" },
  });
  deepEqual(show("geography", "gis.geography"), {
    sql: "gis.st_asgeojson(c)::json",
    field: { type: "geo_shape" },
  });
});
