import { deepEqual, equal, ok } from "node:assert/strict";
import { z } from "zod";
import { joinKey, type Key } from "../src/keys.ts";
import { loadKeys } from "../src/load_keys.ts";
import { splitKeys } from "../src/load_ranges.ts";
import type { IndexPlan, TablePlan } from "../src/plan.ts";
import { Position } from "../src/position.ts";
import type { Source } from "../src/postgres.ts";
import {
  NEVER,
  openDatabase,
  openQuickSource,
  type TestDatabase,
} from "./servers.ts";

const PAGE_SIZE = 50;
const READER_COUNT = 3;

/** A table called item with a key of these columns, by name and type. */
interface KeyShape {
  readonly name: string;
  readonly key: Readonly<Record<string, string>>;
  readonly sql: string;
  /** Whether it is read in several ranges. */
  readonly isSplit: boolean;
}

const INTEGER = { id: "integer" };

const SHAPES: readonly KeyShape[] = [
  {
    name: "uuid",
    key: { id: "uuid" },
    sql: `create table item (id uuid primary key);
      insert into item select md5(n::text)::uuid from generate_series(1, 3000) n`,
    isSplit: true,
  },
  {
    name: "bigint beyond what a double holds",
    key: { id: "bigint" },
    sql: `create table item (id bigint primary key);
      insert into item select 9007199254740993 + n from generate_series(1, 3000) n`,
    isSplit: true,
  },
  {
    name: "negative integers",
    key: INTEGER,
    sql: `create table item (id int primary key);
      insert into item select n from generate_series(-2000, 1000) n`,
    isSplit: true,
  },
  ...['"C"', '"und-x-icu"', '"de-x-icu"'].map((collation): KeyShape => ({
    name: `text under the collation ${collation}`,
    key: { id: "text" },
    // cases, accents, blanks and signs, which collations order each in its way
    sql: `create table item (id text collate ${collation} primary key);
      insert into item select (array['a','B','ä','Z','-b',' c','"''','é','e\\','{,}'])[1 + n % 10] || n
      from generate_series(1, 3000) n`,
    isSplit: true,
  })),
  {
    name: "text under a collation that is not deterministic",
    key: { id: "text" },
    sql:
      `create collation ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      create table item (id text collate ignoring_case primary key);
      insert into item select (array['a','B','ä','Z'])[1 + n % 4] || n from generate_series(1, 3000) n`,
    isSplit: true,
  },
  {
    name: "several columns, of which the first is nearly always the same",
    key: { tenant: "integer", name: "text", n: "smallint" },
    sql:
      `create table item (tenant int, name text collate "und-x-icu", n smallint, primary key (tenant, name, n));
      insert into item select case when n % 100 = 0 then n else 7 end, 'n|' || n % 50, n from generate_series(1, 3000) n`,
    isSplit: true,
  },
  {
    name: "nearly all of them near to each other",
    key: INTEGER,
    sql: `create table item (id int primary key);
      insert into item select n from generate_series(1, 2970) n
      union all select n * 10000000 from generate_series(1, 30) n`,
    isSplit: true,
  },
  {
    name: "of a table in partitions",
    key: INTEGER,
    sql: `create table item (id int primary key) partition by hash (id);
      create table item0 partition of item for values with (modulus 2, remainder 0);
      create table item1 partition of item for values with (modulus 2, remainder 1);
      insert into item select n from generate_series(1, 3000) n`,
    isSplit: true,
  },
  {
    name: "of a view, which cannot be sampled",
    key: INTEGER,
    sql: `create view item as select id from generate_series(1, 500) id`,
    isSplit: false,
  },
  {
    name: "of an empty table",
    key: INTEGER,
    sql: `create table item (id int primary key)`,
    isSplit: false,
  },
  {
    name: "fewer than a page of them",
    key: INTEGER,
    sql: `create table item (id int primary key);
      insert into item select n from generate_series(1, ${PAGE_SIZE - 1}) n`,
    isSplit: false,
  },
  {
    name: "a page of them",
    key: INTEGER,
    sql: `create table item (id int primary key);
      insert into item select n from generate_series(1, ${PAGE_SIZE}) n`,
    isSplit: false,
  },
];

for (const shape of SHAPES) {
  Deno.test(`loadKeys() gives every key once: ${shape.name}`, async () => {
    await using world = await openItems(shape);
    const { keys, counts, left } = await world.load(START);
    deepEqual(keys.sort(), await world.keys());
    equal(left, undefined);
    equal(counts.length > 1, shape.isSplit, `${counts.length} ranges`);
    const most = Math.max(...counts);
    if (shape.isSplit) ok(most < keys.length / 2, `${counts} keys in each`);
  });
}

Deno.test("loadKeys() goes on in each range from the last page that is settled", async () => {
  for (const shape of SHAPES.filter(({ isSplit }) => isSplit)) {
    await using world = await openItems(shape);
    const all = await world.keys();
    const loaded = new Set<Key>();
    let load: Position["load"] = START;
    // whatever was settled in each range, down to nothing, when it ended
    for (const settledCount of [0, 5, 20, 21]) {
      const { settled, left } = await world.load(load, settledCount);
      for (const key of settled) {
        ok(!loaded.has(key), `${key} is loaded twice`);
        loaded.add(key);
      }
      load = left;
    }
    ok(load?.ranges, "several ranges are left");
    const { keys, left } = await world.load(load);
    deepEqual([...loaded, ...keys].sort(), all, shape.name);
    equal(left, undefined);
  }
});

Deno.test("loadKeys() goes on from a position that knows of no ranges", async () => {
  const [shape] = SHAPES.filter(({ name }) => name === "negative integers");
  ok(shape);
  await using world = await openItems(shape);
  const { keys } = await world.load({ after: ["-3"] });
  const after = (await world.keys()).filter((key) => Number(key) > -3);
  deepEqual(keys.sort(), after);
});

