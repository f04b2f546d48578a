import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import {
  openDocuments,
  type Reading,
  type ReadingLimits,
} from "../src/documents.ts";
import { type Rejection, rejectionOf, requestBody } from "../src/operations.ts";
import type { IndexPlan } from "../src/plan.ts";
import { openVersions } from "../src/versions.ts";
import { openSource } from "../src/postgres.ts";
import { createPersister } from "../src/retry.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, openDatabase, openQuickSource, QUICK } from "./servers.ts";

const KEY = [{ name: "id", type: "integer" }];

function planOf(sql: string): IndexPlan {
  const root = {
    label: "films",
    from: "films",
    stamp: {
      name: "updated_at",
      type: "timestamp with time zone",
      kind: "instant",
      timeZone: "UTC",
    } as const,
    key: KEY,
  };
  const document = {
    sql,
    label: "document of films",
    key: KEY,
    fields: ["id", "title"],
    agentColumns: new Set<"_deleted" | "_routing">(),
  };
  return {
    name: "films",
    document,
    root,
    tables: [root],
    lookbackMs: 0,
    pageSize: 1_000,
  };
}

const LIMITS = { maxRequestBytes: 10_000, maxReadingBytes: 100_000 };

async function openWorld(sql: string, limits: ReadingLimits = LIMITS) {
  const database = await openDatabase();
  await database.query("create table films (id int primary key, title text)");
  await database.query(
    "insert into films select n, 'film ' || n from generate_series(1, 20) n",
  );
  const source = openQuickSource(database.options);
  return {
    database,
    documents: openDocuments({
      source,
      plan: planOf(sql),
      versions: openVersions(),
      limits,
    }),
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

function keysFrom(first: number, last: number): string[] {
  return Array.from({ length: last - first + 1 }, (_, n) => String(first + n));
}

/** The keys that were read, in their order as numbers. */
function keysOf({ requests }: Reading): string[] {
  return requests.flatMap(({ entries }) => entries.map(({ key }) => key))
    .sort((one, other) => Number(one) - Number(other));
}

/** What was rejected, and why; each bears the number of a reading. */
function rejectionsOf({ rejections }: Reading): Rejection[] {
  for (const { version } of rejections) match(version ?? "", /^\d+$/);
  return rejections.map(rejectionOf);
}

/** The body of every request, as text. */
function textOf({ requests }: Reading): string {
  return requests
    .map((request) => new TextDecoder().decode(requestBody(request)))
    .join("");
}

/** The number that the operations of a reading carry, which must be one. */
function versionOf(reading: Reading): bigint {
  const versions = textOf(reading).match(/(?<="version":)\d+/g) ?? [];
  equal(new Set(versions).size, 1);
  return BigInt(versions[0] ?? -1);
}

Deno.test("read() gives one operation for each key, where the entry says", async () => {
  await using world = await openWorld("select id, title from films");
  const keys = keysFrom(1, 25);
  const reading = await world.documents.read(keys, NEVER);
  deepEqual(keysOf(reading), keys);
  deepEqual([rejectionsOf(reading), reading.rest], [[], []]);
  for (const { buffer, entries } of reading.requests) {
    for (const { key, start, end } of entries) {
      const text = new TextDecoder().decode(buffer.subarray(start, end));
      const action = Number(key) > 20 ? "delete" : "index";
      ok(text.startsWith(`{"${action}":{"_id":"${key}",`), text);
      ok(text.endsWith("\n"));
      if (action === "index") ok(text.includes(`"film ${key}"`), text);
    }
  }
});

Deno.test("read() finds the documents that break the query, and reads all others", async () => {
  await using world = await openWorld(
    "select id, (1 / case when id in (7, 8, 20) then 0 else 1 end)::text as title from films",
  );
  const keys = keysFrom(1, 20);
  const reading = await world.documents.read(keys, NEVER);
  deepEqual(
    rejectionsOf(reading),
    ["7", "8", "20"].map((key) => ({ key, type: "sqlstate_22012" })),
  );
  const good = keys.filter((key) => !["7", "8", "20"].includes(key));
  deepEqual(keysOf(reading), good);
  deepEqual(reading.rest, []);
});

Deno.test("read() rejects a document of which the query shows two rows", async () => {
  await using world = await openWorld(
    "select f.id, f.title from films f, generate_series(1, case f.id when 5 then 2 when 6 then 3 else 1 end)",
  );
  const keys = keysFrom(1, 20);
  const reading = await world.documents.read(keys, NEVER);
  deepEqual(rejectionsOf(reading), [
    { key: "5", type: "two_rows" },
    { key: "6", type: "two_rows" },
  ]);
  deepEqual(keysOf(reading), keys.filter((key) => key !== "5" && key !== "6"));
  const text = textOf(reading);
  ok(!text.includes('"film 5"') && !text.includes('"film 6"'));
  for (const key of keysOf(reading)) ok(text.includes(`"film ${key}"`), key);
});

Deno.test("read() gives no request when nothing is left to send", async () => {
  await using world = await openWorld(
    "select f.id, f.title from films f, generate_series(1, 2)",
  );
  const reading = await world.documents.read(["1"], NEVER);
  deepEqual(reading.requests, []);
  deepEqual(rejectionsOf(reading), [{ key: "1", type: "two_rows" }]);
});

Deno.test("read() bounds each request, and leaves for the next reading what is too much for this one", async () => {
  const limits = { maxRequestBytes: 3_000, maxReadingBytes: 9_000 };
  await using world = await openWorld(
    "select id, repeat('x', 1000) as title from films",
    limits,
  );
  const keys = keysFrom(1, 20);
  const read: string[] = [];
  let rest: readonly string[] = keys;
  let readings = 0;
  while (rest.length > 0) {
    const reading = await world.documents.read(rest, NEVER);
    ok(keysOf(reading).length > 0);
    const sizes = reading.requests.map((request) =>
      requestBody(request).length
    );
    for (const size of sizes) ok(size <= limits.maxRequestBytes, String(size));
    ok(sizes.reduce((sum, size) => sum + size) <= limits.maxReadingBytes);
    equal(keysOf(reading).length + reading.rest.length, rest.length);
    read.push(...keysOf(reading));
    rest = reading.rest;
    readings++;
  }
  deepEqual(read.sort((one, other) => Number(one) - Number(other)), keys);
  ok(readings >= 3, `${readings} readings`);
});

Deno.test("read() lets a document that is larger than the limits go alone", async () => {
  await using world = await openWorld(
    "select id, repeat('x', case id when 2 then 50000 else 1 end) as title from films",
    { maxRequestBytes: 1_000, maxReadingBytes: 2_000 },
  );
  const read: string[] = [];
  let rest: readonly string[] = ["1", "2", "3"];
  while (rest.length > 0) {
    const reading = await world.documents.read(rest, NEVER);
    ok(reading.rest.length < rest.length);
    for (const request of reading.requests) {
      const isLarge = request.entries.some(({ key }) => key === "2");
      equal(requestBody(request).length > 1_000, isLarge);
      equal(isLarge && request.entries.length > 1, false);
    }
    read.push(...keysOf(reading));
    rest = reading.rest;
  }
  deepEqual(read.sort(), ["1", "2", "3"]);
});

Deno.test("recycle() gives the buffer to a later reading, and none is shared by two that are out", async () => {
  await using world = await openWorld("select id, title from films");
  const [first] = (await world.documents.read(["1"], NEVER)).requests;
  const [second] = (await world.documents.read(["2"], NEVER)).requests;
  ok(first !== undefined && second !== undefined);
  ok(first.buffer !== second.buffer);
  world.documents.recycle(first);
  const [third] = (await world.documents.read(["3"], NEVER)).requests;
  equal(third?.buffer, first.buffer);
  const text = new TextDecoder().decode(requestBody(third ?? first));
  ok(text.includes("film 3") && !text.includes("film 1"));
});

/** The version by the formula, in a number that holds it. */
async function versionNow(
  database: Awaited<ReturnType<typeof openDatabase>>,
): Promise<bigint> {
  const [row] = await database.query(
    "select l.lsn::text as lsn, pg_walfile_name(l.lsn) as file from (select pg_current_wal_insert_lsn() as lsn) l",
  );
  const [high = "", low = ""] = row?.lsn?.split("/") ?? [];
  const position = (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
  const timeline = BigInt(`0x${row?.file?.slice(0, 8)}`);
  return (timeline << 51n) + position / 8n;
}

Deno.test("read() numbers each reading by timeline and WAL position, higher after every change", async () => {
  await using world = await openWorld("select id, title from films");
  const { database, documents } = world;
  let before = await versionNow(database);
  for (let turn = 0; turn < 3; turn++) {
    const version = versionOf(await documents.read(keysFrom(1, 25), NEVER));
    ok(before <= version, `${before} <= ${version}`);
    await database.query("update films set title = title || '.' where id = 1");
    const after = await versionNow(database);
    ok(version < after, `${version} < ${after}`);
    before = after;
  }
});

Deno.test("read() numbers a reading higher than a change that was made without waiting for the disk", async () => {
  await using world = await openWorld("select id, title from films");
  const { database, documents } = world;
  await database.query("set synchronous_commit = off");
  let last = versionOf(await documents.read(["1"], NEVER));
  for (let turn = 0; turn < 5; turn++) {
    await database.query("update films set title = title || '.' where id = 1");
    const reading = await documents.read(["1"], NEVER);
    ok(versionOf(reading) > last);
    last = versionOf(reading);
  }
});

Deno.test("read() throws a failure of the query as a whole, and halves nothing", async () => {
  await using database = await openDatabase();
  const { log } = recordLog();
  const drain = AbortSignal.abort(); // so that nothing is tried again
  const source = openSource(database.options, {
    log,
    persister: createPersister("PostgreSQL", { limits: QUICK, log, drain }),
  });
  const documents = openDocuments({
    source,
    plan: planOf("select id, title from films"),
    versions: openVersions(),
    limits: LIMITS,
  });
  await rejects(documents.read(["1", "2"], NEVER), {
    failure: {
      kind: "query-failed",
      query: "document of films",
      code: "42P01",
    },
  });
  await source[Symbol.asyncDispose]();
});

Deno.test("read() throws the reason of the signal that ends it", async () => {
  await using world = await openWorld("select id, title from films");
  const reason = new Error("killed");
  await rejects(
    world.documents.read(["1"], AbortSignal.abort(reason)),
    (error) => error === reason,
  );
});
