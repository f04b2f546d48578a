import { deepEqual, equal } from "node:assert/strict";
import { parse } from "@std/yaml";
import { z } from "zod";
import { Position } from "../../src/position.ts";
import {
  type AgentProcess,
  type Ending,
  LIMIT_MS,
  type LogLine,
  runToEnd,
} from "./agent_process.ts";
import { indexedFilms, readFilms } from "./films.ts";
import type { World } from "./world.ts";

const POLL_MS = 10;

/** Settings under which a load of the example takes many steps, with little read ahead of what is settled. */
export const SMALL_STEPS = {
  "postgres.page_size": 20,
  "postgres.connections": 1,
  "elasticsearch.max_bytes": "30KB",
  "elasticsearch.concurrency": 1,
  "logging.format": "json",
};

/** What is added to every title by a pass that is held. */
const CHANGED = " (changed)";

const Film = z.object({ title: z.string() });
const ChangedFilm = z.object({ id: z.string(), title: z.string() });
const State = z.object({ indexes: z.record(z.string(), Position) });

/** How many films the example has. */
export const FILM_COUNT = 1_000;

/** The position of the world's first index, or of `name`, as it is on disk; none when there is none. */
export async function readPosition(
  world: World,
  name?: string,
): Promise<Position | undefined> {
  return await readPositionOf(world, world.indexName(name));
}

/** The position that is kept under this key of the state file; none when there is none. */
export async function readPositionOf(
  world: World,
  key: string,
): Promise<Position | undefined> {
  try {
    const text = await Deno.readTextFile(world.stateFile);
    return State.parse(parse(text)).indexes[key];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Asks again and again until it is so; rejects with `what` when it is not for 60 s. */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
): Promise<void> {
  const untilMs = performance.now() + LIMIT_MS;
  while (!await isSo()) {
    if (performance.now() > untilMs) {
      throw new Error(`Cannot wait any longer until ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Lets the agent, once the first of the films are settled, read no more of them until it is disposed of. */
export async function holdLoad(world: World): Promise<AsyncDisposable> {
  await until("films are loaded", async () => await countSettled(world) > 0);
  return await holdFilms(world);
}

/** Changes every film, and once the first of them is written, lets the agent read no more until it is disposed of. */
export async function holdPass(world: World): Promise<AsyncDisposable> {
  const [row] = await world.sql(
    `with changed as (
       update content.film_work set title = title || $1
       returning id, title
     )
     select id::text, title from changed order by id limit 1`,
    [CHANGED],
  );
  const { id, title } = ChangedFilm.parse(row);
  await untilIndexed(world, { id, title });
  return await holdFilms(world);
}

/** Lets nobody read the films until it is disposed of; waits for those who do. */
export async function holdFilms(world: World): Promise<AsyncDisposable> {
  const session = await world.connect();
  await session.sql("begin");
  await session.sql("lock table content.film_work in access exclusive mode");
  return session;
}

/** Waits until the agent is held by {@linkcode holdFilms}. */
export async function untilHeld(world: World): Promise<void> {
  await until("the agent waits for the lock", async () => {
    const waiting = await world.sql(
      `select pid from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return waiting.length > 0;
  });
}

/** One more run to its end, after which the index is expected to be equal to PostgreSQL. */
export async function runOnce(world: World): Promise<Ending> {
  const args = ["run", "--once"];
  const ending = await runToEnd({ folder: world.folder, args });
  equal(ending.code, 0, ending.stderr);
  deepEqual(await indexedFilms(world), await readFilms(world));
  return ending;
}

/** What each pass in the log did. */
export function passesOf(
  log: readonly LogLine[],
): { kind: unknown; written: unknown }[] {
  return log.filter(({ message }) => message === "pass finished")
    .map(({ kind, written }) => ({ kind, written }));
}

/** How many films are indexed as {@linkcode holdPass} changed them. */
export async function countChanged(world: World): Promise<number> {
  const documents = [...(await world.documents()).values()];
  return documents.filter(({ source }) => source.includes(CHANGED)).length;
}

/** How many films the position says are settled; all of them once the load is finished. */
export async function countSettled(world: World): Promise<number> {
  return FILM_COUNT - (await unsettledFilms(world)).size;
}

/** The films that the position does not say are settled. */
export async function unsettledFilms(world: World): Promise<Set<string>> {
  const position = await readPosition(world);
  const load: Position["load"] = position === undefined ? {} : position.load;
  const ranges = load === undefined ? [] : load.ranges ?? [load];
  const rows = await world.sql(
    `select id::text from content.film_work where exists (
       select from jsonb_to_recordset($1) r("after" uuid[], upto uuid[])
       where (id > r."after"[1]) is not false and (id <= r.upto[1]) is not false
     )`,
    [JSON.stringify(ranges)],
  );
  return new Set(rows.map(({ id }) => z.string().parse(id)));
}

/** Gives one film a new title, the same one each time it is called with `title`. */
export async function retitle(world: World, title: string): Promise<string> {
  const [row] = await world.sql(
    `update content.film_work set title = $1
     where id = (select min(id::text)::uuid from content.film_work)
     returning id::text`,
    [title],
  );
  return z.string().parse(row?.id);
}

/** Gives a film a new title, and waits until the index has it. */
export async function untilFollowed(
  world: World,
  title: string,
): Promise<void> {
  await untilIndexed(world, { id: await retitle(world, title), title });
}

async function untilIndexed(
  world: World,
  { id, title }: z.infer<typeof ChangedFilm>,
): Promise<void> {
  const path = `/${world.indexName()}/_source/${id}`;
  await until(`film ${id} is indexed as ${title}`, async () => {
    const { status, text } = await world.search("GET", path);
    return status === 200 && Film.parse(JSON.parse(text)).title === title;
  });
}

/** Waits until the agent has loaded everything and looks for changes. */
export async function untilFollowing(agent: AgentProcess): Promise<void> {
  await agent.waitFor(({ message, kind }) =>
    message === "pass finished" && kind === "load"
  );
}
