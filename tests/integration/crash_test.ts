import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { startAgent } from "./agent_process.ts";
import { indexedFilms, readFilms } from "./films.ts";
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
  untilFollowing,
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

Deno.test({
  name: "an agent whose disk is full waits, and goes on once there is room",
  // a file system of the test's own can be full: only root may make one
  ignore: !canMount(),
  fn: async () => {
    await using world = await openWorld({
      settings: { ...SMALL_STEPS, "state_file_name": "disk/state.yaml" },
    });
    const disk = join(world.folder, "disk");
    await using _disk = await mountSmallDisk(disk);
    const filler = join(disk, "filler");
    await fillDisk(filler);
    await using agent = startAgent(world);
    const { error } = await agent.waitFor("cannot go on, trying again");
    equal(
      error,
      `Cannot write state file ${join(disk, "state.yaml")}: code is ENOSPC. ` +
        "Give the agent a folder it may write to, with free space",
    );
    await Deno.remove(filler);
    await agent.waitFor("goes on");
    await untilFollowing(agent);
    agent.kill("SIGTERM");
    equal((await agent.ended()).code, 0);
    deepEqual(await indexedFilms(world), await readFilms(world));
  },
});

function canMount(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = Deno.makeTempDirSync();
  const { success } = mount(["mount", "-t", "tmpfs", "tmpfs", folder]);
  if (success) mount(["umount", folder]);
  Deno.removeSync(folder);
  return success;
}

function mount(
  [program = "", ...args]: readonly string[],
): Deno.CommandOutput {
  return new Deno.Command(program, { args }).outputSync();
}

/** Makes a folder with room for 64 KB, which is gone once it is disposed of. */
async function mountSmallDisk(folder: string): Promise<Disposable> {
  await Deno.mkdir(folder);
  const words = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder];
  ok(mount(words).success);
  return { [Symbol.dispose]: () => void mount(["umount", folder]) };
}

async function fillDisk(file: string): Promise<void> {
  using opened = await Deno.open(file, { write: true, create: true });
  const block = new Uint8Array(4_096);
  try {
    for (;;) await opened.write(block);
  } catch (error) {
    const isFull = error instanceof Error && "code" in error &&
      error.code === "ENOSPC";
    if (!isFull) throw error;
  }
}
