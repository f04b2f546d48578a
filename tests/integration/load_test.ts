import { deepEqual, equal, ok } from "node:assert/strict";
import { parse } from "@std/yaml";
import { Position } from "../../src/position.ts";
import { z } from "zod";
import { runPass } from "./agent_run.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { openWorld, type World } from "./world.ts";

Deno.test("runAgent() loads every film, equal in each field", async () => {
  await using world = await openWorld();
  const run = await runPass(world);
  deepEqual(run.summary(), {
    kind: "load",
    written: 1_000,
    superseded: 0,
    rejected: 0,
    finished: true,
  });
  const films = await readFilms(world);
  equal(films.size, 1_000);
  deepEqual(await indexedFilms(world), films);
});

Deno.test("runAgent() sends nothing in the run after a load", async () => {
  await using world = await openWorld();
  // stamped so late that the run after the load looks at them again
  await world.sql("update content.film_work set title = title");
  await runPass(world);
  const loaded = await world.documents();
  for (let runCount = 0; runCount < 2; runCount++) {
    const { kind, written } = (await runPass(world)).summary();
    deepEqual({ kind, written }, { kind: "follow", written: 0 });
  }
  deepEqual(await world.documents(), loaded);
});

Deno.test("runAgent() finds in the next run what was written during the load", async () => {
  await using world = await openWorld({ settings: PAGE_BY_PAGE });
  // the first id is loaded by then, the last one is not
  const stopped = runPass(world, { drain: await savedPage(world) });
  const { finished } = (await stopped).summary();
  equal(finished, false);
  await world.sql(
    `update content.film_work set title = 'written meanwhile'
     where id in (select min(id::text)::uuid from content.film_work
       union all select max(id::text)::uuid from content.film_work)`,
  );
  equal((await runPass(world)).summary().kind, "load");
  equal((await runPass(world)).summary().kind, "follow");
  deepEqual(await indexedFilms(world), await readFilms(world));
  equal((await runPass(world)).summary().written, 0);
});

Deno.test("runAgent() saves the position after a page, and goes on from it", async () => {
  await using world = await openWorld({ settings: PAGE_BY_PAGE });
  const ids = [...(await readFilms(world)).keys()].sort();
  let done = 0;
  for (let stopCount = 0; stopCount < 3; stopCount++) {
    const before = await world.documents().catch(() => new Map());
    const run = await runPass(world, { drain: await savedPage(world) });
    const { kind, written, finished } = run.summary();
    deepEqual({ kind, finished }, { kind: "load", finished: false });
    const [last] = (await readPosition(world)).load?.after ?? [];
    const settled = ids.indexOf(last ?? "") + 1;
    equal(settled % 10, 0, "a position is the end of a page");
    equal(written, settled - done, "what was settled is not sent again");
    const documents = await world.documents();
    for (const id of ids.slice(0, settled)) ok(documents.has(id), id);
    for (const [id, { version }] of before) {
      equal(documents.get(id)?.version, version);
    }
    done = settled;
  }
  const { written, finished } = (await runPass(world)).summary();
  deepEqual({ written, finished }, { written: 1_000 - done, finished: true });
  equal((await readPosition(world)).load, undefined);
  deepEqual(await indexedFilms(world), await readFilms(world));
});

Deno.test("runAgent() keeps the position in a file for people, its user's alone", async () => {
  await using world = await openWorld();
  await runPass(world);
  const { mode } = await Deno.stat(world.stateFile);
  equal((mode ?? 0) & 0o777, 0o600);
  const text = await Deno.readTextFile(world.stateFile);
  ok(text.startsWith("# "), "it says what it is");
  const position = await readPosition(world);
  const [database] = await world.sql("select current_database() as name");
  equal(position.source.database, database?.["name"]);
  deepEqual(Object.keys(position.seen), [
    "content.film_work",
    "content.person",
    "content.genre",
    "content.person_film_work",
    "content.genre_film_work",
  ]);
  const names = await Array.fromAsync(
    Deno.readDir(world.folder),
    ({ name }) => name,
  );
  deepEqual(names.sort(), ["config.yaml", "index_config.json", "state.yaml"]);
});

/** A page or two are on their way at a time, out of a hundred. */
const PAGE_BY_PAGE = {
  "postgres.page_size": 10,
  "postgres.connections": 1,
  "elasticsearch.max_bytes": "20KB",
  "elasticsearch.concurrency": 1,
};

const State = z.object({
  version: z.literal(1),
  indexes: z.record(z.string(), Position),
});

async function readPosition(world: World): Promise<Position> {
  const state = State.parse(parse(await Deno.readTextFile(world.stateFile)));
  const position = state.indexes[world.indexName()];
  ok(position, "the index has a position");
  return position;
}

/** Aborts once the state file holds another page than now; what it was is known when this returns. */
async function savedPage(world: World): Promise<AbortSignal> {
  const found = new AbortController();
  const before = await readAfter(world);
  const watcher = Deno.watchFs(world.folder);
  (async () => {
    for await (const _ of watcher) {
      if (await readAfter(world) !== before) break; // closes the watcher too
    }
    found.abort();
  })();
  return found.signal;
}

async function readAfter(world: World): Promise<string | undefined> {
  try {
    return (await readPosition(world)).load?.after?.[0];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
