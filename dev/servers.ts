import { join } from "node:path";
import { endLeftover } from "./claim.ts";
import {
  type ElasticsearchOptions,
  type ElasticsearchServer,
  startElasticsearch,
} from "./elasticsearch.ts";
import {
  type PostgresOptions,
  type PostgresServer,
  startPostgres,
} from "./postgres.ts";
import { loadExample } from "./example.ts";
import { openFolder } from "./folder.ts";
import { runProgram, showStep, tell } from "./progress.ts";
import { untilStopped } from "./stop_signal.ts";

/** What is started where. */
export interface ServersOptions {
  /** The folder for both servers; data that is there already is used. */
  readonly folder: string;
  readonly postgres?: Omit<PostgresOptions, "folder">;
  readonly elasticsearch?: Omit<ElasticsearchOptions, "folder">;
}

/** Both servers; disposing of it stops them and keeps their data. */
export interface Servers extends AsyncDisposable {
  readonly postgres: PostgresServer;
  readonly elasticsearch: ElasticsearchServer;
}

/**
 * Starts PostgreSQL and Elasticsearch at the same time, telling of the progress.
 * Throws what the first one to fail throws, with the other one stopped.
 */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const { folder } = options;
  const [postgres, elasticsearch] = await Promise.allSettled([
    showStep("Starting PostgreSQL", () =>
      startPostgres({
        ...options.postgres,
        folder: join(folder, "postgres"),
      })),
    showStep("Starting Elasticsearch", () =>
      startElasticsearch({
        ...options.elasticsearch,
        folder: join(folder, "elasticsearch"),
      })),
  ]);
  await using started = new AsyncDisposableStack();
  if (postgres.status === "fulfilled") started.use(postgres.value);
  if (elasticsearch.status === "fulfilled") started.use(elasticsearch.value);
  if (postgres.status === "rejected") throw postgres.reason;
  if (elasticsearch.status === "rejected") throw elasticsearch.reason;
  const kept = started.move();
  return {
    postgres: postgres.value,
    elasticsearch: elasticsearch.value,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/**
 * Removes what servers left in a folder, ending those that a killed run left running.
 * Throws when the run that started them is still there.
 */
export async function removeServers(folder: string): Promise<void> {
  for (const name of ["postgres", "elasticsearch"]) {
    const path = await openFolder(join(folder, name));
    await endLeftover(path);
    await Deno.remove(path, { recursive: true });
  }
}

async function main(): Promise<void> {
  using stopped = untilStopped();
  await using servers = await startServers({ folder: ".servers/dev" });
  const { postgres, elasticsearch } = servers;
  const example = await showStep(
    "Loading the example",
    () => loadExample(postgres.url, "movies_database"),
  );
  tell(`PostgreSQL     ${postgres.url} (superuser)`);
  tell(`example        ${example.url}`);
  tell(`Elasticsearch  ${elasticsearch.url}`);
  tell("Stop them with Ctrl-C.");
  await stopped.promise;
}

if (import.meta.main) await runProgram(main);
