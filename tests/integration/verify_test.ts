import { deepEqual, equal, match, ok } from "node:assert/strict";
import { z } from "zod";
import { type Ending, expectTold, runToEnd } from "./agent_process.ts";
import { runPass, startAgent } from "./agent_run.ts";
import { itemsWorld, readSources, tamper } from "./tampering.ts";
import { openWorld, type World } from "./world.ts";

const Verified = z.object({
  equal: z.boolean(),
  indexes: z.array(z.looseObject({ index: z.string(), equal: z.boolean() })),
});

/** The agent's `verify`, as a process. */
async function verify(world: World, ...args: string[]): Promise<Ending> {
  const { folder } = world;
  return await runToEnd({ folder, args: ["verify", ...args] });
}

/** What it tells as JSON, in one line and nothing else. */
function parse({ stdout, stderr }: Ending) {
  ok(/^\{.*\}\n$/.test(stdout), `${stdout}\n${stderr}`);
  return Verified.parse(JSON.parse(stdout));
}

Deno.test("verify tells what differs, changes nothing, and repairs when told to", async () => {
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count: 50 }),
  );
  await runPass(world);
  const name = world.indexName();
  const state = await Deno.readTextFile(world.stateFile);
  const loaded = await readSources(world);
  const equalEnding = await verify(world);
  equal(equalEnding.code, 0, equalEnding.stderr);
  match(
    equalEnding.stdout,
    new RegExp(
      `^${name}: equal; 50 documents in PostgreSQL, 50 in ${name}-\\w+, compared by content in [\\d.]+ s\n$`,
    ),
  );

  await tamper(world, [
    { id: "1" },
    { id: "2" },
    { id: "3" },
    { id: "4", source: '{"id":4}' },
    { id: "none", source: "{}" },
    { id: "51", source: "{}" },
  ]);
  const tampered = await readSources(world);
  const different = await verify(world, "--json", "--show", "2");
  equal(different.code, 1, different.stderr);
  const { indexes: [found], ...rest } = parse(different);
  deepEqual(rest, { equal: false });
  deepEqual({ ...found, name: "", seconds: 0 }, {
    index: name,
    name: "",
    equal: false,
    compared: "content",
    documents: 50,
    indexed: 49,
    missing: 3,
    different: 1,
    extra: 2,
    changing: 0,
    unreadable: 0,
    ids: { missing: ["1", "2"], different: ["4"], extra: ["none", "51"] },
    seconds: 0,
  });
  deepEqual(await readSources(world), tampered);

  const repaired = await verify(world, "--repair", "--index", name);
  equal(repaired.code, 0, repaired.stderr);
  match(repaired.stdout, /\n {2}missing 3: 1, 2, 3\n/);
  match(repaired.stdout, /\n {2}repaired: 6 written\n$/);
  deepEqual(await readSources(world), loaded);
  equal(await Deno.readTextFile(world.stateFile), state);
});

Deno.test("verify --repair deletes more than max_delete only with --force", async () => {
  const count = 500;
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count }),
  );
  await runPass(world);
  await world.sql("truncate item");
  const refused = await verify(world, "--repair");
  equal(refused.code, 1, refused.stderr);
  match(
    refused.stdout,
    /nothing was deleted: at least 500 of 500 documents are not in PostgreSQL; .* --force/,
  );
  equal((await readSources(world)).size, count);
  const forced = await verify(world, "--repair", "--force", "--json");
  equal(forced.code, 0, forced.stderr);
  deepEqual(parse(forced).indexes[0]?.["repaired"], {
    written: count,
    superseded: 0,
    rejected: 0,
  });
  equal((await readSources(world)).size, 0);
});

Deno.test("verify does not take for different what changes while it looks", async () => {
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count: 3_000 }),
  );
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", { kind: "load" });
  const change = `
    update item set name = name || '.', updated_at = clock_timestamp()
    where id in (select 1 + (random() * 2999)::int from generate_series(1, 200));
    insert into item (id, name, updated_at)
    select max(id) + 1, 'new', clock_timestamp() from item`;
  let isVerified = false;
  async function changeAlways(): Promise<void> {
    await using session = await world.connect();
    while (!isVerified) await session.sql(change);
  }
  const changing = changeAlways();
  const ending = await verify(world, "--json").finally(() => isVerified = true);
  await changing;
  equal(ending.code, 0, `${ending.stdout}${ending.stderr}`);
});

Deno.test("verify --ids tells what differs field by field", async () => {
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count: 9 }),
  );
  await runPass(world);
  await tamper(world, [
    { id: "1" },
    { id: "2", source: '{"id":2,"price":1.50,"colour":{"red":1}}' },
    { id: "3", source: '{"price":1.5,"name":"item 3","id":3}' },
    { id: "x", source: "{}" },
  ]);
  const ids = ["1", "2", "3", "4", "x", "y"];
  const told = await verify(world, "--ids", ...ids);
  equal(told.code, 1, told.stderr);
  const name = world.indexName();
  deepEqual(told.stdout.split("\n"), [
    `${name} 1: in PostgreSQL, not in the index`,
    `${name} 2: different`,
    "  name",
    '    PostgreSQL: "item 2"',
    "    index:      absent",
    "  colour",
    "    PostgreSQL: absent",
    '    index:      {"red":1}',
    `${name} 3: the same fields, in other bytes`,
    `${name} 4: equal`,
    `${name} x: in the index, not in PostgreSQL`,
    `${name} y: in neither`,
    "",
  ]);
  equal((await verify(world, "--ids", "4", "--json")).code, 0);
  equal((await verify(world, "--ids", ...ids, "--repair")).code, 0);
  equal((await verify(world)).code, 0);
});

Deno.test("verify tells what it cannot do", async () => {
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count: 9 }),
  );
  const missing = await verify(world);
  expectTold(missing, {
    code: 1,
    lines: [/^Cannot find index w\w+-items: it was deleted/],
  });
  expectTold(await verify(world, "--index", "films"), {
    code: 2,
    lines: [/^--index: there is no index films, write one of w\w+-items$/],
  });
  equal((await verify(world, "--show", "many")).code, 2);
});
