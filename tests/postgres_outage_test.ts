import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { z } from "zod";
import { EtlError } from "../src/failure.ts";
import { openSource } from "../src/postgres.ts";
import { createPersister } from "../src/retry.ts";
import { ask, failureOf, openWorld, untilFound } from "./postgres_fixture.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, openDatabase, QUICK } from "./servers.ts";

Deno.test("query() asks again when its rows are not as expected", async () => {
  await using world = await openWorld();
  const told = Promise.withResolvers<void>();
  const draining = new AbortController();
  const { log, lines } = recordLog();
  const source = openSource(world.database.options, {
    log,
    persister: createPersister("PostgreSQL", {
      limits: QUICK,
      drain: draining.signal,
      log: {
        ...log,
        warning(message, fields) {
          log.warning(message, fields);
          told.resolve();
        },
      },
    }),
  });
  const statement = {
    label: "keys of films",
    sql: "select 'secret value' as id",
    row: z.object({ id: z.string().regex(/^\d+$/) }),
  };
  const asked = source.query(statement, { signal: NEVER });
  const failed = rejects(asked);
  await told.promise;
  draining.abort();
  await failed;
  await source[Symbol.asyncDispose]();
  const { error } = lines[0]?.fields ?? {};
  ok(error instanceof EtlError);
  deepEqual(error.failure, {
    kind: "answer-invalid",
    server: "PostgreSQL",
    detail: "rows of keys of films are not as expected: 0.id: invalid_format",
  });
  ok(!error.message.includes("secret"));
});

Deno.test("openSource() tells at once what is refused at the login, and what to do", async () => {
  const cases = [
    { database: "t_missing", code: "3D000", hint: /postgres\.database/ },
    {
      user: "t_nobody",
      password: "wrong",
      code: "28P01",
      hint: /postgres\.user/,
    },
    { ssl: {}, code: "no TLS", hint: /postgres\.ssl/ },
  ];
  for (const { code, hint, ...options } of cases) {
    await using world = await openWorld(options);
    const failure = await failureOf(ask(world.source, "select 1"));
    equal(failure.kind, "server-refused");
    ok("hint" in failure);
    equal(failure.code, code);
    match(failure.hint, hint);
    deepEqual(world.lines, []);
  }
});

Deno.test("query() asks again on a new connection when its own is terminated", async () => {
  await using world = await openWorld();
  const { database, source, lines } = world;
  await database.query("create table gate (open boolean)");
  await database.query("insert into gate values (false)");
  const waiting = ask(
    source,
    "select pg_sleep(case when open then 0 else 60 end)::text as slept from gate",
  );
  await untilFound(
    database,
    "select 1 from pg_stat_activity where application_name = 'pg2es' and wait_event = 'PgSleep'",
  );
  await database.query("update gate set open = true");
  await database.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pg2es' and datname = current_database()",
  );
  deepEqual(await waiting, [{ slept: "" }]);
  deepEqual(
    lines.filter(({ level }) => level !== "debug").map((line) => line.message),
    ["connection lost, trying again", "connection is back"],
  );
});

Deno.test("copy() begins anew after a lost connection, with a new row function", async () => {
  await using world = await openWorld();
  const { database, source } = world;
  await database.query("create table gate (open boolean)");
  await database.query("insert into gate values (false)");
  const counts: number[] = [];
  const copied = source.copy({
    label: "document of films",
    sql: `copy (
  select 'row', case when n = 2 and not open then pg_sleep(60)::text end
  from generate_series(1, 3) n, gate
) to stdout`,
    start: () => {
      const place = counts.push(0) - 1;
      return () => {
        counts[place] = (counts[place] ?? 0) + 1;
      };
    },
  }, NEVER);
  await untilFound(
    database,
    "select 1 from pg_stat_activity where application_name = 'pg2es' and wait_event = 'PgSleep'",
  );
  await database.query("update gate set open = true");
  await database.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pg2es' and datname = current_database()",
  );
  await copied;
  equal(counts.length, 2);
  equal(counts[1], 3);
});

