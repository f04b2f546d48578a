/** A set-up that is broken in one way, and what a check has to say of it. */
export interface Broken {
  readonly name: string;
  /** On the tables of {@linkcode PRODUCTS}, not on the bundled example. */
  readonly products?: { readonly mappings?: unknown };
  /** Values of config.yaml by path. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What is run in the database by the superuser, each in a statement of its own; ROLE is the role of this test. */
  readonly sql?: readonly string[];
  /** What is asked of Elasticsearch; NAME is the name of the index. */
  readonly requests?: readonly {
    readonly method: string;
    readonly path: string;
    readonly body: unknown;
  }[];
  /** Attributes of a role of this test, for the agent to log in with. */
  readonly role?: string;
  /** All findings in their order: level, path, text. */
  readonly expected: readonly Expected[];
}

/** Level, path and text of a finding. */
export type Expected = readonly [
  level: "error" | "warning",
  path: string,
  text: RegExp,
];

/** The fields of {@linkcode PRODUCTS}. */
export const FIELDS = {
  id: { type: "integer" },
  name: { type: "keyword" },
  price: { type: "float" },
};

const STAMP_TRIGGER = `
  create function stamp() returns trigger language plpgsql as
    $$ begin new.updated_at := now(); return new; end $$;`;

function stamped(table: string): string {
  return `
  create index on ${table} (updated_at, id);
  create trigger stamp before update on ${table}
    for each row execute function stamp();`;
}

/** Two tables that are as they should be: `product`, which is indexed, and `review`, which nobody reads until a test does. */
export const PRODUCTS = {
  sql: `${STAMP_TRIGGER}
  create table product (
    id int primary key, name text, price numeric, code text, is_sold boolean,
    updated_at timestamptz not null default now()
  );${stamped("product")}
  insert into product select n, 'n' || n, n, n::text, n % 2 = 0
  from generate_series(1, 20000) n;
  create table review (
    id int primary key, product_id int not null, author text,
    updated_at timestamptz not null default now()
  );${stamped("review")}
  insert into review select n, 1 + n % 20000, 'a' || n
  from generate_series(1, 20000) n;
  analyze;`,
  indexes: `
    - name: products
      index_config: products.json
      document: select id, name, price from product
      watch: [{table: product}]`,
  mappings: { dynamic: "strict", properties: FIELDS },
} as const;

/** A document query in place of the one of {@linkcode PRODUCTS}. */
export function document(query: string): Readonly<Record<string, string>> {
  return { "indexes.0.document": query };
}

/** Fields in place of those of {@linkcode PRODUCTS}. */
export function mapped(fields: unknown): { readonly mappings: unknown } {
  return { mappings: { dynamic: "strict", properties: fields } };
}

/** The second table of {@linkcode PRODUCTS}, watched. */
export const WATCH_REVIEW = {
  table: "review",
  "document_ids": "select product_id from review where id = any($1)",
};
