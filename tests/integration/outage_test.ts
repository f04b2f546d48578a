import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { freeSearchPort, startElasticsearch } from "../../dev/elasticsearch.ts";
import { openFolder } from "../../dev/folder.ts";
import { startPostgres } from "../../dev/postgres.ts";
import { type AgentProcess, startAgent } from "./agent_process.ts";
import { indexedFilms, readFilms } from "./films.ts";
import {
  holdLoad,
  retitle,
  runOnce,
  SMALL_STEPS,
  until,
  untilFollowed,
  untilFollowing,
  untilHeld,
} from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const LOST = "connection lost, trying again";
const BACK = "connection is back";
const MADE = "index made";

/** A server that is going to be away for a while. */
interface Outage {
  /** Where the agents' servers are. */
  readonly servers: { readonly postgres?: string; elasticsearch?: string };
  readonly begin: () => Promise<void>;
  readonly end: () => Promise<void>;
}

for (const mode of ["fast", "immediate"] as const) {
  Deno.test(`agents outlive PostgreSQL that is stopped, ${mode}, and started`, async () => {
    await using folder = await openServerFolder();
    await using postgres = await startPostgres({ folder: folder.path });
    await outlive({
      servers: { postgres: postgres.url },
      begin: () => postgres.stop(mode),
      end: () => postgres.start(),
    });
  });
}

Deno.test("agents outlive Elasticsearch that starts late, is stopped, killed, and started", async () => {
  await using folder = await openServerFolder();
  const port = freeSearchPort();
  const servers = { elasticsearch: `http://127.0.0.1:${port}` };
  await using stack = new AsyncDisposableStack();
  const early = stack.use(
    await openWorld({ ...servers, settings: SMALL_STEPS }),
  );
  const agent = stack.use(startAgent(early));
  await agent.waitFor(LOST);
  await using elasticsearch = await startElasticsearch({
    folder: folder.path,
    port,
  });
  await agent.waitFor(BACK);
  await untilFollowing(agent);
  await expectEqual(early, agent);
  for (const end of ["stop", "kill"] as const) {
    await outlive({
      servers,
      begin: () => elasticsearch[end](),
      end: () => elasticsearch.start(),
    });
  }
  await stack.disposeAsync(); // while the server is there
});