Deno.test("loadKeys() gives once whatever is there from its beginning to its end", async () => {
  const [shape] = SHAPES;
  ok(shape);
  await using world = await openItems(shape);
  const change = () =>
    world.change(
      `delete from item where id in (select id from item tablesample bernoulli (3));
       insert into item select gen_random_uuid() from generate_series(1, 100)`,
    );
  const before = new Set(await world.keys());
  const { keys } = await world.load(START, Infinity, change);
  equal(new Set(keys).size, keys.length);
  const found = new Set(keys);
  const missed = (await world.keys())
    .filter((key) => before.has(key) && !found.has(key));
  deepEqual(missed, []);
});

Deno.test("loadKeys() ends between two pages when it is drained", async () => {
  const [shape] = SHAPES;
  ok(shape);
  await using world = await openItems(shape);
  const drain = new AbortController();
  let pageCount = 0;
  const { left } = await world.load(START, Infinity, () => {
    pageCount++;
    if (pageCount === 7) drain.abort();
    return Promise.resolve();
  }, drain.signal);
  equal(pageCount, 7);
  ok(left?.ranges);
});

Deno.test("splitKeys() reads a small part of a large table", async () => {
  await using world = await openItems({
    name: "large",
    key: INTEGER,
    sql:
      `create table item (id int primary key, wide text) with (autovacuum_enabled = false);
      insert into item select n, repeat('x', 500) from generate_series(1, 20000) n`,
    isSplit: true,
  });
  const ranges = await splitKeys(world.source, world.table, {
    after: undefined,
    maxCount: 8,
    pageSize: PAGE_SIZE,
    signal: NEVER,
  });
  ok(ranges.length > 4, `${ranges.length} ranges`);
  await world.source[Symbol.asyncDispose](); // a session that ends tells what it read
  const [row] = await untilFound(
    world.database,
    "select seq_tup_read::text as read from pg_stat_user_tables where relname = 'item' and seq_tup_read > 0",
  );
  ok(Number(row?.["read"]) < 5_000, `${row?.["read"]} of 20000 rows are read`);
});

const START: Position["load"] = {};

/** The rows of a query, once it has some. */
async function untilFound(database: TestDatabase, sql: string) {
  for (;;) {
    const rows = await database.query(sql);
    if (rows.length > 0) return rows;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A database with the items of a shape. */
async function openItems({ key, sql }: KeyShape) {
  const database = await openDatabase();
  await database.query(sql);
  const source = openQuickSource(database.options);
  const columns = Object.entries(key).map(([name, type]) => ({ name, type }));
  const table: TablePlan = {
    label: "item",
    from: "item",
    key: columns,
    stamp: { name: "updated_at", type: "", kind: "instant", timeZone: "UTC" },
  };
  const plan: IndexPlan = {
    name: "items",
    document: {
      sql: "",
      label: "",
      key: columns,
      fields: [],
      agentColumns: new Set(),
    },
    root: table,
    tables: [table],
    lookbackMs: 0,
    pageSize: PAGE_SIZE,
  };
  return {
    database,
    source,
    table,
    change: (sql: string) => database.query(sql),
    keys: () => readAll(source, columns.map(({ name }) => name)),
    load: (
      load: Position["load"],
      settledCount = Infinity,
      onPage: () => Promise<unknown> = () => Promise.resolve(),
      drain: AbortSignal = NEVER,
    ) => readLoad({ source, plan, drain }, { load, settledCount, onPage }),
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** The keys of all items. */
async function readAll(
  source: Source,
  columns: readonly string[],
): Promise<Key[]> {
  const rows = await source.query({
    label: "all items",
    sql: `select ${
      columns.map((name) => `${name}::text`).join(", ")
    } from item`,
    row: z.record(z.string(), z.string()),
  }, { signal: NEVER });
  return rows.map((row) => joinKey(columns.map((name) => row[name] ?? "")))
    .sort();
}

/** Loads, and settles so many pages: those of one range in their order, the ranges in no order. */
async function readLoad(
  { source, plan, drain }: {
    source: Source;
    plan: IndexPlan;
    drain: AbortSignal;
  },
  { load, settledCount, onPage }: {
    load: Position["load"];
    settledCount: number;
    onPage: () => Promise<unknown>;
  },
) {
  const position = Position.parse({
    source: { system: "1", database: "d" },
    index: { name: "items", uuid: "u" },
    low: "",
    seen: {},
    load,
  });
  const following = { source, plan, drain, kill: NEVER };
  const options = { position, maxReaders: READER_COUNT };
  const keys: Key[] = [];
  const lanes = new Map<
    number,
    (readonly [readonly Key[], () => Position])[]
  >();
  for await (const page of loadKeys(following, options)) {
    const { lane = 0, next } = page;
    ok(next);
    keys.push(...page.keys);
    lanes.set(lane, [...lanes.get(lane) ?? [], [page.keys, next]]);
    await onPage();
  }
  const counts = [...lanes.values()]
    .map((pages) => pages.flatMap(([keys]) => keys).length);
  const settled: Key[] = [];
  let last = position;
  for (let count = 0; count < settledCount; count++) {
    // now of this range, now of that one; some get nothing
    const waiting = [...lanes.values()].filter((pages) => pages.length > 0);
    const [keys, next] = waiting[count * 7 % 5 % waiting.length]?.shift() ?? [];
    if (keys === undefined || next === undefined) break;
    settled.push(...keys);
    // as it comes back from the state file
    last = Position.parse(JSON.parse(JSON.stringify(next())));
  }
  return { keys, settled, counts, left: last.load };
}
