import { deepEqual, equal, match, ok } from "node:assert/strict";
import { z } from "zod";
import { StatusReport } from "../../src/status_report.ts";
import { runToEnd, startAgent } from "./agent_process.ts";
import { until, untilFollowing } from "./moments.ts";
import { observe } from "./observed_world.ts";
import { ITEMS, openMachine, startWriter } from "./standby_fixture.ts";
import { openWorld, type World } from "./world.ts";

const CaughtUp = z.object({
  caughtUp: z.boolean(),
  indexes: z.array(z.object({
    name: z.string(),
    caughtUp: z.boolean(),
    reason: z.string().optional(),
  })),
});

const Hits = z.object({
  hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }),
});

/** What `status --caught-up` says, and its status. */
async function askCaughtUp(
  world: World,
  { wait = "60s", folder = world.folder } = {},
) {
  const args = ["status", "--caught-up", "--json", "--wait", wait];
  const { code, stdout, stderr } = await runToEnd({ folder, args });
  ok(code === 0 || code === 1, stderr);
  const { caughtUp, indexes: [index] } = CaughtUp.parse(JSON.parse(stdout));
  equal(caughtUp, code === 0);
  equal(index?.caughtUp, caughtUp);
  return { caughtUp, reason: index.reason };
}

/** Adds an item with this number. */
async function addItem(world: World, id: number): Promise<void> {
  await world.sql("insert into item (id) values ($1)", [id]);
}

/** Whether a search, and not a reading by id, finds an item. */
async function isFound(world: World, id: number): Promise<boolean> {
  const { text } = await world.search(
    "GET",
    `/${world.indexName()}/_search?q=_id:${id}`,
  );
  return Hits.parse(JSON.parse(text)).hits.hits.length === 1;
}

Deno.test("pg2es status tells what the running agent tells, and without one what it left", async () => {
  await using world = await openWorld(ITEMS);
  const observed = await observe(world);
  const { folder } = world;
  const read = async () => {
    const args = ["status", "--json"];
    const { code, stdout, stderr } = await runToEnd({ folder, args });
    equal(code, 0, stderr);
    return StatusReport.parse(JSON.parse(stdout));
  };
  const never = await read();
  equal(never.role, "none");
  equal(never.indexes[0]?.state, "waiting");
  equal(never.readiness.ok, false);
  {
    await using agent = startAgent(world);
    await untilFollowing(agent);
    await until(
      "it follows",
      async () => (await observed.status()).indexes[0]?.state === "following",
    );
    const report = await read();
    equal(report.from, "agent");
    equal(report.role, "writer");
    equal(report.indexes[0]?.documents.written, 20);
    const { stdout, code } = await runToEnd({ folder, args: ["status"] });
    equal(code, 0);
    match(stdout, /^pg2es \d+\.\d+\.\d+, writer since .*\nhealthy\nready\n/);
    match(stdout, /\n {2}documents 20 written, 0 superseded, 0 rejected; /);
    ok(!stdout.includes("\x1b"), "colours are for a terminal");
    await world.configure({ "http.port": "off" });
    const saved = await read();
    equal(saved.from, "state");
    equal(saved.role, "writer");
    equal(saved.health.ok, true);
    equal(saved.indexes[0]?.state, "following");
    equal(saved.indexes[0].physicalIndex, report.indexes[0].physicalIndex);
    agent.kill("SIGTERM");
    equal((await agent.ended()).code, 0);
  }
  const left = await read();
  equal(left.role, "none");
  deepEqual(left.health.reasons, ["no agent writes"]);
  deepEqual(left.indexes[0]?.tables.map(({ name }) => name), ["item"]);
  ok(left.indexes[0].lagSeconds !== undefined);
});

