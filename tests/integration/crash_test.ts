import { deepEqual, equal, ok } from "node:assert/strict";
import { startAgent } from "./agent_process.ts";
import {
  countChanged,
  countSettled,
  FILM_COUNT,
  holdLoad,
  holdPass,
  passesOf,
  runOnce,
  SMALL_STEPS,
  until,
} from "./moments.ts";
import { openWorld } from "./world.ts";

Deno.test("an agent killed during the load goes on from the last page", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  {
    await using agent = startAgent(world);
    await using _held = await holdLoad(world);
    agent.kill("SIGKILL");
    equal((await agent.ended()).signal, "SIGKILL");
  }
  const settled = await countSettled(world);
  ok(settled > 0 && settled < FILM_COUNT, `${settled} are settled`);
  const { log } = await runOnce(world);
  const written = FILM_COUNT - settled;
  deepEqual(passesOf(log), [{ kind: "load", written }]);
});

Deno.test("an agent killed again and again gets on each time", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  let settled = 0;
  for (let killCount = 0; killCount < 5; killCount++) {
    await using agent = startAgent(world);
    // a few pages each time, wherever the agent is by then
    await until("two pages more are settled", async () => {
      return await countSettled(world) >= settled + 40;
    });
    agent.kill("SIGKILL");
    await agent.ended();
    const now = await countSettled(world);
    ok(now > settled, `${now} are settled, they were ${settled}`);
    settled = now;
  }
  await runOnce(world);
});

Deno.test("an agent killed in the middle of a pass finds all of its changes again", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await runOnce(world);
  {
    await using agent = startAgent(world);
    await using _held = await holdPass(world);
    agent.kill("SIGKILL");
    await agent.ended();
  }
  const changed = await countChanged(world);
  ok(changed > 0 && changed < FILM_COUNT, `${changed} are changed`);
  await runOnce(world);
});
