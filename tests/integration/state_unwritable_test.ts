import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { readState } from "../../src/state_file.ts";
import { type AgentProcess, startAgent } from "./agent_process.ts";
import { asMortal, canMount, fillDisk, mountSmallDisk } from "./disks.ts";
import {
  expectEqual,
  namesIn,
  openItems,
  readText,
  runOnce,
} from "./few_items.ts";
import { until } from "./moments.ts";
import type { World } from "./world.ts";

/** Waits until the agent says that it cannot write the state file. */
async function untilUnwritable(
  agent: AgentProcess,
  code: string,
): Promise<void> {
  const { error } = await agent.waitFor("cannot go on, trying again");
  match(
    String(error),
    new RegExp(
      `^Cannot write state file .*state\\.yaml: code is ${code}\\. Give the agent a folder it may write to, with free space$`,
    ),
  );
}

/** What the file holds while it cannot be written, and after. */
async function expectWaits(
  world: World,
  { agent, file, code, mend }: {
    agent: AgentProcess;
    file: string;
    code: string;
    mend: () => Promise<void>;
  },
): Promise<void> {
  await untilUnwritable(agent, code);
  equal(await readText(file), undefined);
  await mend();
  await agent.waitFor("goes on");
  await until("the load is saved as finished", async () => {
    const position = (await readState(file)).positions[world.indexName()];
    return position !== undefined && position.load === undefined;
  });
  agent.kill("SIGTERM");
  equal((await agent.ended()).code, 0);
  await expectEqual(world);
}

Deno.test("pg2es waits for a folder that it may not write to", async () => {
  await using world = await openItems();
  const folder = join(world.folder, "state");
  await Deno.mkdir(folder, { mode: 0o500 });
  await world.configure({ "state_file_name": "state/state.yaml" });
  const through = asMortal();
  await using agent = startAgent({ folder: world.folder, through });
  const file = join(folder, "state.yaml");
  const mend = () => Deno.chmod(folder, 0o700);
  await expectWaits(world, { agent, file, code: "EACCES", mend });
});

Deno.test({
  name: "pg2es waits while the disk of the state file is full",
  ignore: !canMount(),
  fn: async () => {
    await using world = await openItems();
    const folder = join(world.folder, "disk");
    using _disk = await mountSmallDisk(folder);
    await world.configure({ "state_file_name": "disk/state.yaml" });
    const filler = join(folder, "filler");
    await fillDisk(filler);
    await using agent = startAgent(world);
    const file = join(folder, "state.yaml");
    const mend = () => Deno.remove(filler);
    await expectWaits(world, { agent, file, code: "ENOSPC", mend });
    deepEqual(await namesIn(folder), ["state.yaml"]);
  },
});

Deno.test({
  name:
    "pg2es waits while the file system of the state file is read-only, and leaves what is there",
  ignore: !canMount(),
  fn: async () => {
    await using world = await openItems();
    const folder = join(world.folder, "disk");
    using disk = await mountSmallDisk(folder);
    await world.configure({ "state_file_name": "disk/state.yaml" });
    equal((await runOnce(world)).code, 0);
    const file = join(folder, "state.yaml");
    const text = await Deno.readTextFile(file);
    await world.sql("update item set name = 'changed', updated_at = now()");
    const locked = disk.lock();
    await using agent = startAgent(world);
    await untilUnwritable(agent, "EROFS");
    equal(await Deno.readTextFile(file), text);
    deepEqual(await namesIn(folder), ["state.yaml"]);
    locked[Symbol.dispose]();
    await agent.waitFor("goes on");
    await agent.waitFor("pass finished");
    agent.kill("SIGTERM");
    equal((await agent.ended()).code, 0);
    ok(await Deno.readTextFile(file) !== text);
    await expectEqual(world);
  },
});

Deno.test({
  name:
    "pg2es waits for the writer lock also where that is lost while the disk of the state file is full",
  ignore: !canMount(),
  fn: async () => {
    await using world = await openItems();
    const folder = join(world.folder, "disk");
    using _disk = await mountSmallDisk(folder);
    await world.configure({ "state_file_name": "disk/state.yaml" });
    const filler = join(folder, "filler");
    await fillDisk(filler);
    await using agent = startAgent(world);
    await untilUnwritable(agent, "ENOSPC");
    await world.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'pg2es writer lock'`,
    );
    await agent.waitFor("writer lock lost, waiting for it again");
    await untilUnwritable(agent, "ENOSPC");
    await Deno.remove(filler);
    await agent.waitFor("pass finished");
    agent.kill("SIGTERM");
    equal((await agent.ended()).code, 0);
    await expectEqual(world);
  },
});

Deno.test("pg2es waits while a folder is where the draft of the state file goes", async () => {
  await using world = await openItems();
  const draft = `${world.stateFile}.draft`;
  await Deno.mkdir(join(draft, "full"), { recursive: true });
  await using agent = startAgent(world);
  const file = world.stateFile;
  const mend = () => Deno.remove(draft, { recursive: true });
  await expectWaits(world, { agent, file, code: "ENOTEMPTY", mend });
});
