import { deepEqual, equal, ok } from "node:assert/strict";
import { startAgent as startProcess } from "./agent_process.ts";
import { runPass, startAgent } from "./agent_run.ts";
import { indexedFilms, readFilms } from "./films.ts";
import {
  countSettled,
  FILM_COUNT,
  holdLoad,
  passesOf,
  readPosition,
  runOnce,
  SMALL_STEPS,
  unsettledFilms,
  until,
} from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const SIDE_BY_SIDE = { ...SMALL_STEPS, "postgres.connections": 3 };

Deno.test("an agent killed while it loads several ranges loads nothing again that is settled", async () => {
  await using world = await openWorld({ settings: SIDE_BY_SIDE });
  let settled = 0;
  for (let killCount = 0; killCount < 3; killCount++) {
    const before = await world.documents().catch(() => new Map());
    const unsettled = await unsettledFilms(world);
    await using agent = startProcess(world);
    await until("several pages more are settled", async () => {
      return await countSettled(world) >= settled + 100;
    });
    agent.kill("SIGKILL");
    await agent.ended();
    settled = await countSettled(world);
    ok(settled < FILM_COUNT, `${settled} are settled`);
    const { ranges } = (await readPosition(world))?.load ?? {};
    ok(ranges && ranges.length > 1, "several ranges are left");
    ok(ranges.some(({ after, upto }) => after && upto), "one is begun");
    const documents = await world.documents();
    for (const [id, { version }] of before) {
      if (unsettled.has(id)) continue;
      equal(documents.get(id)?.version, version, "it was settled");
    }
  }
  const { log } = await runOnce(world);
  const written = FILM_COUNT - settled;
  deepEqual(passesOf(log), [{ kind: "load", written }]);
});

Deno.test("an agent that is stopped ends each range at a page", async () => {
  await using world = await openWorld({ settings: SIDE_BY_SIDE });
  await using agent = startProcess(world);
  {
    await using _held = await holdLoad(world);
    agent.kill("SIGTERM");
  }
  equal((await agent.ended()).code, 0);
  const settled = await countSettled(world);
  ok(settled > 0 && settled < FILM_COUNT, `${settled} are settled`);
  // whatever was sent is settled: nothing is in the index that the position does not know
  equal((await world.documents()).size, settled);
  const { log } = await runOnce(world);
  const written = FILM_COUNT - settled;
  deepEqual(passesOf(log), [{ kind: "load", written }]);
});

Deno.test("a load takes fewer connections than it asks for", async () => {
  await using world = await openWorld({
    settings: {
      "postgres.page_size": 20,
      "postgres.connections": 8,
      limit: { postgres_connections: 4 },
    },
  });
  const { written, finished } = (await runPass(world)).summary();
  deepEqual({ written, finished }, { written: FILM_COUNT, finished: true });
  deepEqual(await indexedFilms(world), await readFilms(world));
});

Deno.test("a load reads as many pages at once as postgres.connections says", async () => {
  await using world = await openItems();
  // so slowly that it can be held before it is done
  await world.configure({ limit: { documents_per_second: 200 } });
  await using _agent = startAgent(world);
  await until(
    "items are loaded",
    async () =>
      (await readPosition(world))?.load?.ranges?.some(({ after, upto }) =>
        after !== undefined && upto !== undefined
      ) ?? false,
  );
  await expectReaders(world);
});

Deno.test("following reads as many pages at once as postgres.connections says", async () => {
  await using world = await openItems();
  {
    await using agent = startAgent(world);
    await agent.untilLogged("pass finished", { kind: "load" });
    await expectReaders(
      world,
      "update item set updated_at = clock_timestamp(), n = n + 1",
    );
    await agent.untilLogged("pass finished", { written: ITEM_COUNT });
  }
  const documents = [...(await world.documents()).values()];
  equal(
    documents.filter(({ source }) => JSON.parse(source).n === 1).length,
    ITEM_COUNT,
  );
});

const ITEM_COUNT = 1_000;

/** Items whose documents read another table, which nobody watches. */
function openItems(): Promise<World> {
  return openWorld({
    sql: `
      create table label (id int primary key, name text);
      create table item (id int primary key, n int not null default 0, updated_at timestamptz not null default now());
      create index on item (updated_at, id);
      insert into item (id) select generate_series(1, ${ITEM_COUNT})`,
    indexes: `
      - name: items
        index_config: items.json
        document: select i.id, i.n, (select name from label l where l.id = i.id) as label from item i
        sweep: off
        watch: [{table: item}]`,
    files: { "items.json": JSON.stringify({ mappings: { dynamic: false } }) },
    settings: { "postgres.page_size": 20, "postgres.connections": 3 },
  });
}

/** Holds up whoever reads documents, after that runs `sql`, and expects three pages to be held up, and no more. */
async function expectReaders(world: World, sql = "select"): Promise<void> {
  await using session = await world.connect();
  await session.sql("begin");
  await session.sql("lock table label in access exclusive mode");
  await world.sql(sql);
  const count = async () =>
    (await world.sql(
      `select from pg_stat_activity where datname = current_database()
         and wait_event_type = 'Lock' and query like 'copy%'`,
    )).length;
  await until("three pages are read at once", async () => await count() === 3);
  await world.sql("select pg_sleep(0.2)::text");
  equal(await count(), 3);
}
