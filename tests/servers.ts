// @ts-types="@types/pg"
import pg from "pg";
import { z } from "zod";
import { type Cluster, openCluster } from "../src/elasticsearch.ts";
import { openSource, type Source } from "../src/postgres.ts";
import type { PostgresOptions } from "../src/postgres_session.ts";
import { createPersister, type Persister } from "../src/retry.ts";
import { recordLog } from "./recorded_log.ts";

const Address = z.url({
  error: "Cannot reach the servers to test with: PG2ES_TEST_POSTGRES or " +
    "PG2ES_TEST_ELASTICSEARCH is not set, run `deno task test`",
});

/** A row as the driver gives it, every value text or null. */
const Row = z.record(z.string(), z.string().nullable());

/** Delays that make a test wait for nothing. */
export const QUICK = { minDelayMs: 1, maxDelayMs: 4, multiplier: 2 };

/** A signal that is never aborted. */
export const NEVER: AbortSignal = new AbortController().signal;

/** A database of a test's own, dropped with everything in it when the test ends. */
export interface TestDatabase extends AsyncDisposable {
  readonly options: PostgresOptions;
  /** Runs SQL as the superuser, on a connection of its own. */
  query(
    sql: string,
    values?: readonly unknown[],
  ): Promise<Record<string, string | null>[]>;
}

/** A name that no other test uses. */
export function uniqueName(): string {
  return `t_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
}

/** A persister that tries again at once, and whose run is never drained. */
export function quickPersister(
  server: Parameters<typeof createPersister>[0],
  log = recordLog().log,
): Persister {
  return createPersister(server, { limits: QUICK, log, drain: NEVER });
}

/** Makes a database of the test's own. */
export async function openDatabase(): Promise<TestDatabase> {
  const url = new URL(Address.parse(Deno.env.get("PG2ES_TEST_POSTGRES")));
  const admin = await connect(url);
  const name = uniqueName();
  await admin.query(`create database ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  const client = await connect(own);
  return {
    options: {
      host: url.hostname,
      port: Number(url.port),
      database: name,
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      ssl: false,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 30_000,
    },
    async query(sql, values = []) {
      const result = await client.query(sql, [...values]);
      return Row.array().parse(result.rows ?? []);
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

/** The agent's view of a database. */
export function openQuickSource(
  options: PostgresOptions,
  log = recordLog().log,
): Source {
  return openSource(options, {
    persister: quickPersister("PostgreSQL", log),
    log,
  });
}

/** Elasticsearch, and an index name of the test's own: what begins with it is deleted when the test ends. */
export interface TestCluster extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly index: string;
  /** The answer to a request as it came, whatever its status. */
  fetch(
    method: string,
    path: string,
    body?: Readonly<Record<string, unknown>>,
  ): Promise<Record<string, unknown>>;
}

/** Opens Elasticsearch for one test. */
export function openTestCluster(log = recordLog().log): TestCluster {
  const node = Address.parse(Deno.env.get("PG2ES_TEST_ELASTICSEARCH"));
  const persister = quickPersister("Elasticsearch", log);
  const cluster = openCluster(
    { nodes: [node], requestTimeoutMs: 30_000 },
    persister,
  );
  const index = uniqueName();
  const fetchJson: TestCluster["fetch"] = async (method, path, body) => {
    const response = await fetch(new URL(path, node), {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return z.record(z.string(), z.unknown()).parse(await response.json());
  };
  return {
    cluster,
    index,
    fetch: fetchJson,
    async [Symbol.asyncDispose]() {
      const found = await fetchJson(
        "GET",
        `/${index}*?expand_wildcards=all&filter_path=*.settings.index.uuid`,
      );
      for (const name of Object.keys(found)) {
        await fetchJson("DELETE", `/${name}`);
      }
      await cluster[Symbol.asyncDispose]();
    },
  };
}

async function connect(url: URL): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url.href,
    types: { getTypeParser: () => (value: string) => value },
  });
  await client.connect();
  return client;
}