Deno.test("an abort ends the connection, and with it the statement", async () => {
  await using world = await openWorld();
  const { database, source } = world;
  const killing = new AbortController();
  const reason = new Error("killed");
  let count = 0;
  const copied = source.copy({
    label: "document of films",
    sql:
      "copy (select repeat('x', 1000) from generate_series(1, 10000) a, generate_series(1, 10000) b) to stdout",
    start: () => () => {
      if (++count === 10) killing.abort(reason);
    },
  }, killing.signal);
  await rejects(copied, (error) => error === reason);
  await untilFound(
    database,
    `select 1 where not exists (
  select from pg_stat_activity
  where application_name = 'pg2es' and datname = current_database() and state = 'active'
)`,
  );
});

Deno.test("a statement that takes too long is ended by PostgreSQL, and asked again", async () => {
  await using world = await openWorld({ statementTimeoutMs: 100 });
  const { database, source, lines } = world;
  await database.query("create table gate (open boolean)");
  await database.query("insert into gate values (false)");
  const asked = ask(
    source,
    "select pg_sleep(case when open then 0 else 60 end)::text as slept from gate",
  );
  while (lines.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await database.query("update gate set open = true");
  deepEqual(await asked, [{ slept: "" }]);
  const { error } = lines[0]?.fields ?? {};
  ok(error instanceof EtlError);
  deepEqual(error.failure, {
    kind: "server-unavailable",
    server: "PostgreSQL",
    code: "57014",
  });
});

Deno.test("copy() tells a statement that takes too long from one that was cancelled", async () => {
  await using world = await openWorld({ statementTimeoutMs: 500 });
  const { database, source, lines } = world;
  const label = "document of films";
  const copy = (sql: string) =>
    source.copy(
      { label, sql: `copy (${sql}) to stdout`, start: () => () => {} },
      NEVER,
    );
  const failure = await failureOf(copy("select pg_sleep(60)"));
  deepEqual(failure, { kind: "statement-timeout", query: label });
  deepEqual(lines, []);

  await database.query("create table gate (open boolean)");
  await database.query("insert into gate values (false)");
  const copied = copy(
    "select pg_sleep(case when open then 0 else 60 end) from gate",
  );
  await untilFound(
    database,
    "select 1 from pg_stat_activity where application_name = 'pg2es' and wait_event = 'PgSleep' and datname = current_database()",
  );
  await database.query("update gate set open = true");
  await database.query(
    "select pg_cancel_backend(pid) from pg_stat_activity where application_name = 'pg2es' and datname = current_database()",
  );
  await copied;
});

Deno.test("copy() waits for a lock, and takes it for no statement that is too slow", async () => {
  await using world = await openWorld({ statementTimeoutMs: 400 });
  const { database, source, lines } = world;
  await database.query("create table films (id int)");
  await database.query("begin");
  await database.query("lock table films in access exclusive mode");
  let count = 0;
  const copied = source.copy({
    label: "document of films",
    sql: "copy (select count(*) from films) to stdout",
    start: () => () => {
      count++;
    },
  }, NEVER);
  while (lines.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await database.query("commit");
  await copied;
  equal(count, 1);
  const { error } = lines[0]?.fields ?? {};
  ok(error instanceof EtlError);
  deepEqual(error.failure, {
    kind: "server-unavailable",
    server: "PostgreSQL",
    code: "55P03",
  });
});

Deno.test("openSource() waits for a server that is not there yet", async () => {
  await using database = await openDatabase();
  const { log, lines } = recordLog();
  const draining = new AbortController();
  const told = Promise.withResolvers<void>();
  const vacant = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = vacant.addr;
  vacant.close();
  const persister = createPersister("PostgreSQL", {
    limits: QUICK,
    drain: draining.signal,
    log: {
      ...log,
      warning(message, fields) {
        log.warning(message, fields);
        told.resolve();
      },
    },
  });
  const source = openSource({ ...database.options, port }, { persister, log });
  const failed = rejects(ask(source, "select 1"));
  await told.promise;
  draining.abort();
  await failed;
  await source[Symbol.asyncDispose]();
  const { error } = lines[0]?.fields ?? {};
  ok(error instanceof EtlError);
  deepEqual(error.failure, {
    kind: "server-unavailable",
    server: "PostgreSQL",
    code: "ECONNREFUSED",
  });
});
