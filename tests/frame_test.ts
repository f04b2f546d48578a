import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Source } from "../src/postgres.ts";
import { readFrame } from "../src/transform.ts";
import { NEVER, openDatabase, openQuickSource } from "./servers.ts";

async function openWorld() {
  const database = await openDatabase();
  const source = openQuickSource(database.options);
  return {
    source,
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** The messages of a statement, as they came. */
async function readMessages(source: Source, sql: string) {
  const messages: Uint8Array[] = [];
  await source.copy({
    label: "messages",
    sql,
    start: () => (message) => messages.push(message.slice()),
  }, NEVER);
  return messages;
}

Deno.test("readFrame() reads the first row behind the header, the others, and no row in the end", async () => {
  await using world = await openWorld();
  const messages = await readMessages(
    world.source,
    `copy (values (2, '{"index"'), (1, '!id_length'), (70000, '')) to stdout with (format binary)`,
  );
  equal(Buffer.from(messages[0] ?? []).toString("latin1", 0, 6), "PGCOPY");
  const frames = messages.map(readFrame).map((frame) =>
    frame?.kind === "operation"
      ? { ...frame, bytes: new TextDecoder().decode(frame.bytes) }
      : frame
  );
  deepEqual(frames.slice(0, 3), [
    { kind: "operation", ordinal: 1, bytes: '{"index"' },
    { kind: "rejection", ordinal: 0, type: "id_length" },
    { kind: "operation", ordinal: 69_999, bytes: "" },
  ]);
  ok(frames.length > 3);
  for (const frame of frames.slice(3)) equal(frame, undefined);
});

Deno.test("readFrame() takes no rows for no frames", async () => {
  await using world = await openWorld();
  const messages = await readMessages(
    world.source,
    "copy (select 1, 'x' where false) to stdout with (format binary)",
  );
  ok(messages.length > 0);
  for (const message of messages) equal(readFrame(message), undefined);
});

Deno.test("readFrame() refuses NULL, another number of fields, and another type", async () => {
  await using world = await openWorld();
  const queries = [
    "select 1, null::text",
    "select null::int, 'x'",
    "select 1, 'x', 'y'",
    "select 'x'",
    "select 1::bigint, 'x'",
  ];
  for (const query of queries) {
    const sql = `copy (${query}) to stdout with (format binary)`;
    const [message] = await readMessages(world.source, sql);
    throws(() => readFrame(message ?? new Uint8Array()), RangeError, query);
  }
});

Deno.test("readFrame() refuses a row that is cut off anywhere", async () => {
  await using world = await openWorld();
  const [, message = new Uint8Array()] = await readMessages(
    world.source,
    "copy (values (1, 'a'), (2, 'abc')) to stdout with (format binary)",
  );
  for (let length = 1; length < message.length; length++) {
    throws(() => readFrame(message.subarray(0, length)), RangeError);
  }
});
