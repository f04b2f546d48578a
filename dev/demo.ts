import { agentFlags } from "./agent_flags.ts";
import { parse } from "@std/yaml";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { endLeftover } from "./claim.ts";
import { type FilmDatabase, openFilmDatabase } from "./demo_postgres.ts";
import {
  type Found,
  searchActor,
  searchAll,
  searchWord,
} from "./demo_search.ts";
import { type Example, loadExample } from "./example.ts";
import {
  runProgram,
  seconds,
  showStep,
  tell,
  tellHeading,
} from "./progress.ts";
import { pause, POLL_MS } from "./signal.ts";
import { startProcess } from "./server_process.ts";
import { removeServers, type Servers, startServers } from "./servers.ts";
import { untilStopped } from "./stop_signal.ts";

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const FOLDER = join(PROJECT, ".servers/demo");
const NEW_NAME = "Надежда Новикова-Lee";
const RENAME_LIMIT_MS = 60_000;

const CheckpointSummary = z.object({
  indexes: z.record(z.string(), z.object({ load: z.unknown().optional() })),
});

/** Shows the whole way of the example's films on real servers; `--keep` leaves all of it running at the end. */
async function main(args: readonly string[]): Promise<void> {
  await removeDemo(); // of a run that failed: that one leaves its logs
  await runDemo(args.includes("--keep"));
  await removeDemo();
}

async function runDemo(keep: boolean): Promise<void> {
  using stopped = untilStopped();
  await using servers = await startServers({ folder: FOLDER });
  const { url } = servers.elasticsearch;
  const example = await showStep(
    "Loading the example into PostgreSQL",
    () => loadExample(servers.postgres.url, "movies_database"),
  );
  const owner = new URL(servers.postgres.url);
  owner.pathname = example.database;
  await using films = await openFilmDatabase(owner.href);
  await using _agent = await showStep(
    "Starting pg2es and loading the index",
    () => startAgent({ example, films, url }),
  );
  const shown = show(films, url).then(() => true);
  const finished = await Promise.race([shown, stopped.promise]);
  if (!finished) Deno.exitCode = 130; // as a shell tells of Ctrl-C
  if (finished && keep) {
    tellAddresses(servers, example);
    await stopped.promise;
  }
}

interface AgentOptions {
  readonly example: Example;
  readonly films: FilmDatabase;
  /** The address of Elasticsearch. */
  readonly url: string;
}

/** Starts the agent as `deno task start` does, and waits until it has loaded the index. */
async function startAgent(
  { example, films, url }: AgentOptions,
): Promise<AsyncDisposable> {
  const folder = join(FOLDER, "agent");
  await Deno.mkdir(folder, { recursive: true });
  // beside its configuration the agent keeps its state: not the one of the project
  for (const name of ["config.yaml", "index_config.json"]) {
    await Deno.copyFile(join(PROJECT, name), join(folder, name));
  }
  const program = [
    Deno.execPath(),
    "run",
    ...agentFlags(),
    join(PROJECT, "main.ts"),
  ];
  const expected = await films.countFilms();
  const agent = await startProcess({
    name: "pg2es",
    folder,
    cwd: folder,
    words: [...program, "--config", join(folder, "config.yaml")],
    env: {
      DB_HOST: example.host,
      DB_PORT: example.port,
      DB_NAME: example.database,
      DB_USER: example.user,
      DB_PASSWORD: example.password,
      ES_URL: url,
    },
    endSignal: "SIGTERM",
    isReady: async () =>
      await isLoaded(join(folder, "state.yaml")) &&
      (await searchAll(url)).total === expected,
  });
  return { [Symbol.asyncDispose]: () => agent.end("SIGTERM") };
}

/** Whether the state file says that the full load is finished. */
async function isLoaded(stateFile: string): Promise<boolean> {
  const text = await Deno.readTextFile(stateFile).catch(() => undefined);
  if (text === undefined) return false; // nothing is saved yet
  const { indexes } = CheckpointSummary.parse(parse(text));
  return indexes["movies"] !== undefined &&
    indexes["movies"].load === undefined;
}

async function show(films: FilmDatabase, url: string): Promise<void> {
  tellHeading("The films are in Elasticsearch");
  tell(`  films in PostgreSQL:      ${await films.countFilms()}`);
  tell(`  documents in the index:   ${(await searchAll(url)).total}`);
  await showSearch(url, "письма");
  await showSearch(url, "gardeners");
  await showRename(films, url);
}

async function showSearch(url: string, word: string): Promise<void> {
  tellHeading(`A search for "${word}"`);
  tellFilms(await searchWord(url, word));
}

async function showRename(films: FilmDatabase, url: string): Promise<void> {
  const actor = await films.busiestActor();
  tellHeading(
    `${actor.name}, in ${actor.films} films, is renamed in PostgreSQL`,
  );
  tell(
    `  update content.person set full_name = '${NEW_NAME}' where id = '${actor.id}'`,
  );
  const startedMs = performance.now();
  await films.renamePerson(actor.id, NEW_NAME);
  const untilMs = startedMs + RENAME_LIMIT_MS;
  let found = await searchActor(url, NEW_NAME);
  while (found.total < actor.films) {
    if (performance.now() > untilMs) {
      throw new Error(
        `Cannot see the new name: ${found.total} of ${actor.films} films have it after ${
          RENAME_LIMIT_MS / 1000
        } s. See ${join(FOLDER, "agent/log")}`,
      );
    }
    await pause(POLL_MS);
    found = await searchActor(url, NEW_NAME);
  }
  tell(
    `  ${NEW_NAME} is in all of them in Elasticsearch after ${
      seconds(startedMs)
    }:`,
  );
  tellFilms(found);
}

function tellFilms({ total, films }: Found): void {
  tell(`  ${total} films, the first of them:`);
  for (const { title, year } of films) tell(`    ${title} (${year})`);
}

function tellAddresses(servers: Servers, example: Example): void {
  tellHeading("Everything is left running");
  tell(`  Elasticsearch  ${servers.elasticsearch.url}/movies/_search`);
  tell(`  example        ${example.url}`);
  tell(`  superuser      ${servers.postgres.url}`);
  tell(`  the agent      ${join(FOLDER, "agent/log")}`);
  tell(`Stop it with Ctrl-C, or: kill ${Deno.pid}`);
}

async function removeDemo(): Promise<void> {
  const agent = join(FOLDER, "agent");
  await endLeftover(agent);
  await removeServers(FOLDER);
  await Deno.remove(FOLDER, { recursive: true }).catch(() => {});
}

if (import.meta.main) await runProgram(() => main(Deno.args));