Deno.test("agents outlive that all their sessions are ended", async () => {
  await using worlds = await openWorlds({});
  const { loading, following } = worlds;
  await using follower = startAgent(following);
  await untilFollowing(follower);
  await using loader = startAgent(loading);
  {
    await using _held = await holdLoad(loading);
    await untilHeld(loading);
    for (const world of [loading, following]) {
      const ended = await world.sql(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'pg2es'`,
      );
      ok(ended.length > 0);
    }
    await loader.waitFor(LOST);
  }
  await loader.waitFor(BACK);
  await untilFollowing(loader);
  await untilFollowed(following, "after their end");
  await expectEqual(loading, loader);
  await expectEqual(following, follower);
});

Deno.test("an agent makes an index that was deleted anew, and loads it", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await using agent = startAgent(world);
  await untilFollowing(agent);
  const index = await findIndex(world);
  equal((await world.search("DELETE", `/${index}`)).status, 200);
  await retitle(world, "after the index was deleted");
  await agent.waitFor(MADE);
  await untilFollowing(agent);
  await untilFollowed(world, "after it was made anew");
  await expectEqual(world, agent);
  equal(await findIndex(world), index);
});

Deno.test("an agent makes an index that is deleted during the load anew", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await using agent = startAgent(world);
  await agent.waitFor(MADE);
  {
    await using _held = await holdLoad(world);
    const index = await findIndex(world);
    equal((await world.search("DELETE", `/${index}`)).status, 200);
  }
  await agent.waitFor(MADE);
  await untilFollowing(agent);
  await expectEqual(world, agent);
});

Deno.test("an agent gives an index its aliases again", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await using agent = startAgent(world);
  await untilFollowing(agent);
  const index = await findIndex(world);
  const path = `/${index}/_alias/*`;
  equal((await world.search("DELETE", path)).status, 200);
  equal((await world.search("HEAD", `/${world.indexName()}`)).status, 404);
  const id = await retitle(world, "after the aliases were deleted");
  await until("the aliases are there again", async () => {
    const found = `/${world.indexName()}/_doc/${id}`;
    return (await world.search("HEAD", found)).status === 200;
  });
  await untilFollowed(world, "after they were made anew");
  await expectEqual(world, agent);
  equal(await findIndex(world), index);
});

/**
 * An outage that strikes four agents: one that loads, one that follows, one that is told to stop meanwhile, and one that
 * is started meanwhile.
 */
async function outlive({ servers, begin, end }: Outage): Promise<void> {
  await using worlds = await openWorlds(servers);
  const { loading, following, stopping, starting } = worlds;
  await using follower = startAgent(following);
  await using stopper = startAgent(stopping);
  await untilFollowing(follower);
  await untilFollowing(stopper);
  await using loader = startAgent(loading);
  {
    await using _held = await holdLoad(loading);
    await untilHeld(loading);
    await begin();
  }
  if (servers.postgres === undefined) {
    // only a document that has to be written shows that Elasticsearch is away
    await retitle(following, "during the outage");
    await retitle(stopping, "during the outage");
  }
  await using starter = startAgent(starting);
  for (const agent of [loader, follower, stopper, starter]) {
    await agent.waitFor(LOST);
  }
  stopper.kill("SIGTERM");
  equal((await stopper.ended()).code, 0);
  await end();
  for (const agent of [loader, follower, starter]) await agent.waitFor(BACK);
  await untilFollowing(loader);
  await untilFollowing(starter);
  await untilFollowed(following, "after the outage");

  await expectOutage(loading, loader);
  await expectOutage(following, follower);
  // Elasticsearch answers before all of its indexes do: the kept position may have to be waited for once more
  const told = toldOf(await expectEqual(starting, starter));
  deepEqual(told, told.map((_, place) => place % 2 === 0 ? LOST : BACK));
  ok(told.length >= 2 && told.at(-1) === BACK);
  await retitle(stopping, "after the stop");
  await runOnce(stopping);
}

/** Stops the agent, and holds its index against PostgreSQL. */
async function expectEqual(
  world: World,
  agent: AgentProcess,
): Promise<readonly string[]> {
  agent.kill("SIGTERM");
  const { code, log, stderr } = await agent.ended();
  equal(code, 0, stderr);
  deepEqual(await indexedFilms(world), await readFilms(world));
  return log.map(({ message }) => message);
}

/** What {@linkcode expectEqual} expects, and that the log tells of one outage: when it began and when it was over. */
async function expectOutage(world: World, agent: AgentProcess): Promise<void> {
  const messages = await expectEqual(world, agent);
  deepEqual(toldOf(messages), [LOST, BACK], messages.join("\n"));
}

function toldOf(messages: readonly string[]): string[] {
  return messages.filter((text) => text === LOST || text === BACK);
}

/** The own name of the index behind the alias that people search. */
async function findIndex(world: World): Promise<string> {
  const { text } = await world.search("GET", `/_alias/${world.indexName()}`);
  const names = Object.keys(z.looseObject({}).parse(JSON.parse(text)));
  equal(names.length, 1);
  return z.string().parse(names[0]);
}

interface Worlds extends AsyncDisposable {
  readonly loading: World;
  readonly following: World;
  readonly stopping: World;
  readonly starting: World;
}

async function openWorlds(servers: Outage["servers"]): Promise<Worlds> {
  await using opened = new AsyncDisposableStack();
  const open = async () =>
    opened.use(await openWorld({ ...servers, settings: SMALL_STEPS }));
  const loading = await open();
  const following = await open();
  const stopping = await open();
  const starting = await open();
  const kept = opened.move();
  return {
    loading,
    following,
    stopping,
    starting,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A folder for a server of one test, removed with it. */
async function openServerFolder(): Promise<AsyncDisposable & { path: string }> {
  const all = fileURLToPath(new URL("../../.servers/", import.meta.url));
  const path = await openFolder(join(all, `outage-${crypto.randomUUID()}`));
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
