import { deepEqual, equal, match } from "node:assert/strict";
import { checkColumns, type DocumentColumn } from "../src/check_columns.ts";

function column(
  name: string,
  type: string,
  more: Partial<DocumentColumn> = {},
): DocumentColumn {
  return { name, type, isArray: false, typeKind: "b", ...more };
}

/** What is told of one column `value` and the field of this definition. */
function judge(
  shown: Partial<DocumentColumn> & { readonly type: string },
  field: unknown,
): string[] {
  const columns = [column("value", shown.type, shown)];
  const config = { mappings: { properties: { value: field } } };
  return [...checkColumns(columns, config)].map(({ level, text }) =>
    `${level}: ${text}`
  );
}

const REFUSED: readonly (readonly [type: string, field: string])[] = [
  ["bool", "date"],
  ["bool", "long"],
  ["int4", "boolean"],
  ["int8", "ip"],
  ["numeric", "nested"],
  ["timestamptz", "float"],
  ["date", "boolean"],
  ["uuid", "integer"],
  ["uuid", "date"],
  ["text", "object"],
  ["text", "flattened"],
  ["bytea", "long"],
];

const TAKEN: readonly (readonly [type: string, field: string])[] = [
  ["bool", "boolean"],
  ["bool", "keyword"],
  ["int8", "date"],
  ["numeric", "scaled_float"],
  ["timestamptz", "date_nanos"],
  ["uuid", "keyword"],
  ["text", "float"],
  ["text", "ip"],
  ["json", "keyword"],
  ["jsonb", "nested"],
  ["hstore", "object"],
];

for (const [type, field] of REFUSED) {
  Deno.test(`checkColumns() tells that ${field} refuses ${type}`, () => {
    deepEqual(judge({ type }, { type: field }), [
      `error: the column value is ${type}, which a field of type ${field} refuses`,
    ]);
  });
}

for (const [type, field] of TAKEN) {
  Deno.test(`checkColumns() says nothing of ${type} in ${field}`, () => {
    deepEqual(judge({ type }, { type: field }), []);
  });
}

Deno.test("checkColumns() judges arrays by their elements, rows as objects, enums as texts", () => {
  const [found = ""] = judge({ type: "uuid", isArray: true }, { type: "long" });
  match(found, /value is uuid\[\], which/);
  deepEqual(judge({ type: "film", typeKind: "c" }, { type: "nested" }), []);
  equal(judge({ type: "film", typeKind: "c" }, { type: "text" }).length, 1);
  deepEqual(judge({ type: "mood", typeKind: "e" }, { type: "keyword" }), []);
  equal(judge({ type: "mood", typeKind: "e" }, { properties: {} }).length, 1);
});

Deno.test("checkColumns() leaves to the documents what a field is told to bear with", () => {
  const lenient = { type: "long", "ignore_malformed": true };
  deepEqual(judge({ type: "uuid" }, lenient), []);
  deepEqual(judge({ type: "text" }, { type: "object", enabled: false }), []);
});

Deno.test("checkColumns() counts as filled what is copied, constant or another's name", () => {
  const properties = {
    name: { type: "text", "copy_to": "all" },
    all: { type: "text" },
    kind: { type: "constant_keyword", value: "film" },
    label: { type: "alias", path: "name" },
    gone: { type: "text" },
  };
  const found = [
    ...checkColumns([column("name", "text")], { mappings: { properties } }),
  ];
  deepEqual(found.map(({ level }) => level), ["warning"]);
  match(found[0]?.text ?? "", /field gone/);
});

Deno.test("checkColumns() takes a boolean for _deleted, doubts what can be cast, refuses the rest", () => {
  const levels = ["bool", "text", "timestamptz"].map((type) =>
    [...checkColumns([column("_deleted", type)], { mappings: {} })]
      .map(({ level }) => level)
  );
  deepEqual(levels, [[], ["warning"], ["error"]]);
});
