import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { startPostgres } from "../../dev/postgres.ts";
import { checkConfig } from "../../src/check.ts";
import { loadConfig } from "../../src/config.ts";
import { startAgent } from "./agent_run.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { openSteppedAgent } from "./history_agent.ts";
import {
  openClusterFolder,
  type Standby,
  startStandby,
} from "./history_cluster.ts";
import { FILM_COUNT } from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const FILM =
  "(select id from content.film_work order by id offset 500 limit 1)";
const UNSEEN =
  "open transactions cannot be seen: rows committed late wait for the sweep, unless lookback covers them";

Deno.test("runOnce() follows a hot standby, and looks back five minutes for what the primary commits late", async () => {
  await using opened = await openStandbyWorld();
  const { world, standby } = opened;
  await using agent = await openSteppedAgent(world);
  async function replay(): Promise<void> {
    await world.settle();
    await standby.catchUp();
  }
  async function expectEqual(): Promise<void> {
    deepEqual(await indexedFilms(world), await readFilms(world));
  }

  await replay();
  const loaded = await agent.pass();
  deepEqual([loaded.kind, loaded.written], ["load", FILM_COUNT]);
  await expectEqual();
  // all films are stamped within the five minutes, and are told by their xmin to be read already
  equal((await agent.pass()).written, 0);

  await retitle(world, "Changed on the Primary");
  await replay();
  equal((await agent.pass()).written, 1);
  await expectEqual();
  equal((await agent.pass()).written, 0);

  {
    await using late = await world.connect();
    await late.sql("begin");
    await late.sql(
      `insert into content.film_work (title, type, updated_at)
       select 'Late by ' || n, 'movie', now() - n * interval '1 minute' from generate_series(0, 6, 2) n`,
    );
    await retitle(world, "Changed Meanwhile");
    await standby.catchUp();
    equal((await agent.pass()).written, 1);
    // what is younger than an open transaction is read again, as on a primary
    equal((await agent.pass()).written, 1);
    await late.sql("commit");
  }
  await replay();
  equal((await agent.pass()).written, 4);
  equal((await agent.pass()).written, 0);
  deepEqual(await findLate(world), ["Late by 0", "Late by 2", "Late by 4"]);

  // what was committed later than that, and what is deleted, is left to the sweep
  await world.sql(`delete from content.film_work where id = ${FILM}`);
  await replay();
  await agent.sweep();
  await expectEqual();
  const told = agent.records.filter(({ level }) =>
    level === "warning" || level === "error"
  );
  deepEqual(
    told.map(({ level, message, fields }) => ({
      level,
      message,
      reason: fields["reason"],
    })),
    [{ level: "warning", message: UNSEEN, reason: "standby" }],
  );
});

Deno.test("checkConfig() warns of a standby, and finds no error", async () => {
  await using opened = await openStandbyWorld();
  const { world, standby } = opened;
  await standby.catchUp();
  const loaded = await loadConfig(world.configFile, {});
  const { findings } = await checkConfig(loaded, new AbortController().signal);
  deepEqual(findings.filter(({ level }) => level === "error"), []);
  const [found, ...others] = findings.filter(({ text }) =>
    text.startsWith("the server is a standby")
  );
  ok(found !== undefined);
  deepEqual(others, []);
  deepEqual(found.path, ["postgres"]);
});

Deno.test("a standby whose log is to be followed is polled, and it is said why", async () => {
  await using opened = await openStandbyWorld("wal");
  const { world, standby } = opened;
  await standby.catchUp();
  await using agent = startAgent(world);
  await agent.untilLogged("changes are looked for by polling for now", {
    reason: "the server is a standby, whose log the agent does not follow",
  });
  await agent.untilLogged("pass finished", { kind: "load" });
});

/** The example on a primary, whose standby is what the configuration names. */
async function openStandbyWorld(
  follow: "polling" | "wal" = "polling",
): Promise<
  AsyncDisposable & { readonly world: World; readonly standby: Standby }
> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await openClusterFolder());
  const primary = opened.use(
    await startPostgres({ folder: join(folder.path, "primary") }),
  );
  const world = opened.use(
    await openWorld({ postgres: primary.url, follow }),
  );
  const standbyFolder = join(folder.path, "standby");
  const standby = opened.use(await startStandby(primary, standbyFolder));
  await world.configure({ "postgres.port": await readPort(standbyFolder) });
  const kept = opened.move();
  return {
    world,
    standby,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The port of the server in a folder; PostgreSQL writes it on the fourth line of postmaster.pid. */
async function readPort(folder: string): Promise<number> {
  const text = await Deno.readTextFile(join(folder, "data", "postmaster.pid"));
  return Number(text.split("\n")[3]);
}

async function retitle(world: World, title: string): Promise<void> {
  await world.sql(
    `update content.film_work set title = $1 where id = ${FILM}`,
    [title],
  );
}

/** The titles, in their order, of the films in the index that were committed late. */
async function findLate(world: World): Promise<string[]> {
  const documents = await world.documents();
  return [...documents.values()]
    .map(({ source }) => String(JSON.parse(source).title))
    .filter((title) => title.startsWith("Late by")).sort();
}
