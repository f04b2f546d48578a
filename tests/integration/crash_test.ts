import { deepEqual, equal, ok } from "node:assert/strict";
import { runToEnd, startAgent } from "./agent_process.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { countSettled, holdLoad } from "./moments.ts";
import { openWorld } from "./world.ts";

const SETTINGS = { "postgres.page_size": 10, "logging.format": "json" };

Deno.test("an agent killed during the load goes on from the last page", async () => {
  await using world = await openWorld({ settings: SETTINGS });
  const filmCount = (await readFilms(world)).size;
  {
    await using agent = startAgent(world);
    await using _held = await holdLoad(world);
    agent.kill("SIGKILL");
    equal((await agent.ended()).signal, "SIGKILL");
  }
  const settled = await countSettled(world);
  ok(settled > 0 && settled < filmCount, `${settled} are settled`);
  const { code, log } = await runToEnd({
    folder: world.folder,
    args: ["run", "--once"],
  });
  equal(code, 0);
  const passes = log.filter(({ message }) => message === "pass finished");
  deepEqual(passes.map(({ kind, written }) => ({ kind, written })), [
    { kind: "load", written: filmCount - settled },
  ]);
  deepEqual(await indexedFilms(world), await readFilms(world));
});
