import { deepEqual, equal, ok } from "node:assert/strict";
import {
  openSteppedAgent,
  removeHorizon,
  type SteppedAgent,
} from "./history_agent.ts";
import { type History, LATE_TRANSACTIONS } from "./history_late.ts";
import { openWorld, type World } from "./world.ts";

const ITEMS = {
  sql: `
    create table item (id int primary key, name text, updated_at timestamptz not null default now());
    create index on item (updated_at, id);
    insert into item select n, 'first' from generate_series(1, 5) n;
    create table note (id int primary key, updated_at timestamptz)`,
  indexes: `
    - name: items
      index_config: items.json
      document: select id, name from item
      watch:
        - table: item
        - {table: note, document_ids: 'select unnest($1::int[])'}`,
  files: { "items.json": JSON.stringify({ mappings: { properties: {} } }) },
};

for (const history of LATE_TRANSACTIONS) {
  Deno.test(`runOnce() finds a transaction ${history.name}; without the horizon it does not`, async () => {
    const [found, foundWithout] = await Promise.all([
      play(history),
      play(history, removeHorizon),
    ]);
    deepEqual(found, history.arriving);
    deepEqual(foundWithout, []);
  });
}

/** Plays a history; returns the ids of the late rows that are in the index after one more pass. */
async function play(
  history: History,
  change?: typeof removeHorizon,
): Promise<string[]> {
  await using world = await openWorld({ ...ITEMS, follow: "polling" });
  await using late = await world.connect();
  await history.before?.({ world, late });
  async function outlastMargin(): Promise<void> {
    await world.sql("select pg_sleep(1.1)");
  }
  await using agent = await openSteppedAgent(
    world,
    change === undefined ? {} : { pipeline: change },
  );
  // what was loaded is not looked at again: it is older than every open transaction, and than the margin
  if (history.before === undefined) await world.settle();
  equal((await agent.pass()).kind, "load");
  await agent.pass(); // both tables are quiet: from now on one statement asks for both
  await outlastMargin();
  await history.play({ world, agent, late, outlastMargin });
  await agent.pass();
  const documents = await world.documents();
  return [...documents].filter(([, { source }]) => source.includes('"late"'))
    .map(([id]) => id).sort();
}

const HIDDEN =
  "open transactions cannot be seen: rows committed late wait for the sweep, unless lookback covers them";

Deno.test("runOnce() looks back five minutes while sessions are hidden from its role, and warns once", async () => {
  await using world = await openWorld({ ...ITEMS, follow: "polling" });
  await using _role = await useBlindRole(world);
  await expectLookback(world, { minutes: 5 });
});

Deno.test("runOnce() looks back by lookback where that is longer", async () => {
  await using world = await openWorld({ ...ITEMS, follow: "polling" });
  await using _role = await useBlindRole(world);
  await world.configure({ "indexes.0.lookback": "10m" });
  await expectLookback(world, { minutes: 10 });
});

Deno.test("runOnce() looks back five minutes while a session does not tell its activity", async () => {
  await using world = await openWorld({ ...ITEMS, follow: "polling" });
  await using silent = await world.connect();
  await silent.sql("set track_activities = off");
  await expectLookback(world, { minutes: 5 });
});

Deno.test("runOnce() says when all sessions can be seen again", async () => {
  await using world = await openWorld({ ...ITEMS, follow: "polling" });
  await using agent = await openSteppedAgent(world);
  await agent.pass();
  {
    await using silent = await world.connect();
    await silent.sql("set track_activities = off");
    await agent.pass();
  }
  for (;;) {
    const rows = await world.sql(
      "select from pg_stat_activity where datname = current_database() and state = 'disabled'",
    );
    if (rows.length === 0) break;
  }
  await agent.pass();
  deepEqual(toldOfSessions(agent), [HIDDEN, "open transactions can be seen"]);
});

/** Expects that rows are found which are stamped by up to `minutes` earlier than the last pass, and that this was told once. */
async function expectLookback(
  world: World,
  { minutes }: { minutes: number },
): Promise<void> {
  await using late = await world.connect();
  await using agent = await openSteppedAgent(world);
  await agent.pass();
  await late.sql("begin");
  await late.sql(
    `insert into item select 100 + n, 'late', now() - n * interval '1 minute' from generate_series(0, ${
      minutes + 1
    }) n`,
  );
  await agent.pass();
  await late.sql("commit");
  await agent.pass();
  await agent.pass();
  const documents = await world.documents();
  const missed = 100 + minutes + 1;
  for (let id = 100; id < missed - 1; id++) {
    ok(documents.has(String(id)), `row ${id} is found`);
  }
  ok(!documents.has(String(missed)), `row ${missed} is not`);
  deepEqual(toldOfSessions(agent), [HIDDEN]);
}

function toldOfSessions({ records }: SteppedAgent): string[] {
  return records.map(({ message }) => message)
    .filter((message) => message.startsWith("open transactions"));
}

/** Makes the agent log in as a role that may read and no more; disposing of it drops the role. */
async function useBlindRole(world: World): Promise<AsyncDisposable> {
  const user = `${world.indexName()}-reader`;
  const password = "reader";
  await world.sql(
    `create role "${user}" login password '${password}';
     grant select on all tables in schema public to "${user}"`,
  );
  await world.configure({
    "postgres.user": user,
    "postgres.password": password,
  });
  return {
    async [Symbol.asyncDispose]() {
      await world.sql(
        `select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = '${user}'`,
      );
      await world.sql(`drop owned by "${user}"; drop role "${user}"`);
    },
  };
}
