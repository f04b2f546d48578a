import { startFaultProxy } from "../integration/fault_proxy.ts";
import { runToEnd, startAgent } from "../integration/agent_process.ts";
import {
  FILM_COUNT,
  retitle,
  until,
  untilFollowing,
} from "../integration/moments.ts";
import { observe, type Observed } from "../integration/observed_world.ts";
import {
  ITEMS,
  openMachine,
  startWriter,
} from "../integration/standby_fixture.ts";
import {
  openWorld,
  type World,
  type WorldOptions,
} from "../integration/world.ts";

/** A real agent on real servers, in a state that the page is to show. */
export interface Scene {
  readonly name: string;
  /** Brings it about in a world with this prefix; returns once the agent tells of it. */
  open(options?: Pick<WorldOptions, "prefix">): Promise<OpenedScene>;
  /** What the page says first then, with the world's own name of the index. */
  headline(indexName: string): string;
}

/** A scene that lasts until it is disposed of. */
export interface OpenedScene extends AsyncDisposable {
  readonly url: string;
  readonly indexName: string;
}

/** So slow that a load lasts for as long as it is looked at. */
const SLOW = {
  "postgres.page_size": 20,
  "limit.documents_per_second": 10,
  "logging.format": "json",
};

/** Amounts, some with a text that is no number, under ids that strangers chose. */
const AMOUNTS: WorldOptions = {
  sql: `
    create table amount (id text primary key, value text, updated_at timestamptz not null default now());
    insert into amount select n, n from generate_series(1, 60) n;
    insert into amount values ('<img src=x onerror=alert(1)>', 'none'), (E'a\u202egpj.exe', 'none'),
      ('0b5dc1a4-9b0e-4b3a-8a2c-0a8f5d2a6f11', 'none'), ('\${jndi:ldap://a}', 'none')`,
  indexes: `
    - name: amounts
      index_config: amounts.json
      document: select id, value from amount
      watch: [{table: amount}]`,
  files: {
    "amounts.json": JSON.stringify({
      mappings: {
        dynamic: "strict",
        properties: { id: { type: "keyword" }, value: { type: "integer" } },
      },
    }),
  },
  settings: { "logging.format": "json" },
};

