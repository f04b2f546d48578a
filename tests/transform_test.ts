import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { joinKey, type Key } from "../src/keys.ts";
import type { DocumentPlan } from "../src/plan.ts";
import type { Source } from "../src/postgres.ts";
import { copyStatement, type Frame, readFrame } from "../src/transform.ts";
import {
  NEVER,
  openDatabase,
  openQuickSource,
  type TestDatabase,
} from "./servers.ts";

/** Texts that quoting has to stand: all that PostgreSQL can hold, which is all but NUL and lone surrogates. */
const text = fc.string({ unit: "binary", minLength: 1, maxLength: 40 })
  .map((text) => text.replaceAll("\0", "0"))
  .filter((text) => text.isWellFormed() && text.length > 0);

const HOSTILE = ["'", '"', "\\", "{}", "NULL", "a,b", "''", "\\'", "$1", "$$"]
  .concat("a\nb", "\r", "\t", " ", "|", "\\|", "--", "/*", "%s", "é", "😀")
  .concat("'; drop table films; --", "x".repeat(512), "\u2028", "\u0001");

const LIMITS = { version: "123456789", maxDocumentBytes: 1_000_000 };

function planOf(
  sql: string,
  { key = [{ name: "id", type: "text" }], fields = ["id", "title"], ...rest }:
    Partial<DocumentPlan> = {},
): DocumentPlan {
  const label = "document of films";
  return { sql, label, key, fields, agentColumns: new Set(), ...rest };
}

