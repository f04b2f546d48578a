import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "../dev/command.ts";
import { showStep } from "../dev/progress.ts";
import { type Servers, startServers } from "../dev/servers.ts";
import { openExampleTemplate } from "../tests/integration/example_template.ts";
import { openSession, type Row } from "../tests/integration/session.ts";
import { dropSlots, openWalRole } from "../tests/integration/wal_access.ts";
import { type IndexSearch, openIndexSearch } from "./index_search.ts";
import { makeFilms } from "./films.ts";
import { readCommandsCpuMs, readTreeCpuMs } from "./process_cost.ts";

/** A database of films, and the role that reads it. */
export interface Dataset {
  readonly films: number;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** The superuser's address of the database. */
  readonly url: string;
}

/** A copy of a data set that may be written to; disposing of it removes it. */
export interface Copy extends Dataset, AsyncDisposable {}

/** Both servers, and the data sets on them; disposing of it stops the servers and keeps their data. */
export interface Lab extends AsyncDisposable {
  /** Everything that is written lies in it. */
  readonly folder: string;
  readonly elasticsearchUrl: string;
  readonly search: IndexSearch;
  /** The data set of so many films, made once. */
  openDataset(films: number): Promise<Dataset>;
  /** A copy of it, for a role that may follow the log too where that is wanted. */
  copyDataset(films: number, options?: { byWal: boolean }): Promise<Copy>;
  /** The CPU that was taken so far. */
  readCosts(): Promise<Costs>;
  /** What the servers are. */
  describe(): Promise<Readonly<Record<string, string>>>;
}

/** CPU in milliseconds. */
export interface Costs {
  readonly postgresMs: number;
  readonly elasticsearchMs: number;
  /** Of commands that were run here and have ended. */
  readonly commandsMs: number;
}

const FOLDER = fileURLToPath(new URL("../.servers/bench", import.meta.url));

/** What the data sets are made from: another text is another data set. */
const RECIPES = ["films.sql", "../db/movies_db_schema.ddl"];

const POSTGRES_SETTINGS = { "shared_buffers": "512MB", "max_wal_size": "4GB" };

/**
 * The whole Java machine, as Elasticsearch starts it by itself: nothing is compiled lightly, and garbage is collected by
 * G1. With the serial collector of the tests the circuit breaker counts garbage for use: a heap of 1 GB answered 429 to two
 * requests of 3 MB at once.
 */
const ELASTICSEARCH = {
  heapMb: 2_048,
  javaOptions: ["-XX:-UseSerialGC", "-XX:+UseG1GC"],
};

/** Starts the servers of the bench on the data that an earlier run left. */
export async function openLab(): Promise<Lab> {
  if (await findProgram("setpriv") === undefined) {
    throw new Error(
      "Cannot measure: setpriv is missing. It is in util-linux; this runs on Linux only",
    );
  }
  await Deno.mkdir(FOLDER, { recursive: true });
  const servers = await startServers({
    folder: FOLDER,
    postgres: { settings: POSTGRES_SETTINGS },
    elasticsearch: ELASTICSEARCH,
  });
  const { postgres, elasticsearch } = servers;
  const search = openIndexSearch(elasticsearch.url);
  const hash = await hashRecipes();

  async function openDataset(films: number): Promise<Dataset> {
    const { agent, database: example } = await openExampleTemplate(
      postgres.url,
    );
    const database = `films_${films}_${hash}`;
    const url = withDatabase(postgres.url, database);
    // it is marked as a template once it is whole
    const found = await runSql(
      postgres.url,
      "select from pg_database where datname = $1 and datistemplate",
      [database],
    );
    if (found.length === 0) {
      await showStep(`Making ${films} films`, async () => {
        await runSql(postgres.url, `drop database if exists ${database}`);
        await runSql(
          postgres.url,
          `create database ${database} template ${example}`,
        );
        await runSql(
          url,
          "truncate content.film_work, content.person, content.genre cascade",
        );
        await makeFilms(url, films);
        await runSql(
          postgres.url,
          `alter database ${database} is_template true`,
        );
      });
    }
    const { hostname: host, port } = postgresPlace(servers);
    return { films, host, port, database, ...agent, url };
  }

  async function copyDataset(
    films: number,
    { byWal } = { byWal: false },
  ): Promise<Copy> {
    const dataset = await openDataset(films);
    const database = "films_copy";
    const remove = async () => {
      await dropSlots(postgres.url, database);
      await runSql(
        postgres.url,
        `drop database if exists ${database} with (force)`,
      );
    };
    await remove();
    await runSql(
      postgres.url,
      `create database ${database} template ${dataset.database}`,
    );
    return {
      ...dataset,
      ...(byWal ? await openWalRole(postgres.url) : {}),
      database,
      url: withDatabase(postgres.url, database),
      async [Symbol.asyncDispose]() {
        await remove();
      },
    };
  }

  return {
    folder: FOLDER,
    elasticsearchUrl: elasticsearch.url,
    search,
    openDataset,
    copyDataset,
    async readCosts() {
      const lines = await Deno.readTextFile(
        join(postgres.dataFolder, "postmaster.pid"),
      );
      const [postgresMs, elasticsearchMs, commandsMs] = await Promise.all([
        readTreeCpuMs(Number(lines.split("\n")[0])),
        readTreeCpuMs(elasticsearch.pid),
        readCommandsCpuMs(),
      ]);
      return { postgresMs, elasticsearchMs, commandsMs };
    },
    async describe() {
      const [row] = await runSql(postgres.url, "show server_version");
      return {
        postgres: row?.["server_version"] ?? "",
        elasticsearch: await search.version(),
      };
    },
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  };
}

function postgresPlace(
  { postgres }: Servers,
): { hostname: string; port: number } {
  return { hostname: new URL(postgres.url).hostname, port: postgres.port };
}

async function hashRecipes(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of RECIPES) {
    hash.update(await Deno.readTextFile(new URL(name, import.meta.url)));
  }
  return hash.digest("hex").slice(0, 8);
}

function withDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

/** Runs one statement as the superuser on a connection of its own. */
export async function runSql(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  await using session = await openSession(url);
  return await session.sql(text, values);
}
