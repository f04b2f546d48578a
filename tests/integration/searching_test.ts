import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import {
  type AgentProcess,
  runToEnd,
  startAgent as startProcess,
} from "./agent_process.ts";
import { type FaultProxy, startFaultProxy } from "./fault_proxy.ts";
import { readPositionOf, until } from "./moments.ts";
import { openSearcher, type Searcher } from "./searcher.ts";
import { openWorld, type World } from "./world.ts";

const ITEM_COUNT = 3_000;

/** The file of an index whose names are of this type. */
function indexFile(type: string): string {
  const whole = { type: "integer" };
  const properties = { id: whole, name: { type }, version: whole };
  return JSON.stringify({ mappings: { dynamic: "strict", properties } });
}

function openItems(): Promise<World> {
  return openWorld({
    sql: `
      create table item (id int primary key, name text, version int not null default 1,
        updated_at timestamptz not null default clock_timestamp());
      insert into item (id, name) select n, 'item ' || n from generate_series(1, ${ITEM_COUNT}) n`,
    indexes: `
      - name: items
        index_config: items.json
        on_change: reload
        document: select id, name, version from item
        watch: [{table: item}]`,
    files: { "items.json": indexFile("text") },
    settings: {
      "postgres.page_size": 50,
      "postgres.connections": 1,
      "logging.format": "json",
      // so slowly that there is time for what happens meanwhile
      limit: { documents_per_second: 2_000 },
      "elasticsearch.request_timeout": "2s",
    },
  });
}

