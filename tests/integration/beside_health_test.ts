import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { runToEnd, startAgent } from "./agent_process.ts";
import { until } from "./moments.ts";
import { observe, type Observed } from "./observed_world.ts";
import { openWorld, type World } from "./world.ts";

const ID = { type: "integer" };
const LABEL = { type: "keyword" };

function indexFile(properties: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ mappings: { dynamic: "strict", properties } });
}

/** A world whose index is full, and is to have another one in its place: one that does without the table `label`. */
async function openChanged(itemCount: number): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const world = opened.use(
    await openWorld({
      sql: `
        create table item (id int primary key, updated_at timestamptz not null default now());
        create index on item (updated_at, id);
        create table label (item_id int primary key, label text);
        insert into item select generate_series(1, ${itemCount})`,
      indexes: `
        - name: items
          index_config: items.json
          on_change: reload
          document: select i.id, l.label from item i left join label l on l.item_id = i.id
          sweep: off
          watch: [{table: item}]`,
      files: { "items.json": indexFile({ id: ID, label: LABEL }) },
      settings: { "logging.format": "json" },
    }),
  );
  const { folder } = world;
  const once = await runToEnd({ folder, args: ["run", "--once"] });
  equal(once.code, 0, once.stderr);
  await Deno.writeTextFile(join(folder, "items.json"), indexFile({ id: ID }));
  await world.configure({
    "indexes.0.document": "select id from item",
    "postgres.page_size": 20,
    // so slowly that a load can be looked at
    "limit.documents_per_second": 100,
  });
  const kept = opened.move();
  return { ...world, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** How many documents the load beside has settled; none where there is no load. */
async function countLoaded(observed: Observed): Promise<number | undefined> {
  const [index] = (await observed.status()).indexes;
  return index?.generations?.[0]?.load?.documents;
}

/** Has the pass of the searched index hang, with `count` changes to follow, until it is disposed of. */
async function hang(world: World, count: number): Promise<AsyncDisposable> {
  const session = await world.connect();
  await session.sql("begin; lock table label in access exclusive mode");
  await world.sql(
    `update item set updated_at = clock_timestamp() where id <= ${count}`,
  );
  return session;
}

Deno.test("/healthz turns bad when the searched index hangs, though another one is filled beside it", async () => {
  await using world = await openChanged(2_000);
  const observed = await observe(world, { "stalled_after": "1s" });
  await using _agent = startAgent(world);
  const loaded = async () => await countLoaded(observed) ?? 0;
  await until("another index is filled", async () => await loaded() > 0);
  equal((await observed.health()).status, 200);
  {
    await using _hanging = await hang(world, 1);
    await until(
      "the agent is ill",
      async () => (await observed.health()).status === 503,
    );
    const before = await loaded();
    await until(
      "the other index is filled on",
      async () => await loaded() > before + 100,
    );
    const { status, reasons } = await observed.health();
    equal(status, 503);
    match(
      reasons.join(),
      // by the log everything is compared first
      /: nothing has moved (?:in a pass \(follow\)|between two passes) for \d+ s$/,
    );
  }
  await until(
    "the agent is well",
    async () => (await observed.health()).status === 200,
  );
  // the calls for the other index are none of the searched one's
  const bulks = (index: string) =>
    observed.metric(
      `pg2es_elasticsearch_request_duration_seconds_count{index="${index}",operation="bulk"}`,
    );
  await until(
    "the change has arrived",
    async () => await bulks(world.indexName()) === 1,
  );
  ok((await bulks("") ?? 0) > 10);
});

Deno.test("/healthz stays good while the searched index waits for what is done beside it", async () => {
  await using world = await openChanged(400);
  const observed = await observe(world, { "stalled_after": "1s" });
  await using agent = startAgent(world);
  await until(
    "another index is filled",
    async () => await countLoaded(observed) !== undefined,
  );
  {
    await using _hanging = await hang(world, 1);
    await agent.waitFor("pass beside finished");
    // both have these to follow: first the one that is searched, then the other one in its turn
    await world.sql("update item set updated_at = clock_timestamp()");
  }
  await until(
    "the agent is well",
    async () => (await observed.health()).status === 200,
  );
  const searched = async () =>
    (await observed.status()).indexes[0]?.physicalIndex;
  const before = await searched();
  await until("the other index is searched", async () => {
    const { ok: isWell, reasons } = await observed.health();
    deepEqual({ isWell, reasons }, { isWell: true, reasons: [] });
    return await searched() !== before;
  });
  await agent.waitFor("the alias was flipped");
});
