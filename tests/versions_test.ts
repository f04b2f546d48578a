import { equal, ok } from "node:assert/strict";
import { openVersions, timelineOf, VERSION_NUMBER } from "../src/versions.ts";
import { NEVER, openDatabase, openQuickSource } from "./servers.ts";

Deno.test("openVersions() numbers a reading after a change higher than one before it", async () => {
  await using database = await openDatabase();
  await using source = openQuickSource(database.options);
  await database.query("create table item (id int)");
  // the insert position moves at once, the written one with the next flush
  await database.query("set synchronous_commit = off");
  const versions = openVersions();
  let last = 0n;
  for (let change = 0; change < 20; change++) {
    await database.query("insert into item values (1)");
    const number = BigInt(await versions.next(source, NEVER));
    ok(number > last, `${number} is higher than ${last}`);
    equal(timelineOf(String(number)), 1);
    last = number;
  }
  equal(versions.last, String(last));
});

Deno.test("openVersions() never goes below its floor, nor below what it observed", async () => {
  await using database = await openDatabase();
  await using source = openQuickSource(database.options);
  const floor = String(9n << 51n);
  const versions = openVersions(floor);
  equal(await versions.next(source, NEVER), floor);
  const higher = String((9n << 51n) + 1n);
  versions.observe(higher);
  versions.observe(floor);
  equal(await versions.next(source, NEVER), higher);
});

Deno.test("VERSION_NUMBER is null where it would not fit into 63 bits", async () => {
  await using database = await openDatabase();
  const [row] = await database.query(
    `select ${onTimeline("FFF")} as last, ${onTimeline("1000")} as next`,
  );
  equal(timelineOf(row?.["last"] ?? ""), 4_095);
  ok(BigInt(row?.["last"] ?? "") < 1n << 63n);
  equal(row?.["next"], null);
});

/** The expression as it is on a timeline that no test server reaches. */
function onTimeline(hexadecimal: string): string {
  const name = "pg_walfile_name(lsn)";
  ok(VERSION_NUMBER.includes(name));
  return VERSION_NUMBER.replace(name, `'${hexadecimal.padStart(8, "0")}'`);
}