/** Everything that the page is looked at in. */
export const SCENES: readonly Scene[] = [
  {
    name: "loading",
    headline: (index) => `Loading ${index}`,
    open: (named) =>
      stage(async (stack) => {
        const world = stack.use(await openWorld({ ...named, settings: SLOW }));
        await world.sql("analyze content.film_work");
        const observed = await observe(world);
        stack.use(startAgent(world));
        await until("films are loaded", async () =>
          (await readIndex(observed))?.load?.share !== undefined &&
          await countSettled(observed) > 20);
        return { world, observed };
      }),
  },
  {
    name: "following",
    headline: () => "All is well",
    open: (named) =>
      stage(async (stack) => {
        const world = stack.use(
          await openWorld({
            ...named,
            settings: { "logging.format": "json" },
          }),
        );
        const observed = await observe(world);
        const agent = stack.use(startAgent(world));
        await untilFollowing(agent);
        stack.use(keepRetitling(world));
        await until("there is something to chart", async () => {
          const index = await readIndex(observed);
          return (index?.history.perSecond.length ?? 0) > 1 &&
            await countSettled(observed) > FILM_COUNT;
        });
        return { world, observed };
      }),
  },
  {
    name: "by_the_log",
    headline: () => "All is well",
    open: (named) =>
      stage(async (stack) => {
        const world = stack.use(
          await openWorld({
            ...named,
            follow: "wal",
            settings: { "logging.format": "json" },
          }),
        );
        const observed = await observe(world);
        stack.use(startAgent(world));
        await until("changes come by the log", async () => {
          const { servers } = await observed.status();
          const index = await readIndex(observed);
          return index?.follow?.way === "wal" &&
            servers.postgresql.slot !== undefined;
        });
        stack.use(keepRetitling(world));
        await until("there is something to chart", async () => {
          const index = await readIndex(observed);
          return (index?.history.perSecond.length ?? 0) > 1 &&
            await countSettled(observed) > FILM_COUNT;
        });
        return { world, observed };
      }),
  },
  {
    name: "elasticsearch_away",
    headline: () => "Elasticsearch does not answer",
    open: (named) =>
      stage(async (stack) => {
        const world = stack.use(await openWorld({ ...ITEMS, ...named }));
        const { hostname, port } = new URL(world.elasticsearchUrl);
        const proxy = stack.use(
          startFaultProxy({ hostname, port: Number(port) }),
        );
        const node = `http://${proxy.hostname}:${proxy.port}`;
        await world.configure({ "elasticsearch.node": node });
        const observed = await observe(world);
        const agent = stack.use(startAgent(world));
        await untilFollowing(agent);
        stack.use(proxy.refuse());
        stack.use(startWriter(world));
        await until("it is lost", async () => {
          const { servers } = await observed.status();
          return servers.elasticsearch.state === "lost";
        });
        return { world, observed };
      }),
  },
  {
    name: "dead_letters",
    headline: (index) => `4 documents of ${index} are refused`,
    open: (named) =>
      stage(async (stack) => {
        const world = stack.use(await openWorld({ ...AMOUNTS, ...named }));
        const observed = await observe(world, { show_documents: true });
        const agent = stack.use(startAgent(world));
        await untilFollowing(agent);
        await until("all of them are told", async () => {
          const index = await readIndex(observed);
          return index?.state === "following" && index.deadLetters.count === 4;
        });
        return { world, observed };
      }),
  },
  {
    name: "query_fails",
    headline: (index) => `${index} stands still`,
    open: (named) =>
      stage(async (stack) => {
        const world = stack.use(await openWorld({ ...ITEMS, ...named }));
        const observed = await observe(world);
        const agent = stack.use(startAgent(world));
        await untilFollowing(agent);
        await world.sql("alter table item rename n to m");
        await world.sql("update item set m = m + 1, updated_at = now()");
        await until("it waits", async () =>
          (await readIndex(observed))?.state === "waiting");
        return { world, observed };
      }),
  },
  {
    name: "standby",
    headline: () => "Standby: another agent writes",
    open: (named) =>
      stage(async (stack) => {
        const world = stack.use(await openWorld({ ...ITEMS, ...named }));
        const writer = stack.use(startAgent(world));
        await untilFollowing(writer);
        const observed = await observe(world);
        stack.use(startAgent({ folder: await openMachine(world) }));
        await until("it waits", async () =>
          (await observed.status()).role === "standby");
        return { world, observed };
      }),
  },
  {
    name: "paused",
    headline: (index) => `${index} is paused`,
    open: (named) =>
      stage(async (stack) => {
        const world = stack.use(await openWorld({ ...ITEMS, ...named }));
        const observed = await observe(world);
        const agent = stack.use(startAgent(world));
        await untilFollowing(agent);
        await runToEnd({ folder: world.folder, args: ["pause"] });
        await until("it is paused", async () =>
          (await readIndex(observed))?.state === "paused");
        return { world, observed };
      }),
  },
  {
    name: "reloading",
    headline: (index) => `Loading ${index}`,
    open: (named) =>
      stage(async (stack) => {
        const world = stack.use(
          await openWorld({
            ...named,
            settings: { "logging.format": "json" },
          }),
        );
        await runToEnd({ folder: world.folder, args: ["run", "--once"] });
        await world.sql("analyze content.film_work");
        await world.configure(SLOW);
        const observed = await observe(world);
        const { folder } = world;
        stack.use(startAgent({ folder, args: ["run", "--reload"] }));
        await until("films are loaded again", async () =>
          (await readIndex(observed))?.load?.share !== undefined &&
          await countSettled(observed) > 20);
        return { world, observed };
      }),
  },
];

/** Brings a scene about, and takes down what was put up for it where that fails. */
async function stage(
  build: (
    stack: AsyncDisposableStack,
  ) => Promise<{ world: World; observed: Observed }>,
): Promise<OpenedScene> {
  await using stack = new AsyncDisposableStack();
  const { world, observed } = await build(stack);
  const kept = stack.move();
  return {
    url: `${observed.url}/`,
    indexName: world.indexName(),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function readIndex(observed: Observed) {
  const { indexes: [index] } = await observed.status();
  return index;
}

async function countSettled(observed: Observed): Promise<number> {
  const index = await readIndex(observed);
  if (index === undefined) return 0;
  const { written, superseded } = index.documents;
  return written + superseded;
}

/** Gives a film new titles, some a second, until it is disposed of. */
function keepRetitling(world: World): AsyncDisposable {
  let isStopped = false;
  async function work(): Promise<void> {
    for (let n = 1; !isStopped; n++) {
      await retitle(world, `title ${n}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  const working = work();
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await working;
    },
  };
}
