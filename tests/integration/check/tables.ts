import { type Broken, WATCH_REVIEW } from "./products.ts";

const WATCH = "indexes[0].watch";

/** The stamp of a type of its own, kept as it should be. */
function stampAs(type: string, value: string): string[] {
  return [
    `alter table product alter updated_at drop default,
       alter updated_at type ${type} using ${value},
       alter updated_at set default ${value.replaceAll("updated_at", "now()")}`,
    `create or replace function stamp() returns trigger language plpgsql as
       $$ begin new.updated_at := ${
      value.replaceAll("updated_at", "now()")
    }; return new; end $$`,
  ];
}

/** Watched tables whose changes are missed, or cost a reading of all. */
export const BROKEN_TABLES: readonly Broken[] = [
  {
    name: "a table without an index for its changes",
    sql: ["drop index content.film_work_updated_at_id_idx"],
    expected: [
      [
        "warning",
        `${WATCH}[0]`,
        /no index leads .* content\.film_work: .* 1000 rows/,
      ],
    ],
  },
  {
    name: "a stamp that no trigger renews",
    sql: ["drop trigger person_set_updated_at on content.person"],
    expected: [
      [
        "warning",
        `${WATCH}[1]`,
        /no trigger sets content\.person\.updated_at of changed/,
      ],
    ],
  },
  {
    name: "a stamp whose trigger is disabled",
    sql: ["alter table content.genre disable trigger genre_set_updated_at"],
    expected: [
      ["warning", `${WATCH}[2]`, /no trigger sets content\.genre\.updated_at/],
    ],
  },
  {
    name: "a trigger that stamps something else",
    sql: [
      `create or replace function content.set_updated_at() returns trigger
         language plpgsql as $$ begin return new; end $$`,
    ],
    expected: [0, 1, 2].map((place) => [
      "warning",
      `${WATCH}[${place}]`,
      /no trigger sets/,
    ]),
  },
  {
    name: "a stamp without a default",
    sql: ["alter table content.genre_film_work alter created_at drop default"],
    expected: [
      ["warning", `${WATCH}[4]`, /no default and no trigger sets .*created_at/],
    ],
  },
  {
    name: "rows without a stamp",
    products: {},
    sql: [
      "alter table product alter updated_at drop not null, disable trigger all",
      "update product set updated_at = null where id <= 3",
      "alter table product enable trigger all",
    ],
    expected: [
      ["warning", `${WATCH}[0]`, /^3 rows of product have no updated_at/],
    ],
  },
  {
    name: "a stamp that may be null",
    products: {},
    sql: ["alter table product alter updated_at drop not null"],
    expected: [["warning", `${WATCH}[0]`, /product\.updated_at may be null/]],
  },
  {
    name: "a stamp that is a number",
    products: {},
    sql: stampAs("bigint", "extract(epoch from updated_at)::bigint"),
    expected: [["warning", `${WATCH}[0]`, /is a number/]],
  },
  {
    name: "a stamp without a time zone",
    products: {},
    settings: { "indexes.0.watch.0.time_zone": "Europe/Berlin" },
    sql: stampAs("timestamp", "updated_at::timestamp"),
    expected: [
      ["warning", `${WATCH}[0]`, /without time zone: .* Europe\/Berlin/],
    ],
  },
  {
    name: "a stamp whose time zone is not known",
    products: {},
    sql: stampAs("timestamp", "updated_at::timestamp"),
    expected: [["error", `${WATCH}[0]`, /timestamp without time zone/]],
  },
  {
    name: "a key that is not unique",
    products: {},
    sql: [
      "alter table product drop constraint product_pkey",
      "create index on product (id)",
    ],
    expected: [["warning", `${WATCH}[0]`, /keeps the key .* unique/]],
  },
  {
    name: "a table that is not there",
    products: {},
    settings: { "indexes.0.watch.1": { ...WATCH_REVIEW, table: "reviews" } },
    expected: [["error", `${WATCH}[1].table`, /there is no table reviews/]],
  },
  {
    name: "document_ids without an index",
    products: {},
    settings: {
      "indexes.0.watch.1": {
        table: "review",
        "document_ids":
          "select p.id from product p join review r on r.author = p.name where r.id = any($1)",
      },
    },
    expected: [[
      "warning",
      `${WATCH}[1]`,
      /document_ids .* reads all of product/,
    ]],
  },
];
