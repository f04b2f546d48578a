import { deepEqual, notDeepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { runAgent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config.ts";
import { recordLog } from "./agent_run.ts";
import { startBulkProxy } from "./history_proxy.ts";
import { until } from "./moments.ts";
import { readSources } from "./tampering.ts";
import { openWorld, type World, type WorldOptions } from "./world.ts";

const ITEM_COUNT = 60;

const QUERY =
  "select id, name, n * 1.10 as price, is_gone as _deleted from item where is_shown";

const ITEMS: WorldOptions = {
  sql: `
    create table item (id int primary key, name text, n int not null default 0, is_gone boolean not null default false,
      is_shown boolean not null default true, updated_at timestamptz not null default now());
    create index on item (updated_at, id);
    insert into item (id, name) select n, 'first' from generate_series(1, ${ITEM_COUNT}) n`,
  indexes: `
    - name: items
      index_config: items.json
      document: ${QUERY}
      sweep: off
      watch: [{table: item}]`,
  files: { "items.json": JSON.stringify({ mappings: { dynamic: false } }) },
  settings: { fetch_delay: "10ms", "postgres.page_size": 10 },
};

/** What is done to the item `$1` in the round `$2`. */
const ACTIONS = [
  `update item set name = 'Ö "\\ ' || $2::int, n = $2, updated_at = now() where id = $1`,
  "update item set is_gone = true, n = $2, updated_at = now() where id = $1",
  "update item set is_shown = not is_shown, n = $2, updated_at = now() where id = $1",
  "update item set is_gone = false, is_shown = true, n = $2, updated_at = now() where id = $1",
];
const REMOVE = "delete from item where id = $1";
const REINSERT = `insert into item (id, name, n) values ($1, 'again', $2)
  on conflict (id) do update set name = 'again', n = excluded.n, updated_at = now()`;

const ROUND_COUNT = 150;

/** Of two passes to come, the second begins when everything so far is committed. */
const CATCH_UP = 2;

Deno.test("runAgent() twice at once keeps one index equal to a table that is written to", async () => {
  await using proxy = startBulkProxy({ clusterUuid: "other" });
  await using world = await openWorld(ITEMS);
  const elasticsearch = proxy.url;
  {
    await using one = startFollower(world.configFile);
    await using other = startFollower(
      await copyConfig(world, { elasticsearch }),
    );
    const agents = [one, other]; // both find no index, and make one
    await Promise.all([0, 1].map((writer) => write(world, { writer, agents })));
    await world.settle();
    await Promise.all(agents.map((agent) => agent.untilPassed(CATCH_UP)));
    for (const agent of agents) ok(agent.counts().written > ITEM_COUNT);
  }
  deepEqual(await readSources(world), await queryItems(world));
});

for (const versions of [true, false]) {
  Deno.test(`runAgent() that is stopped with a request out ${versions ? "takes nothing back" : "without versions takes back"} what another wrote since`, async () => {
    await using proxy = startBulkProxy({ versions, clusterUuid: "other" });
    // a pass is one request
    const settings = { "fetch_delay": "10ms" };
    await using world = await openWorld({ ...ITEMS, settings });
    await using quick = startFollower(world.configFile);
    await quick.untilPassed(CATCH_UP);
    const configFile = await copyConfig(world, { elasticsearch: proxy.url });
    await using slow = startFollower(configFile);
    await slow.untilPassed(CATCH_UP);

    const held = proxy.holdNext();
    using _released = { [Symbol.dispose]: () => held.release() };
    await rename(world, "older");
    await held.arrived;
    await rename(world, "newer");
    await quick.untilPassed(CATCH_UP);
    await quick.stop();
    deepEqual(await readSources(world), await queryItems(world));
    const stopping = slow.stop();
    held.release();
    await stopping;
    const compare = versions ? deepEqual : notDeepEqual;
    compare(await readSources(world), await queryItems(world));
  });
}

/** An agent that follows a world in this process; disposing of it stops it. */
interface Follower extends AsyncDisposable {
  /** How many passes came to their end, and what these wrote. */
  counts(): Counts;
  /** Waits until so many more passes have come to their end; throws what the agent failed with. */
  untilPassed(count: number): Promise<void>;
  /** Stops it as SIGTERM does, and throws what it failed with. */
  stop(): Promise<void>;
}

interface Counts {
  readonly passes: number;
  readonly written: number;
}

const PassFinished = z.object({
  written: z.int(),
  finished: z.literal(true),
});

function startFollower(configFile: string): Follower {
  let counts: Counts = { passes: 0, written: 0 };
  const log = recordLog(({ message, fields }) => {
    const pass = PassFinished.safeParse(fields);
    if (message !== "pass finished" || !pass.success) return;
    counts = {
      passes: counts.passes + 1,
      written: counts.written + pass.data.written,
    };
  });
  const drain = new AbortController();
  const stop = { drain: drain.signal, kill: new AbortController().signal };
  const running = loadConfig(configFile, {})
    .then((loaded) => runAgent(loaded, { log, stop, once: false }));
  let hasEnded = false;
  running.catch(() => {}).finally(() => { // thrown when it is stopped
    hasEnded = true;
  });
  async function end(): Promise<void> {
    drain.abort();
    await running;
  }
  return {
    counts: () => counts,
    async untilPassed(count) {
      const last = counts.passes + count;
      await until(
        "passes are finished",
        () => Promise.resolve(hasEnded || counts.passes >= last),
      );
      if (hasEnded) await running;
    },
    stop: end,
    [Symbol.asyncDispose]: end,
  };
}

/** A folder with the world's configuration in the world's folder, for an agent with a state file of its own. */
async function copyConfig(
  world: World,
  { elasticsearch = world.elasticsearchUrl }: { elasticsearch?: string } = {},
): Promise<string> {
  const folder = await Deno.makeTempDir({ dir: world.folder });
  const config = parseDocument(await Deno.readTextFile(world.configFile));
  config.setIn(["elasticsearch", "node"], elasticsearch);
  await Deno.copyFile(
    join(world.folder, "items.json"),
    join(folder, "items.json"),
  );
  const configFile = join(folder, "config.yaml");
  await Deno.writeTextFile(configFile, config.toString());
  return configFile;
}

async function rename(world: World, name: string): Promise<void> {
  await world.sql(
    "update item set name = $1, updated_at = now() where id = 2",
    [name],
  );
}

/** Writes many small transactions, each of which is open across some of the other writer's; the agents make passes meanwhile. */
async function write(
  world: World,
  { writer, agents }: { writer: number; agents: readonly Follower[] },
): Promise<void> {
  await using session = await world.connect();
  for (let round = 0; round < ROUND_COUNT; round++) {
    const first = (round * 7 + writer * 3) % ITEM_COUNT;
    await session.sql("begin");
    // in the order of their keys: two writers never wait in a circle
    for (let step = 0; step < 3; step++) {
      const values = [1 + (first + step * 5), round];
      const action = ACTIONS[(round + step + writer) % (ACTIONS.length + 1)];
      if (action !== undefined) await session.sql(action, values);
      else {
        await session.sql(REMOVE, values.slice(0, 1));
        await session.sql(REINSERT, values);
      }
    }
    if (round % 5 === 0) {
      await agents[(round / 5 + writer) % agents.length]?.untilPassed(1);
    }
    await session.sql("commit");
  }
}

/** What the index is to hold, as PostgreSQL says it. */
async function queryItems(world: World): Promise<Map<string, string>> {
  const rows = await world.sql(
    `select id::text, row_to_json(q)::text as source
     from (select id, name, price from (${QUERY}) i where not _deleted) q
     order by id::text collate "C"`,
  );
  return new Map(rows.map(({ id, source }) => [id ?? "", source ?? ""]));
}