/** Changes items all the time, and adds some; disposing of it ends that. */
function keepChanging(world: World, searcher: Searcher): AsyncDisposable {
  let isStopped = false;
  let last = ITEM_COUNT;
  async function run(): Promise<void> {
    await using session = await world.connect();
    for (let round = 1; !isStopped; round++) {
      await session.sql(
        `update item set version = version + 1, updated_at = clock_timestamp()
         where id = any(array(select 1 + floor(random() * ${ITEM_COUNT})::int from generate_series(1, 5)))`,
      );
      if (round % 10 === 0) {
        last++;
        await session.sql("insert into item (id, name) values ($1, 'new')", [
          last,
        ]);
        searcher.add([String(last)]);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  const running = run();
  running.catch(() => {}); // thrown when it is disposed of
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await running;
    },
  };
}

const Aliased = z.record(z.string(), z.unknown());

/** The index that is searched, by its own name. */
async function findSearched(world: World): Promise<string> {
  const { text } = await world.search("GET", `/_alias/${world.indexName()}`);
  const names = Object.keys(Aliased.parse(JSON.parse(text)));
  equal(names.length, 1, text);
  return names[0] ?? "";
}

/** The index that is made beside, once it is there. */
async function findNext(world: World, searched: string): Promise<string> {
  let next: string | undefined;
  await until("another index is made", async () => {
    const { text } = await world.search(
      "GET",
      `/${world.indexName()}-*/_alias`,
    );
    next = Object.keys(Aliased.parse(JSON.parse(text)))
      .find((name) => name !== searched);
    return next !== undefined;
  });
  return z.string().parse(next);
}

function startAgent(world: World): AgentProcess {
  return startProcess({ folder: world.folder });
}

async function killHard(agent: AgentProcess): Promise<void> {
  agent.kill("SIGKILL");
  await agent.ended();
}

/** Expects the searched index to have each item as it is in PostgreSQL, in a while. */
async function untilEqual(world: World): Promise<void> {
  const rows = await world.sql("select id::text, version::text from item");
  await until("everything is in the index that is searched", async () => {
    const documents = await world.documents();
    return documents.size === rows.length && rows.every(({ id, version }) => {
      const { source } = documents.get(String(id)) ?? {};
      return source?.includes(`"version":${version}}`) === true;
    });
  });
}

const KNOWN = Array.from({ length: ITEM_COUNT }, (_, place) => `${place + 1}`);

Deno.test("who searches during a reload under changes, faults and kills misses nothing and sees nothing go back", async () => {
  await using world = await openItems();
  const postgres = new URL(world.databaseUrl);
  const search = new URL(world.elasticsearchUrl);
  await using toPostgres = startFaultProxy({
    hostname: postgres.hostname,
    port: Number(postgres.port),
  });
  await using toSearch = startFaultProxy({
    hostname: search.hostname,
    port: Number(search.port),
  });
  await world.configure({
    "postgres.port": toPostgres.port,
    "elasticsearch.node": `http://127.0.0.1:${toSearch.port}`,
  });
  const alias = world.indexName();
  {
    await using agent = startAgent(world);
    await agent.waitFor("pass finished");
    await killHard(agent);
  }
  const before = await findSearched(world);
  await using searcher = openSearcher(world, { alias, known: KNOWN });
  {
    await using _changes = keepChanging(world, searcher);
    const isDone = new AbortController();
    const troubling = trouble({ toPostgres, toSearch }, isDone.signal);
    try {
      const file = join(world.folder, "items.json");
      await Deno.writeTextFile(file, indexFile("keyword"));
      let next: string;
      {
        await using agent = startAgent(world);
        next = await findNext(world, before);
        await until("a third of the other index is filled", async () => {
          const { load } = await readPositionOf(world, next) ?? {};
          return Number(load?.after?.[0] ?? 0) > ITEM_COUNT / 3;
        });
        await killHard(agent);
      }
      {
        await using agent = startAgent(world);
        await agent.waitFor(
          "the other index is full: comparing it with PostgreSQL",
        );
        await killHard(agent);
      }
      {
        await using agent = startAgent(world);
        await agent.waitFor("the alias was flipped");
        await killHard(agent);
      }
      equal(await findSearched(world), next);
    } finally {
      isDone.abort();
      await troubling;
    }
  }
  await using agent = startAgent(world);
  await untilEqual(world);
  deepEqual(searcher.faults, []);
  ok(searcher.count > 200, String(searcher.count));
  agent.kill("SIGTERM");
  equal((await agent.ended()).code, 0);
});

Deno.test("who searches while somebody goes back to the old index misses nothing and sees nothing go back", async () => {
  await using world = await openItems();
  const alias = world.indexName();
  {
    await using agent = startAgent(world);
    await agent.waitFor("pass finished");
    agent.kill("SIGTERM");
    equal((await agent.ended()).code, 0);
  }
  const before = await findSearched(world);
  const file = join(world.folder, "items.json");
  await Deno.writeTextFile(file, indexFile("keyword"));
  await using searcher = openSearcher(world, { alias, known: KNOWN });
  await using agent = startAgent(world);
  {
    await using _changes = keepChanging(world, searcher);
    await agent.waitFor("the alias was flipped");
    const after = await findSearched(world);
    const { folder } = world;
    const args = ["reindex", "--index", alias, "--rollback"];
    const back = await runToEnd({ folder, args });
    equal(back.code, 0, back.stdout + back.stderr);
    equal(back.stdout, `${alias}: ${before} is searched now\n`);
    equal(await findSearched(world), before);
    // and once more forward: what was gone back from is kept as well
    const forth = await runToEnd({ folder, args });
    equal(forth.code, 0, forth.stdout + forth.stderr);
    equal(await findSearched(world), after);
  }
  await untilEqual(world);
  deepEqual(searcher.faults, []);
  ok(searcher.count > 200, String(searcher.count));
  agent.kill("SIGTERM");
  equal((await agent.ended()).code, 0);
});

/**
 * Cuts connections, and holds them up, now and then until the signal is aborted. With PostgreSQL's the writer lock goes, and
 * all begins anew: the time between two of these grows, for machines that are slow.
 */
async function trouble(
  { toPostgres, toSearch }: Record<"toPostgres" | "toSearch", FaultProxy>,
  signal: AbortSignal,
): Promise<void> {
  const pause = (ms: number) =>
    new Promise((resolve) => setTimeout(resolve, ms));
  for (let round = 1; !signal.aborted; round++) {
    await pause(300);
    if (round >= 8 && Number.isInteger(Math.log2(round))) toPostgres.cut();
    else if (round % 3 === 0) {
      using _frost = toSearch.freeze();
      await pause(100);
    } else if (round % 3 === 1) toSearch.cut();
  }
}
