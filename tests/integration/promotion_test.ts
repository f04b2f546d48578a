import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { startPostgres } from "../../dev/postgres.ts";
import { runPass, startAgent } from "./agent_run.ts";
import { openExampleTemplate } from "./example_template.ts";
import { openSteppedAgent, type SteppedAgent } from "./history_agent.ts";
import {
  canDump,
  copyFiles,
  dumpTo,
  openClusterFolder,
  startStandby,
} from "./history_cluster.ts";
import { openWalRole } from "./wal_access.ts";
import { openWorld, type World } from "./world.ts";

const ITEMS = {
  sql: `
    create table item (id int primary key, name text, updated_at timestamptz not null default now());
    create index on item (updated_at, id);
    insert into item select n, 'first' from generate_series(1, 5) n`,
  indexes: `
    - name: items
      index_config: items.json
      document: select id, name from item
      watch: [{table: item}]`,
  files: { "items.json": JSON.stringify({ mappings: { dynamic: false } }) },
};

const WENT_BACK =
  "PostgreSQL failed over or went back in time: looking back, then comparing all contents";
const ANOTHER =
  "this is another database than the one that was read: loading it into an index of its own";

Deno.test("runOnce() follows a promoted standby, and the sweep removes what was lost by it", async () => {
  await using folder = await openClusterFolder();
  await using primary = await startPostgres({
    folder: join(folder.path, "primary"),
  });
  await using later = new AsyncDisposableStack();
  await using world = await openWorld({ ...ITEMS, postgres: primary.url });
  {
    await using agent = await openSteppedAgent(world);
    await agent.pass();
    await using standby = await startStandby(
      primary,
      join(folder.path, "standby"),
    );
    await insert(world, { id: 100, name: "replicated" });
    await agent.pass();
    await standby.catchUp();
    await standby.cut();
    await insert(world, { id: 101, name: "lost" });
    await world.sql(
      "update item set name = 'lost', updated_at = now() where id = 1",
    );
    equal((await agent.pass()).written, 2);
    await primary.stop("immediate");
    later.use(await standby.promote(primary.port));

    await agent.pass();
    await insert(world, { id: 102, name: "after" });
    for (let pass = 0; pass < 3; pass++) await agent.pass();
    deepEqual(namesOf(await world.documents()).get("102"), "after");
    equal(countWarnings(agent), 1);
    await agent.restart();
    await agent.pass();
    equal(countWarnings(agent), 1);
  }
  await expectSwept(world);
});

Deno.test("runOnce() notices that a copy of earlier files was put back, and the sweep removes what is gone", async () => {
  await using folder = await openClusterFolder();
  await using cluster = await startPostgres({
    folder: join(folder.path, "cluster"),
  });
  await using world = await openWorld({ ...ITEMS, postgres: cluster.url });
  {
    await using agent = await openSteppedAgent(world);
    await agent.pass();
    await cluster.stop();
    const copy = join(folder.path, "copy");
    await copyFiles(cluster, copy);
    await cluster.start();
    await insert(world, { id: 101, name: "lost" });
    await world.sql(
      "update item set name = 'lost', updated_at = now() where id = 1",
    );
    await world.sql(
      "create table filler as select n from generate_series(1, 100000) n",
    );
    equal((await agent.pass()).written, 2);
    await cluster.stop();
    await Deno.remove(cluster.dataFolder, { recursive: true });
    await copyFiles({ ...cluster, dataFolder: copy }, cluster.dataFolder);
    await cluster.start();

    await agent.pass();
    await insert(world, { id: 102, name: "after" });
    // transaction ids and positions are given out again: the numbers of readings are not lower for it
    await world.sql(
      "update item set name = 'after', updated_at = now() where id = 2",
    );
    for (let pass = 0; pass < 3; pass++) await agent.pass();
    const names = namesOf(await world.documents());
    deepEqual([names.get("102"), names.get("2")], ["after", "after"]);
    equal(countWarnings(agent), 1);
    await agent.restart();
    await agent.pass();
    equal(countWarnings(agent), 1);
  }
  await expectSwept(world);
});

Deno.test({
  name:
    "runAgent() loads a dump that was restored elsewhere into an index of its own, at start and while running",
  ignore: !await canDump(),
  fn: async () => {
    await using folder = await openClusterFolder();
    await using first = await startPostgres({
      folder: join(folder.path, "first"),
    });
    await using second = await startPostgres({
      folder: join(folder.path, "second"),
    });
    await using world = await openWorld({ ...ITEMS, postgres: first.url });
    // make the agent's roles
    await openExampleTemplate(second.url);
    await openWalRole(second.url);
    const name = new URL(world.databaseUrl).pathname.slice(1);
    await runPass(world);
    await dumpTo(second, { from: first, name, folder: folder.path });
    const [filled] = await physicalIndexes(world);
    ok(filled !== undefined);

    await world.configure({ "postgres.port": second.port });
    const { records } = await runPass(world, { isUnsettled: true });
    equal(records.filter(({ message }) => message === ANOTHER).length, 1);
    const [own, ...others] = await physicalIndexes(world);
    deepEqual(others, []);
    ok(own !== filled, "people search the new index");
    equal((await world.search("HEAD", `/${filled}`)).status, 200);

    // back to the first one, behind the agent's back
    {
      await using moved = new AsyncDisposableStack();
      await using agent = startAgent(world);
      await agent.untilLogged("pass finished", { kind: "follow" });
      await first.stop();
      await second.stop();
      const options = { folder: join(folder.path, "first"), port: second.port };
      moved.use(await startPostgres(options));
      await agent.untilLogged("writer lock lost, waiting for it again");
      await agent.untilLogged(ANOTHER);
      await agent.untilLogged("pass finished", { kind: "load" });
      deepEqual(await physicalIndexes(world), [filled]);
      equal((await world.search("HEAD", `/${own}`)).status, 200);
    }
    await first.start(); // where the world is removed from
  },
});

async function insert(
  world: World,
  { id, name }: { id: number; name: string },
): Promise<void> {
  await world.sql("insert into item values ($1, $2)", [id, name]);
}

/** Expects that the next run, with its sweep, makes the index equal to the table. */
async function expectSwept(world: World): Promise<void> {
  await runPass(world);
  const rows = await world.sql("select id::text, name from item order by id");
  const expected = new Map(rows.map(({ id, name }) => [id, name]));
  deepEqual(namesOf(await world.documents()), expected);
}

function countWarnings({ records }: SteppedAgent): number {
  return records.filter(({ message }) => message === WENT_BACK).length;
}

function namesOf(
  documents: Awaited<ReturnType<World["documents"]>>,
): Map<string, unknown> {
  return new Map(
    [...documents].map(([id, { source }]) => [id, JSON.parse(source).name]),
  );
}

/** The indexes behind the name that people search. */
async function physicalIndexes(world: World): Promise<string[]> {
  const { text } = await world.search("GET", `/${world.indexName()}/_alias`);
  return Object.keys(JSON.parse(text));
}
