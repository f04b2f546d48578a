import { deepEqual, equal, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { openFolder } from "../../dev/folder.ts";
import {
  canHavePgbouncer,
  type Pgbouncer,
  startPgbouncer,
} from "../../dev/pgbouncer.ts";
import { openSource } from "../../src/postgres.ts";
import { createPersister } from "../../src/retry.ts";
import { ask, failureOf } from "../postgres_fixture.ts";
import { recordLog } from "../recorded_log.ts";
import { openQuickSource, QUICK } from "../servers.ts";
import { loadConfig } from "../../src/config.ts";
import { startAgent } from "./agent_process.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { SMALL_STEPS, untilFollowed, untilFollowing } from "./moments.ts";
import { openWorld, type World } from "./world.ts";

/** What others may have left in a session behind the pooler. */
const SPOILED = [
  "set timezone = 'Asia/Kolkata'",
  "set datestyle = 'German, DMY'",
  "set intervalstyle = sql_standard",
  "set extra_float_digits = -5",
  "set bytea_output = escape",
  "set xmlbinary = hex",
  "set search_path = pg_catalog",
  "set default_transaction_isolation = serializable",
  "set statement_timeout = 1",
  "set lock_timeout = 1",
].join("; ");

const POOL_SIZE = 2;

// pgbouncer is neither installed here nor can it be: that takes root and apt-get
const ignore = !await canHavePgbouncer();

Deno.test(
  "openSource() pins every transaction behind a pooler, and writes nothing",
  { ignore },
  async () => {
    await using world = await openWorld();
    await using _pooler = await usePooler(world);
    const { config } = await loadConfig(world.configFile, {});
    await using source = openQuickSource(config.postgres, recordLog().log);
    const [row] = await ask(
      source,
      `select '2026-02-03 04:05:06+00'::timestamptz::text as stamp,
  '2026-02-03'::date::text as day, (0.1::float8 + 0.2)::text as number,
  '\\xff'::bytea::text as bytes, '1 day 2 hours'::interval::text as span,
  current_setting('transaction_isolation') as isolation,
  current_setting('transaction_read_only') as locked,
  current_setting('statement_timeout') as timeout, current_setting('lock_timeout') as lock_timeout,
  current_setting('search_path') as path`,
    );
    deepEqual(row, {
      stamp: "2026-02-03 04:05:06+00",
      day: "2026-02-03",
      number: "0.30000000000000004",
      bytes: "\\xff",
      span: "1 day 02:00:00",
      isolation: "read committed",
      locked: "on",
      timeout: "1min",
      lock_timeout: "30s",
      path: '"$user", public',
    });
    // a statement that fails leaves no transaction open for the next one
    const label = "document of films";
    const signal = new AbortController().signal;
    deepEqual(await source.describe({ label, sql: "select titel" }, signal), {
      message: 'column "titel" does not exist',
      position: 8,
    });
    ok(
      (await source.explain({ label, sql: "select 1" }, signal)).includes(
        "Plan",
      ),
    );
    deepEqual(await ask(source, "select 1::text as n"), [{ n: "1" }]);
    const drain = AbortSignal.abort(); // so that nothing is tried again
    const { log } = recordLog();
    const persister = createPersister("PostgreSQL", {
      limits: QUICK,
      log,
      drain,
    });
    await using once = openSource(config.postgres, { persister, log });
    const failure = await failureOf(
      ask(once, "delete from content.film_work returning id::text"),
    );
    ok("code" in failure);
    equal(failure.code, "25006");
  },
);

Deno.test(
  "an agent loads and follows two indexes through a pooler in transaction mode",
  { ignore },
  async () => {
    await using world = await openWorld({
      settings: SMALL_STEPS,
      indexes: await twoIndexes(),
    });
    await using _pooler = await usePooler(world);
    await using agent = startAgent(world);
    await untilFollowing(agent);
    await untilFollowing(agent);
    const [row] = await world.sql(
      `select count(*)::text as count from pg_stat_activity
     where datname = current_database() and application_name = 'pg2es'
       and backend_type <> 'walsender'`,
    );
    ok(Number(row?.["count"]) <= POOL_SIZE, `${row?.["count"]} sessions`);
    await untilFollowed(world, "through the pooler");
    agent.kill("SIGTERM");
    const { code, stderr, log } = await agent.ended();
    equal(code, 0, stderr);
    deepEqual(log.filter(({ level }) => level === "error"), []);
    const films = await readFilms(world);
    deepEqual(await indexedFilms(world), films);
    equal((await world.documents("more")).size, films.size);
  },
);

/** The bundled index, and one beside it on the same table. */
async function twoIndexes(): Promise<string> {
  const file = new URL("../../config.yaml", import.meta.url);
  const text = await Deno.readTextFile(file);
  return `${text.slice(text.indexOf("\nindexes:") + "\nindexes:".length)}
  - name: more
    index_config: index_config.json
    document: select id, title from content.film_work
    watch: [{table: content.film_work}]
`;
}

/** Leads the agent of a world through a pooler of its own, but for the lock. */
async function usePooler(world: World): Promise<Pgbouncer> {
  const { hostname, port, pathname } = new URL(world.databaseUrl);
  const { config } = await loadConfig(world.configFile, {});
  const { user, password = "" } = config.postgres;
  const all = fileURLToPath(new URL("../../.servers/", import.meta.url));
  const folder = await openFolder(join(all, `pooler-${crypto.randomUUID()}`));
  const pooler = await startPgbouncer({
    folder,
    server: { hostname, port: Number(port) },
    login: { user, password },
    poolSize: POOL_SIZE,
    connectQuery: SPOILED,
  });
  await world.configure({
    "postgres.host": pooler.hostname,
    "postgres.port": pooler.port,
    "postgres.lock_url": `postgres://${user}@${hostname}:${port}${pathname}`,
  });
  return {
    ...pooler,
    async [Symbol.asyncDispose]() {
      await pooler[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