for (const http of ["on", "off"]) {
  Deno.test(`pg2es status --caught-up waits until what was committed before it is found by a search, with http ${http}`, async () => {
    await using world = await openWorld({
      ...ITEMS,
      // nothing is found before it is refreshed
      files: {
        "items.json": JSON.stringify({
          settings: { "index.refresh_interval": "-1" },
          mappings: { dynamic: false },
        }),
      },
    });
    if (http === "on") await observe(world);
    await using agent = startAgent(world);
    await untilFollowing(agent);
    for (let id = 100; id < 104; id++) {
      await addItem(world, id);
      deepEqual(await askCaughtUp(world), {
        caughtUp: true,
        reason: undefined,
      });
      ok(await isFound(world, id), `${id}`);
    }
  });

  Deno.test(`pg2es status --caught-up ends while others write all the time, with http ${http}`, async () => {
    await using world = await openWorld(ITEMS);
    if (http === "on") await observe(world);
    await using agent = startAgent(world);
    await untilFollowing(agent);
    await using _changes = startWriter(world);
    await addItem(world, 100);
    ok((await askCaughtUp(world)).caughtUp);
    ok(await isFound(world, 100));
  });

  Deno.test(`pg2es status --caught-up says why it is not so in time, with http ${http}`, async () => {
    await using world = await openWorld(ITEMS);
    if (http === "on") await observe(world);
    await using agent = startAgent(world);
    await untilFollowing(agent);
    const { folder } = world;
    equal((await runToEnd({ folder, args: ["pause"] })).code, 0);
    await agent.waitFor("paused");
    await addItem(world, 100);
    const { caughtUp, reason } = await askCaughtUp(world, { wait: "1s" });
    equal(caughtUp, false);
    match(
      reason ?? "",
      http === "on" ? /^it is paused since / : /^rows were changed since /,
    );
    equal((await runToEnd({ folder, args: ["resume"] })).code, 0);
    ok((await askCaughtUp(world)).caughtUp);
    ok(await isFound(world, 100));
  });
}

Deno.test("pg2es status --caught-up goes by what was saved where no agent runs", async () => {
  await using world = await openWorld(ITEMS);
  const { folder } = world;
  const now = { wait: "0s" };
  match((await askCaughtUp(world, now)).reason ?? "", /it was never loaded/);
  const once = async () => {
    const { code, stderr } = await runToEnd({
      folder,
      args: ["run", "--once"],
    });
    equal(code, 0, stderr);
  };
  await once();
  await world.settle();
  await once();
  ok((await askCaughtUp(world, now)).caughtUp);

  // committed before the call, by a transaction that was open when the position was saved
  const session = await world.connect();
  await session.sql("begin");
  await session.sql("insert into item (id) values (200)");
  await once();
  await session.sql("commit");
  await session[Symbol.asyncDispose]();
  const late = await askCaughtUp(world, now);
  equal(late.caughtUp, false);
  match(late.reason ?? "", /^rows were changed since /);
  await once();
  await world.settle();
  await once();
  ok((await askCaughtUp(world, now)).caughtUp);
  ok(await isFound(world, 200));

  // on another machine, by the position in Elasticsearch
  const other = await openMachine(world);
  ok((await askCaughtUp(world, { ...now, folder: other })).caughtUp);
  await addItem(world, 201);
  equal((await askCaughtUp(world, { ...now, folder: other })).caughtUp, false);

  // people reach no index, or another one
  await once();
  const { text } = await world.search("GET", `/_alias/${world.indexName()}`);
  const [physical = ""] = Object.keys(JSON.parse(text));
  equal((await world.search("DELETE", `/${physical}`)).status, 200);
  match(
    (await askCaughtUp(world, now)).reason ?? "",
    /^the name stands for another index|^rows were changed/,
  );
});

Deno.test("pg2es status refuses what is no duration, and an index that is not there", async () => {
  await using world = await openWorld(ITEMS);
  const { folder } = world;
  const wait = ["status", "--caught-up", "--wait", "soon"];
  equal((await runToEnd({ folder, args: wait })).code, 2);
  const other = await runToEnd({ folder, args: ["status", "--index", "x"] });
  equal(other.code, 2);
  match(other.stderr, /--index: there is no index x, write one of /);
});
