import { deepEqual, rejects } from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { arrayText } from "../src/array_text.ts";
import { quoteIdentifier, quoteLiteral } from "../src/postgres.ts";
import { ask, failureOf, openOnce, openWorld } from "./postgres_fixture.ts";
import { NEVER, openDatabase, openQuickSource, uniqueName } from "./servers.ts";

/** All that PostgreSQL can hold, which is all but NUL and lone surrogates. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("'", '"', "\\", ",", "{", "}", " ", "N") }),
).map((text) => text.replaceAll("\0", "")).filter((text) =>
  text.isWellFormed()
);

Deno.test("arrayText() is read by PostgreSQL as the same texts, whatever they are", async () => {
  await using world = await openWorld();
  await fc.assert(
    fc.asyncProperty(fc.array(text), async (items) => {
      const rows = await ask(
        world.source,
        "select item from unnest($1::text[]) with ordinality u(item, n) order by n",
        { values: [arrayText(items)] },
      );
      deepEqual(rows.map(({ item }) => item), items);
    }),
    { examples: [[["", "NULL", "null", " a ", "a,b", "{", "\\", '"', "\n"]]] },
  );
});

Deno.test("quoteLiteral() and quoteIdentifier() stand any text", async () => {
  await using world = await openWorld();
  // PostgreSQL cuts a name off at 63 bytes, and an object has no field __proto__
  const name = text.filter((name) =>
    name !== "" && name !== "__proto__" &&
    new TextEncoder().encode(name).length < 64
  );
  await fc.assert(
    fc.asyncProperty(text, name, async (text, name) => {
      const [row] = await ask(
        world.source,
        `select ${quoteLiteral(text)} as ${quoteIdentifier(name)}`,
      );
      deepEqual(Object.entries(row ?? {}), [[name, text]]);
    }),
    { examples: [["'; drop table films; --", '"x"']] },
  );
});

Deno.test("query() gives every value as PostgreSQL's own text", async () => {
  await using world = await openWorld();
  const [row] = await ask(
    world.source,
    `select 9007199254740993::bigint as big, 0.10::numeric as exact, true as yes,
  null as nothing, '2026-01-01 00:00:00.123456+03'::timestamptz as at, '{"a": 1}'::json as raw,
  $1::text as given, $2::text[] as many`,
    { values: [null, ["a", "b"]] },
  );
  deepEqual(row, {
    big: "9007199254740993",
    exact: "0.10",
    yes: "t",
    nothing: null,
    at: "2025-12-31 21:00:00.123456+00",
    raw: '{"a": 1}',
    given: null,
    many: "{a,b}",
  });
});

Deno.test("openSource() pins the session, whatever the settings of the role", async () => {
  await using database = await openDatabase();
  const role = uniqueName();
  await database.query(`create role ${role} login password 'secret'`);
  try {
    const settings = {
      datestyle: "'German, DMY'",
      timezone: "'Asia/Kolkata'",
      "extra_float_digits": "-5",
      "bytea_output": "escape",
      intervalstyle: "sql_standard",
      xmlbinary: "hex",
      "default_transaction_isolation": "serializable",
      "default_transaction_read_only": "off",
      "client_encoding": "latin1",
      "standard_conforming_strings": "off",
      jit: "on",
    };
    for (const [name, value] of Object.entries(settings)) {
      await database.query(`alter role ${role} set ${name} = ${value}`);
    }
    const source = openQuickSource({
      ...database.options,
      user: role,
      password: "secret",
    });
    try {
      const [row] = await ask(
        source,
        `select '2026-02-03 04:05:06+00'::timestamptz::text as stamp,
  '2026-02-03'::date::text as day, (0.1::float8 + 0.2)::text as number,
  '\\xff'::bytea::text as bytes, '1 day 2 hours'::interval::text as span,
  'a\\b' as slash, '€' as euro, current_setting('transaction_isolation') as isolation,
  current_setting('transaction_read_only') as locked, current_setting('jit') as jit`,
      );
      deepEqual(row, {
        stamp: "2026-02-03 04:05:06+00",
        day: "2026-02-03",
        number: "0.30000000000000004",
        bytes: "\\xff",
        span: "1 day 02:00:00",
        slash: "a\\b",
        euro: "€",
        isolation: "read committed",
        locked: "on",
        jit: "off",
      });
    } finally {
      await source[Symbol.asyncDispose]();
    }
  } finally {
    await database.query(`drop role ${role}`);
  }
});

Deno.test("query() keeps the plan of a repeated statement for its connection, and of no other", async () => {
  await using world = await openOnce();
  const repeated = {
    label: "numbers",
    sql: "select n::text as n from generate_series(1, 2) n",
    row: z.object({ n: z.string() }),
    isRepeated: true,
  };
  for (let time = 0; time < 3; time++) {
    const rows = await world.source.query(repeated, { signal: NEVER });
    deepEqual(rows, [{ n: "1" }, { n: "2" }]);
  }
  const kept = await ask(
    world.source,
    "select statement from pg_prepared_statements",
  );
  deepEqual(kept, [{ statement: repeated.sql }]);
});

Deno.test("openSource() writes nothing", async () => {
  await using world = await openOnce();
  await world.database.query("create table films (id int)");
  const failure = await failureOf(
    ask(world.source, "insert into films values (1)"),
  );
  deepEqual(failure, {
    kind: "query-failed",
    query: "document of films",
    code: "25006",
  });
});

Deno.test("describe() tells the columns of a query and reads no row", async () => {
  await using world = await openWorld();
  const label = "document of films";
  const sql = `select 1 as id, 'x'::text as title, 1 / (n - n) as broken
from generate_series(1, 3) n
where n::text = any($1) -- the end`;
  const columns = await world.source.describe(
    { label, sql, parameterCount: 1 },
    NEVER,
  );
  deepEqual(columns, [
    { name: "id", typeId: 23 },
    { name: "title", typeId: 25 },
    { name: "broken", typeId: 23 },
  ]);
});

Deno.test("describe() tells in PostgreSQL's words what is wrong, and where in the query", async () => {
  await using world = await openWorld();
  const describe = (sql: string) =>
    world.source.describe({ label: "document", sql }, NEVER);
  deepEqual(await describe("select 1,\n  titel"), {
    message: 'column "titel" does not exist',
    position: 13,
  });
  deepEqual(await describe("selec 1"), {
    message: 'syntax error at or near "1"',
    position: 7,
  });
  deepEqual(await describe("select 1 as id from films"), {
    message: 'relation "films" does not exist',
    position: 21,
  });
  // what is wrong stands behind the query, so no place in it is told
  deepEqual(await describe("select (1"), {
    message: "syntax error at end of input",
  });
});

Deno.test("query() names the query that fails, and copy() tells a broken row from a broken query", async () => {
  await using world = await openOnce();
  const label = "document of films";
  const kinds = [
    ["select titel", "query-failed", "42703"],
    ["select 1 / 0", "document-failed", "22012"],
    ["select 'x'::int", "document-failed", "22P02"],
    [
      "select (select 1 from generate_series(1, 2))",
      "document-failed",
      "21000",
    ],
  ] as const;
  for (const [sql, kind, code] of kinds) {
    deepEqual(await failureOf(ask(world.source, sql)), {
      kind: "query-failed",
      query: label,
      code,
    });
    const copied = world.source.copy({
      label,
      sql: `copy (${sql}) to stdout with (format binary)`,
      start: () => () => {},
    }, NEVER);
    deepEqual(await failureOf(copied), { kind, query: label, code });
  }
  // the connection is as good as before
  deepEqual(await ask(world.source, "select 1::text as n"), [{ n: "1" }]);
});

Deno.test("copy() throws what the row function throws, as it is, and the source goes on", async () => {
  await using world = await openWorld();
  const fault = new RangeError("this row is not as it must be");
  await rejects(
    world.source.copy({
      label: "document of films",
      sql: "copy (select n from generate_series(1, 1000) n) to stdout",
      start: () => () => {
        throw fault;
      },
    }, NEVER),
    (error) => error === fault,
  );
  deepEqual(await ask(world.source, "select 1::text as n"), [{ n: "1" }]);
});

Deno.test("copy() names the query when a row breaks it", async () => {
  await using world = await openWorld();
  const failure = await failureOf(world.source.copy({
    label: "document of films",
    sql:
      "copy (select 1 / (n - 500) from generate_series(1, 1000) n) to stdout",
    start: () => () => {},
  }, NEVER));
  deepEqual(failure, {
    kind: "document-failed",
    query: "document of films",
    code: "22012",
  });
});
