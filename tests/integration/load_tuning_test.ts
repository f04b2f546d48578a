import { deepEqual, equal, ok } from "node:assert/strict";
import { z } from "zod";
import { runToEnd, startAgent } from "./agent_process.ts";
import { runPass } from "./agent_run.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { FILM_COUNT, holdLoad, runOnce, SMALL_STEPS } from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const Indexes = z.record(
  z.string(),
  z.object({
    mappings: z.object({ _meta: z.record(z.string(), z.unknown()) }).partial(),
    settings: z.object({
      index: z.object({
        "refresh_interval": z.string().optional(),
        "number_of_replicas": z.string(),
      }),
    }),
  }),
);

const Found = z.object({ count: z.int() });

/** The index behind the world's name, as a load leaves or changes it. */
async function look(world: World) {
  const { text } = await world.search("GET", `/${world.indexName()}`);
  const [index] = Object.values(Indexes.parse(JSON.parse(text)));
  ok(index);
  const { refresh_interval, number_of_replicas } = index.settings.index;
  const isMarked = index.mappings._meta?.["pg2es"] !== undefined;
  return { isMarked, refresh_interval, number_of_replicas };
}

/** How many documents a search finds, without a refresh. */
async function countFound(world: World): Promise<number> {
  const path = `/${world.indexName()}/_count`;
  return Found.parse(JSON.parse((await world.search("GET", path)).text)).count;
}

/** The bundled configuration of an index with settings of its own. */
async function withSettings(
  settings: Readonly<Record<string, unknown>>,
): Promise<Record<string, string>> {
  const url = new URL("../../index_config.json", import.meta.url);
  const bundled = z.looseObject({ settings: z.looseObject({}) })
    .parse(JSON.parse(await Deno.readTextFile(url)));
  const own = { ...bundled.settings, ...settings };
  const index = JSON.stringify({ ...bundled, settings: own });
  return { "index_config.json": index };
}

/** So long that what is found without a refresh was refreshed by the agent. */
const OWN = { "refresh_interval": "1h", "number_of_replicas": 1 };
const RESTORED = {
  isMarked: false,
  "refresh_interval": "1h",
  "number_of_replicas": "1",
};

Deno.test("an index is tuned while it is loaded, across a kill, and restored before the load is over", async () => {
  await using world = await openWorld({
    settings: SMALL_STEPS,
    files: await withSettings(OWN),
  });
  const tuned = {
    isMarked: true,
    "refresh_interval": "-1",
    "number_of_replicas": "0",
  };
  {
    await using agent = startAgent(world);
    await using _held = await holdLoad(world);
    deepEqual(await look(world), tuned);
    agent.kill("SIGKILL");
    await agent.ended();
  }
  deepEqual(await look(world), tuned);
  const args = ["run", "--once"];
  const { code, stderr } = await runToEnd({ folder: world.folder, args });
  equal(code, 0, stderr);
  deepEqual(await look(world), RESTORED);
  equal(await countFound(world), FILM_COUNT);
  deepEqual(await indexedFilms(world), await readFilms(world));
});

Deno.test("an index that was there before keeps its settings, while it is loaded too", async () => {
  await using world = await openWorld({ files: await withSettings(OWN) });
  await runPass(world);
  const name = world.indexName();
  const path = `/${name}/_settings`;
  await world.search("PUT", path, JSON.stringify({ "refresh_interval": "-1" }));
  const kept = { ...RESTORED, "refresh_interval": "-1" };
  await Deno.remove(world.stateFile); // everything is loaded again
  await runPass(world);
  deepEqual(await look(world), kept);
  // one that somebody else made under the plain name
  const { text } = await world.search("GET", `/${name}`);
  const [physical] = Object.keys(JSON.parse(text));
  await world.search("DELETE", `/${physical}`);
  const body = { settings: { "refresh_interval": "-1" } };
  await world.search("PUT", `/${name}`, JSON.stringify(body));
  await runPass(world);
  deepEqual(await look(world), kept);
  deepEqual(await indexedFilms(world), await readFilms(world));
});

Deno.test("an index that is still tuned after its load is restored by the next start", async () => {
  await using world = await openWorld({
    settings: { "logging.format": "json" },
    files: await withSettings(OWN),
  });
  await runOnce(world);
  const name = world.indexName();
  const settings = { "refresh_interval": "-1", "number_of_replicas": 0 };
  await world.search("PUT", `/${name}/_settings`, JSON.stringify(settings));
  const restore = { "index.refresh_interval": "1h" };
  const meta = { _meta: { pg2es: { restore } } };
  await world.search("PUT", `/${name}/_mapping`, JSON.stringify(meta));
  const { log } = await runOnce(world);
  ok(log.some(({ message }) => message === "index restored after the load"));
  deepEqual(await look(world), RESTORED);
});
