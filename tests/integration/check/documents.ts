import {
  type Broken,
  document,
  FIELDS,
  mapped,
  WATCH_REVIEW,
} from "./products.ts";

const DOCUMENT = "indexes[0].document";
/** Document queries that PostgreSQL, the mapping or the size of a table speaks against. */
export const BROKEN_DOCUMENTS: readonly Broken[] = [
  {
    name: "a table that nobody watches, behind a view",
    products: {},
    settings: document(
      "select p.id, p.name, p.price, t.n from product p cross join lateral (select count(*) as n from reviews v where v.product_id = p.id) t",
    ),
    sql: [
      "create index on review (product_id)",
      "create view reviews as select * from review",
    ],
    expected: [
      ["error", DOCUMENT, /column n is not in the strict mapping/],
      ["warning", DOCUMENT, /reads the table review, which is not watched/],
    ],
  },
  {
    name: "a document query that PostgreSQL refuses",
    products: {},
    settings: document("select id, nam from product"),
    expected: [["error", DOCUMENT, /column "nam" does not exist/]],
  },
  {
    name: "a key that is cast",
    products: {},
    settings: document("select id::text as id, name, price from product"),
    expected: [["error", DOCUMENT, /shows the key .* as another type/]],
  },
  {
    name: "a key in an expression",
    products: {},
    settings: document("select id + 0 as id, name, price from product"),
    expected: [
      ["warning", DOCUMENT, /each page of documents reads all of product/],
    ],
  },
  {
    name: "an aggregate over a whole table",
    products: mapped({ ...FIELDS, reviews: { type: "keyword" } }),
    settings: {
      ...document(
        "select p.id, p.name, p.price, r.reviews from product p left join (select product_id, json_agg(author) as reviews from review group by product_id) r on r.product_id = p.id",
      ),
      "indexes.0.watch.1": WATCH_REVIEW,
    },
    expected: [
      ["warning", DOCUMENT, /each page of documents reads all of review/],
    ],
  },
  {
    name: "two rows for one key",
    products: mapped({ ...FIELDS, author: { type: "keyword" } }),
    settings: {
      ...document(
        "select p.id, p.name, p.price, r.author from product p join review r on r.product_id = p.id",
      ),
      "indexes.0.watch.1": WATCH_REVIEW,
    },
    sql: [
      "create index on review (product_id)",
      "insert into review values (0, 1, 'b')",
    ],
    expected: [["error", DOCUMENT, /^1 of 50 .* two_rows, with the id 1$/]],
  },
  {
    name: "rows without a key",
    products: mapped({ id: FIELDS.id, author: { type: "keyword" } }),
    settings: {
      ...document(
        "select p.id, r.author from review r left join product p on p.id = r.product_id",
      ),
      "indexes.0.watch.1": WATCH_REVIEW,
    },
    sql: [
      "create index on review (product_id)",
      "update review set product_id = 0 where id between 1 and 10",
      "vacuum full review",
    ],
    expected: [["warning", DOCUMENT, /^10 of the first rows have no id/]],
  },
  {
    name: "a row that breaks the query",
    products: {},
    settings: document(
      "select id, name, price / (id - 7) as price from product",
    ),
    expected: [
      ["error", DOCUMENT, /^1 of 50 .*sqlstate_22012, with the id 7$/],
    ],
  },
  {
    name: "a column that the strict mapping lacks",
    products: mapped({ id: FIELDS.id, name: FIELDS.name }),
    expected: [[
      "error",
      DOCUMENT,
      /column price is not in the strict mapping/,
    ]],
  },
  {
    name: "a field that nothing fills",
    products: mapped({ ...FIELDS, stock: { type: "integer" } }),
    expected: [["warning", DOCUMENT, /field stock .* no column/]],
  },
  {
    name: "a column of a type that the field refuses",
    products: mapped({ ...FIELDS, name: { type: "nested" } }),
    expected: [
      ["error", DOCUMENT, /column name is text, .* type nested refuses/],
      ["error", DOCUMENT, /^50 of 50 .* at the field name/],
    ],
  },
  {
    name: "values that the field refuses",
    products: mapped({ ...FIELDS, code: { type: "float" } }),
    settings: document("select id, name, price, code from product"),
    sql: ["update product set code = 'n/a' where id in (3, 5)"],
    expected: [
      ["error", DOCUMENT, /^2 of 50 .* at the field code, with the id 3, 5$/],
    ],
  },
  {
    name: "json with a key that the strict mapping lacks",
    products: mapped({
      ...FIELDS,
      made: { type: "object", properties: { year: { type: "integer" } } },
    }),
    settings: document(
      "select id, name, price, json_build_object('yaer', 2000) as made from product",
    ),
    expected: [
      ["error", DOCUMENT, /^50 of 50 .*: strict_dynamic_mapping_exception/],
    ],
  },
  {
    name: "_deleted that is no condition",
    products: {},
    settings: document(
      "select id, name, price, updated_at as _deleted from product",
    ),
    expected: [
      ["error", DOCUMENT, /_deleted is timestamptz, not boolean/],
      ["error", DOCUMENT, /SQLSTATE is 42846|Cannot run document/],
    ],
  },
];
