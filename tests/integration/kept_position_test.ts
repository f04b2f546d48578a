import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { type Ending, runToEnd, startAgent } from "./agent_process.ts";
import { until, untilFollowing } from "./moments.ts";
import { ITEMS, openMachine } from "./standby_fixture.ts";
import { openWorld, type World } from "./world.ts";

const GOING_ON = "going on from the position kept in Elasticsearch";
const UNKEPT = "cannot keep the position in Elasticsearch";
const KEPT_AGAIN = "the position is kept again";

Deno.test("an agent on another machine goes on without a load, and the first machine after it", async () => {
  await using kept = await openKept();
  const { world, name } = kept;
  deepEqual(kindsOf(await runOn(world.folder)), ["load"]);
  await bump(world);
  const other = await openMachine(world);
  const away = await runOn(other);
  deepEqual(kindsOf(away), ["follow"]);
  ok(away.log.some(({ message }) => message === GOING_ON));
  equal(await readItem(world), 1);
  const { text } = await world.search("GET", `/${name}?expand_wildcards=all`);
  ok(text.includes('"hidden":"true"'), text);

  await bump(world);
  const back = await runOn(world.folder);
  deepEqual(kindsOf(back), ["follow"]);
  ok(back.log.some(({ message }) => message === GOING_ON));
  equal(await readItem(world), 2);
});

Deno.test("an agent goes on after kill -9 from what is kept since the end of its load", async () => {
  await using kept = await openKept();
  const { world } = kept;
  await using agent = startAgent(world);
  await untilFollowing(agent);
  await until("a position is kept", () => kept.isKept());
  agent.kill("SIGKILL");
  await agent.ended();
  await bump(world);
  const other = await openMachine(world);
  deepEqual(kindsOf(await runOn(other)), ["follow"]);
});

Deno.test("run --reload loads everything again, whatever is on disk and kept, a broken file too", async () => {
  await using kept = await openKept();
  const { world } = kept;
  const args = ["run", "--once", "--reload"];
  await world.sql("update item set updated_at = now() - interval '1 day'");
  await runOn(world.folder);
  await world.sql("update item set n = 7 where id = 1"); // its stamp stays
  await world.sql("insert into item (id) values (21)");
  deepEqual(kindsOf(await runOn(world.folder)), ["follow"]);
  equal(await readItem(world), 0);
  deepEqual(kindsOf(await runOn(world.folder, args)), ["load"]);
  equal(await readItem(world), 7);
  await Deno.writeTextFile(world.stateFile, "broken: [");
  deepEqual(kindsOf(await runOn(world.folder, args)), ["load"]);
  await bump(world);
  const other = await openMachine(world);
  deepEqual(kindsOf(await runOn(other)), ["follow"]);
});

Deno.test("an agent makes the index of the positions anew, waits for nothing of it, and can do without", async () => {
  await using kept = await openKept();
  const { world, name } = kept;
  await runOn(world.folder);
  equal((await world.search("DELETE", `/${name}`)).status, 200);
  await bump(world);
  deepEqual(kindsOf(await runOn(world.folder)), ["follow"]);
  ok(await kept.isKept());
  await kept.block(true);
  {
    await using agent = startAgent(world);
    await bump(world);
    await agent.waitFor(UNKEPT);
    await bump(world);
    await until("it is followed", async () => await readItem(world) === 3);
    await kept.block(false);
    await agent.waitFor(KEPT_AGAIN);
    agent.kill("SIGTERM");
    const { code, log } = await agent.ended();
    equal(code, 0);
    equal(log.filter(({ message }) => message === UNKEPT).length, 1);
  }
  const off = { "elasticsearch.position_index": "off" };
  const other = await openMachine(world, off);
  const { text } = await kept.read();
  deepEqual(kindsOf(await runOn(other)), ["load"]);
  equal((await kept.read()).text, text);
});

/** A world with an index of positions of its own. */
async function openKept() {
  const world = await openWorld(ITEMS);
  const name = `${world.indexName()}-positions`;
  await world.configure({ "elasticsearch.position_index": name });
  const read = async () => {
    await world.search("POST", `/${name}/_refresh`);
    return await world.search("GET", `/${name}/_search?filter_path=hits.hits`);
  };
  return {
    world,
    name,
    read,
    async isKept() {
      const { text } = await read();
      return text.includes("saved_at") && !text.includes('\\"load\\"');
    },
    async block(isBlocked: boolean) {
      const body = JSON.stringify({ "index.blocks.write": isBlocked });
      const path = `/${name}/_settings`;
      equal((await world.search("PUT", path, body)).status, 200);
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

async function runOn(
  folder: string,
  args: readonly string[] = ["run", "--once"],
): Promise<Ending> {
  const config = ["--config", join(folder, "config.yaml")];
  const ending = await runToEnd({ folder, args: [...args, ...config] });
  equal(ending.code, 0, ending.stderr);
  return ending;
}

function kindsOf({ log }: Ending): unknown[] {
  return log.filter(({ message }) => message === "pass finished")
    .map(({ kind }) => kind);
}

/** Changes the first item. */
async function bump(world: World): Promise<void> {
  await world.sql("update item set n = n + 1, updated_at = now() where id = 1");
  await world.settle();
}

/** What the index has of the first item. */
async function readItem(world: World): Promise<number> {
  const path = `/${world.indexName()}/_source/1`;
  const { text } = await world.search("GET", path);
  return Number(/"n":(\d+)/.exec(text)?.[1]);
}