async function openWorld() {
  const database = await openDatabase();
  const source = openQuickSource(database.options);
  return {
    database,
    source,
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** The frames of a statement, in the order of the keys; an operation's bytes as text. */
async function readFrames(source: Source, sql: string) {
  const frames: { ordinal: number; text: string; kind: Frame["kind"] }[] = [];
  await source.copy({
    label: "document of films",
    sql,
    start: () => (message) => {
      const frame = readFrame(message);
      if (frame === undefined) return;
      const text = frame.kind === "operation"
        ? new TextDecoder().decode(frame.bytes)
        : frame.kind === "rejection"
        ? frame.type
        : frame.kind;
      frames.push({ kind: frame.kind, ordinal: frame.ordinal, text });
    },
  }, NEVER);
  return frames.sort((one, other) => one.ordinal - other.ordinal);
}

const Action = z.strictObject({
  _id: z.string(),
  version: z.literal(123456789),
  version_type: z.literal("external_gte"),
  routing: z.string().optional(),
});

const ActionLine = z.union([
  z.strictObject({ index: Action }),
  z.strictObject({ delete: Action }),
]);

/** The action and the source of an operation, which ends its last line. */
function parseOperation(text: string) {
  const lines = text.split("\n");
  equal(lines.pop(), "");
  const [action = "", body, ...more] = lines;
  deepEqual(more, []);
  return {
    action: ActionLine.parse(JSON.parse(action)),
    body: body === undefined ? undefined : JSON.parse(body),
  };
}

async function fillFilms(database: TestDatabase, keys: readonly Key[]) {
  await database.query("create table films (id text primary key, title text)");
  await database.query(
    "insert into films select k, 'title of ' || k from unnest($1::text[]) k",
    [keys],
  );
}

Deno.test("copyStatement() reads each document by a key that no quoting can harm", async () => {
  await using world = await openWorld();
  const keys = [...new Set([...HOSTILE, ...fc.sample(text, 300)])];
  await fillFilms(world.database, keys);
  const plan = planOf("select id, title from films");
  const sql = copyStatement(plan, { keys, ...LIMITS });
  const frames = await readFrames(world.source, sql);
  equal(frames.length, keys.length);
  const short = keys.map((key) => new TextEncoder().encode(key).length <= 512);
  for (const { ordinal, kind, text } of frames) {
    const key = keys[ordinal] ?? "";
    equal(kind, short[ordinal] ? "operation" : "rejection");
    if (kind === "rejection") continue;
    const { action, body } = parseOperation(text);
    equal("index" in action && action.index._id, key);
    deepEqual(body, { id: key, title: `title of ${key}` });
  }
  const [{ count } = {}] = await world.database.query(
    "select count(*) from films",
  );
  equal(Number(count), keys.length);
});

Deno.test("copyStatement() makes the id of a key of several columns as joinKey() does", async () => {
  await using world = await openWorld();
  const { database, source } = world;
  await database.query("create table films (id text, place int)");
  const parts = HOSTILE.filter((text) => text.length < 100)
    .map((text, place) => [text, String(place)]);
  const keys = parts.map(joinKey);
  await database.query(
    "insert into films select * from unnest($1::text[], $2::int[])",
    [parts.map(([id]) => id), parts.map(([, place]) => place)],
  );
  const key = [
    { name: "id", type: "text" },
    { name: "place", type: "integer" },
  ];
  const fields = ["id", "place"];
  const plan = planOf("select id, place from films", { key, fields });
  const sql = copyStatement(plan, { keys, ...LIMITS });
  const frames = await readFrames(source, sql);
  deepEqual(
    frames.map(({ text }) => {
      const { action, body } = parseOperation(text);
      return ["index" in action && action.index._id, body];
    }),
    keys.map((key, place) => [key, { id: parts[place]?.[0], place }]),
  );
});

Deno.test("copyStatement() deletes what the query does not show, or shows as deleted", async () => {
  await using world = await openWorld();
  const { database, source } = world;
  await fillFilms(database, ["there", "soft", "unsaid"]);
  const sql = `select id, title,
  case id when 'soft' then true when 'there' then false end as _deleted
from films -- the end`;
  const agentColumns = new Set(["_deleted"] as const);
  const keys = ["gone", "soft", "there", "unsaid"];
  const statement = copyStatement(planOf(sql, { agentColumns }), {
    keys,
    ...LIMITS,
  });
  const operations = (await readFrames(source, statement))
    .map(({ text }) => parseOperation(text));
  deepEqual(
    operations.map(({ action }) => Object.keys(action)[0]),
    ["delete", "delete", "index", "index"],
  );
  deepEqual(operations[2]?.body, { id: "there", title: "title of there" });
  equal(operations[1]?.body, undefined);
});

Deno.test("copyStatement() puts the routing into the action and not into the document", async () => {
  await using world = await openWorld();
  await fillFilms(world.database, ["a", "b"]);
  const sql =
    `select id, title, case id when 'a' then 'x "y"' end as _routing from films`;
  const agentColumns = new Set(["_routing"] as const);
  const plan = planOf(sql, { agentColumns });
  const statement = copyStatement(plan, { keys: ["a", "b"], ...LIMITS });
  const [first, second] = (await readFrames(world.source, statement))
    .map(({ text }) => parseOperation(text));
  equal(
    first && "index" in first.action && first.action.index.routing,
    'x "y"',
  );
  deepEqual(first?.body, { id: "a", title: "title of a" });
  equal(
    second && "index" in second.action && "routing" in second.action.index,
    false,
  );
});

Deno.test("copyStatement() leaves no raw newline inside a document", async () => {
  await using world = await openWorld();
  const sql = `select k as id, E'{"a":\\n1}'::json as raw,
  (select json_agg(t) from (values (1), (2)) t(n)) as many, E'x\\ny' as line
from unnest(array['1']) k`;
  const fields = ["id", "raw", "many", "line"];
  const statement = copyStatement(planOf(sql, { fields }), {
    keys: ["1"],
    ...LIMITS,
  });
  const [frame] = await readFrames(world.source, statement);
  deepEqual(parseOperation(frame?.text ?? "").body, {
    id: "1",
    raw: { a: 1 },
    many: [{ n: 1 }, { n: 2 }],
    line: "x\ny",
  });
});

Deno.test("copyStatement() rejects an id that Elasticsearch would refuse, and a document that is too large", async () => {
  await using world = await openWorld();
  const keys = ["", "é".repeat(256), "é".repeat(257), "large", "fits"];
  await fillFilms(world.database, keys);
  const plan = planOf(
    "select id, case id when 'large' then repeat('x', 2000) end as title from films",
  );
  const sql = copyStatement(plan, { keys, ...LIMITS, maxDocumentBytes: 1_000 });
  const frames = await readFrames(world.source, sql);
  deepEqual(
    frames.map(({ kind, text }) => kind === "rejection" ? text : kind),
    [
      "id_length",
      "operation",
      "id_length",
      "document_too_large",
      "operation",
    ],
  );
});

Deno.test("copyStatement() deletes no document that no index can have", async () => {
  await using world = await openWorld();
  await fillFilms(world.database, ["a"]);
  const keys = ["", "x".repeat(513), "gone", "a"];
  const plan = planOf("select id, title from films");
  const sql = copyStatement(plan, { keys, ...LIMITS });
  const frames = await readFrames(world.source, sql);
  deepEqual(
    frames.map(({ kind, text }) => [kind, text.slice(0, 9)]),
    [
      ["nothing", "nothing"],
      ["nothing", "nothing"],
      ["operation", '{"delete"'],
      ["operation", '{"index":'],
    ],
  );
});

Deno.test("copyStatement() refuses a version that is no number", () => {
  const plan = planOf("select 1");
  throws(
    () => copyStatement(plan, { keys: ["a"], ...LIMITS, version: "1; drop" }),
    SyntaxError,
  );
});
