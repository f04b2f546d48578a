/** Tables of one shape, and changes of which each has to bring these documents in the next pass, and no others. */
export interface Shape {
  readonly name: string;
  /** Makes the tables and fills them. */
  readonly sql: string;
  readonly document: string;
  readonly watch: string;
  readonly changes: readonly {
    readonly sql: string;
    readonly sends: readonly string[];
  }[];
}

const ROWS = "generate_series(1, 25) n";

/** A table `item` whose key is an expression of the number n, and its changes by one row and by ten. */
function keyed(type: string, key: (n: string) => string): Shape {
  const texts = (count: number) =>
    `update item set name = 'other', updated_at = now() where id in (select ${
      key("n")
    } from generate_series(1, ${count}) n)`;
  return {
    name: `with a key of type ${type}`,
    sql: `
      create table item (id ${type} primary key, name text, updated_at timestamptz not null default now());
      insert into item select ${key("n")}, 'first' from ${ROWS}`,
    document: "select id, name from item",
    watch: "[{table: item}]",
    changes: [
      { sql: texts(1), sends: ["1"] },
      {
        sql: texts(12),
        sends: Array.from({ length: 12 }, (_, n) => `${n + 1}`),
      },
      { sql: `insert into item select ${key("40")}, 'new'`, sends: ["40"] },
    ],
  };
}

/** A table `item` whose changes are told by a column of this type, of which `now` is the value for now. */
function stamped(
  type: string,
  { now, watch = "" }: { now: string; watch?: string },
): Shape {
  return {
    name: `with a stamp of type ${type}${watch}`,
    sql: `
      create sequence change;
      create table item (id int primary key, name text, updated_at ${type});
      insert into item select n, 'first', ${now} from ${ROWS};
      insert into item values (30, 'unstamped', null)`,
    document: "select id, name from item",
    watch: `[{table: item${watch}}]`,
    changes: [
      {
        sql:
          `update item set name = 'second', updated_at = ${now} where id in (3, 30)`,
        sends: ["3", "30"],
      },
      // in the same second, or on the same day, as the one before
      {
        sql:
          `update item set name = 'third', updated_at = ${now} where id in (3, 4)`,
        sends: ["3", "4"],
      },
      {
        sql:
          `insert into item select n, 'new', ${now} from generate_series(101, 120) n`,
        sends: Array.from({ length: 20 }, (_, n) => `${n + 101}`),
      },
    ],
  };
}

