import { deepEqual, equal, ok } from "node:assert/strict";
import { type Documents, openDocuments } from "../src/documents.ts";
import type { Key } from "../src/keys.ts";
import type { RefusedDocument } from "../src/operations.ts";
import { openVersions } from "../src/versions.ts";
import { openWorld as openSourceWorld } from "./postgres_fixture.ts";
import { NEVER } from "./servers.ts";

const KEY = [{ name: "id", type: "integer" }];
const LIMITS = { maxRequestBytes: 10_000, maxReadingBytes: 100_000 };
const KEYS = Array.from({ length: 20 }, (_, n) => String(n + 1));

Deno.test("read() refuses the one document that takes too long, and reads all others", async () => {
  await using world = await openWorld(
    "select id, case when id = 7 then pg_sleep(60)::text end as title from films",
    { statementTimeoutMs: 150 },
  );
  const { readKeys, rejections } = await readAll(world.documents);
  deepEqual(
    rejections.map(({ key, type }) => [key, type]),
    [["7", "statement_timeout"]],
  );
  equal(readKeys.size, KEYS.length - 1);
});

Deno.test("read() reads less at once after a timeout, and refuses nothing that can be read alone", async () => {
  await using world = await openWorld(
    "select id, pg_sleep(0.05)::text as title from films",
    { statementTimeoutMs: 500 },
  );
  const { readKeys, rejections } = await readAll(world.documents);
  deepEqual(rejections, []);
  equal(readKeys.size, KEYS.length);
  const { rest } = await world.documents.read(KEYS, NEVER);
  ok(rest.length > 0, "it does not run into the timeout again");
});

Deno.test("read() reads as much at once as before when there is time again", async () => {
  await using world = await openWorld(
    "select id, pg_sleep(pause)::text as title from films",
    { statementTimeoutMs: 500 },
  );
  await world.database.query("update films set pause = 0.05");
  await readAll(world.documents);
  await world.database.query("update films set pause = 0");
  while ((await world.documents.read(KEYS, NEVER)).rest.length > 0);
});

async function openWorld(
  sql: string,
  options: { statementTimeoutMs: number },
) {
  const world = await openSourceWorld(options);
  await world.database.query(
    "create table films (id int primary key, pause float8 default 0)",
  );
  await world.database.query(
    "insert into films select n from generate_series(1, 20) n",
  );
  const stamp = {
    name: "updated_at",
    type: "timestamp with time zone",
    kind: "instant",
    timeZone: "UTC",
  } as const;
  const root = { label: "films", from: "films", stamp, key: KEY };
  const documents = openDocuments({
    source: world.source,
    plan: {
      name: "films",
      document: {
        sql,
        label: "document of films",
        key: KEY,
        fields: ["id", "title"],
        agentColumns: new Set<"_deleted" | "_routing">(),
      },
      root,
      tables: [root],
      lookbackMs: 0,
      pageSize: 1_000,
    },
    versions: openVersions(),
    limits: LIMITS,
  });
  return { ...world, documents };
}

/** Reads {@linkcode KEYS} to their end, as a pass does. */
async function readAll(documents: Documents) {
  const readKeys = new Set<Key>();
  const rejections: RefusedDocument[] = [];
  let rest: readonly Key[] = KEYS;
  while (rest.length > 0) {
    const reading = await documents.read(rest, NEVER);
    for (const { entries } of reading.requests) {
      for (const { key } of entries) readKeys.add(key);
    }
    rejections.push(...reading.rejections);
    rest = reading.rest;
  }
  return { readKeys, rejections };
}
