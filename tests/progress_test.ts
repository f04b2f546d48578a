import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { estimateRows, measureLoad } from "../src/progress.ts";
import { NEVER, openDatabase, openQuickSource } from "./servers.ts";

Deno.test("estimateRows() adds up what PostgreSQL estimates of a table and its partitions", async () => {
  await using database = await openDatabase();
  await using source = openQuickSource(database.options);
  await database.query(`
    create table plain (id int);
    insert into plain select generate_series(1, 500);
    create table part (id int) partition by range (id);
    create table part_1 partition of part for values from (0) to (100);
    create table part_2 partition of part for values from (100) to (1000) partition by range (id);
    create table part_2_1 partition of part_2 for values from (100) to (1000);
    create table part_3 partition of part for values from (1000) to (2000);
    insert into part select generate_series(0, 299);
    create table parent (id int);
    create table child () inherits (parent);
    insert into child select generate_series(1, 40);
    create view shown as select * from plain;
    create table "Odd ""name" (id int);
    insert into "Odd ""name" select generate_series(1, 7);`);
  const estimate = (table: string) =>
    estimateRows(source, { table, signal: NEVER });
  equal(await estimate("plain"), undefined, "it was never analyzed");
  await database.query("analyze part_1");
  equal(await estimate("part"), undefined, "a part was never analyzed");
  await database.query("analyze");
  equal(await estimate("public.plain"), 500);
  equal(await estimate("part"), 300);
  equal(await estimate("parent"), 40);
  equal(await estimate(`public."Odd ""name"`), 7);
  equal(await estimate("shown"), undefined, "a view has no estimate");
});

Deno.test("measureLoad() never says that a load is done, nor anything of what is unknown", () => {
  const count = fc.integer({ min: 0, max: 1e9 });
  fc.assert(
    fc.property(
      count,
      fc.option(count, { nil: undefined }),
      fc.double({ min: 0, max: 1e12, noNaN: true }),
      (documents, total, tookMs) => {
        const state = measureLoad({ documents, total, tookMs });
        const { share = 0, leftSeconds = 0, perSecond } = state;
        ok(share >= 0 && share < 1);
        ok(leftSeconds >= 0 && !Number.isNaN(leftSeconds));
        ok(perSecond >= 0 && !Number.isNaN(perSecond));
        if (!total) ok(!("share" in state) && !("leftSeconds" in state));
      },
    ),
  );
  const over = measureLoad({ documents: 11, total: 10, tookMs: 1_000 });
  deepEqual(over, { documents: 11, perSecond: 11, total: 10, share: 0.99 });
});