/** Every shape that a watched table may have, but for keys of type uuid: those are the example's. */
export const SHAPES: readonly Shape[] = [
  keyed("integer", (n) => `${n}::int`),
  keyed("bigint", (n) => `${n}::bigint`),
  keyed("text", (n) => `${n}::text`),
  keyed('text collate "en-x-icu"', (n) => `${n}::text`),
  keyed("character varying(20)", (n) => `${n}::text`),
  keyed("numeric", (n) => `${n}::numeric`),
  stamped("timestamptz", { now: "now()" }),
  stamped("timestamptz(0)", { now: "now()" }),
  stamped("timestamp", {
    now: "now() at time zone 'Europe/Berlin'",
    watch: ", time_zone: Europe/Berlin",
  }),
  stamped("timestamp", {
    now: "now() at time zone 'America/St_Johns'",
    watch: ", time_zone: America/St_Johns",
  }),
  stamped("timestamp(0)", {
    now: "now() at time zone 'UTC'",
    watch: ", time_zone: UTC",
  }),
  stamped("date", {
    now: "(now() at time zone 'Pacific/Auckland')::date",
    watch: ", time_zone: Pacific/Auckland",
  }),
  stamped("date", { now: "(now() at time zone 'UTC')::date" }),
  stamped("bigint", { now: "nextval('change')" }),
  stamped("integer", { now: "nextval('change')" }),
  {
    name: "with keys of several columns",
    sql: `
      create table item (region text, no int, name text, updated_at timestamptz not null default now(), primary key (region, no));
      create table part (region text, no int, part bigint, name text, updated_at timestamptz not null default now(),
        primary key (region, no, part));
      insert into item select case n % 3 when 0 then 'a|b' when 1 then 'a\\b' else 'é' end, n, 'first' from ${ROWS};
      insert into part select region, no, n, 'part' from item, generate_series(1, 2) n`,
    document:
      `select region, no, name, (select json_agg(p.name order by p.part) from part p where (p.region, p.no) = (i.region, i.no)) parts
      from item i`,
    watch: `
        - table: item
          key: [region, no]
        - table: part
          key: [part, no, region]
          document_ids: select * from unnest($3::text[], $2::int[]) k(region, no) where cardinality($1::bigint[]) > 0`,
    changes: [
      {
        sql:
          "update item set name = 'second', updated_at = now() where no in (1, 2, 3)",
        sends: ["a\\|b|3", "a\\\\b|1", "é|2"],
      },
      {
        sql:
          "update part set name = 'other', updated_at = now() where no = 6 and part = 2",
        sends: ["a\\|b|6"],
      },
      {
        sql: "insert into part values ('é', 8, 3, 'third')",
        sends: ["é|8"],
      },
    ],
  },
  {
    name: "with columns of other names",
    sql: `
      create table item ("Item Id" int primary key, name text, "Changed At" timestamptz not null default now());
      insert into item select n, 'first' from ${ROWS}`,
    document: 'select "Item Id", name from item',
    watch: `[{table: item, key: '"Item Id"', updated_at: '"Changed At"'}]`,
    changes: [{
      sql:
        `update item set name = 'other', "Changed At" = now() where "Item Id" = 7`,
      sends: ["7"],
    }],
  },
  {
    name: "watched by two columns",
    sql: `
      create table item (id int primary key, name text, price int, updated_at timestamptz not null default now(), priced_at timestamptz);
      insert into item select n, 'first', 1 from ${ROWS}`,
    document: "select id, name, price from item",
    watch: `
        - table: item
        - table: item
          updated_at: priced_at
          document_ids: select unnest($1::int[])`,
    changes: [
      {
        sql: "update item set name = 'other', updated_at = now() where id = 1",
        sends: ["1"],
      },
      {
        sql: "update item set price = 2, priced_at = now() where id in (2, 3)",
        sends: ["2", "3"],
      },
      {
        sql: `update item set price = 3, priced_at = now() where id = 4;
          update item set name = 'again', updated_at = now() where id in (4, 5)`,
        sends: ["4", "5"],
      },
    ],
  },
  {
    name: "with a link table that has created_at only",
    sql: `
      create table item (id int primary key, name text, updated_at timestamptz not null default now());
      create table tag (id int primary key, name text, updated_at timestamptz not null default now());
      create table item_tag (item_id int, tag_id int, created_at timestamptz not null default now(), primary key (item_id, tag_id));
      insert into item select n, 'first' from ${ROWS};
      insert into tag select n, 'tag' from generate_series(1, 3) n;
      insert into item_tag select n, 1 from ${ROWS}`,
    document:
      `select id, name, (select json_agg(t.name order by t.id) from item_tag it join tag t on t.id = it.tag_id
      where it.item_id = i.id) tags from item i`,
    watch: `
        - table: item
        - table: tag
          document_ids: select item_id from item_tag where tag_id = any($1)
        - table: item_tag
          updated_at: created_at
          key: [item_id, tag_id]
          document_ids: select unnest($1::int[])`,
    changes: [
      { sql: "insert into item_tag values (5, 2), (6, 2)", sends: ["5", "6"] },
      {
        sql: "update tag set name = 'renamed', updated_at = now() where id = 2",
        sends: ["5", "6"],
      },
      {
        sql: "update tag set name = 'unused', updated_at = now() where id = 3",
        sends: [],
      },
    ],
  },
];
