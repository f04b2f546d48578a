import { deepEqual, equal, match } from "node:assert/strict";
import { type Ending, expectTold, runToEnd } from "./agent_process.ts";
import { runPass } from "./agent_run.ts";
import { itemsWorld, readSources, tamper } from "./tampering.ts";
import { openWorld, type World } from "./world.ts";

async function refresh(world: World, ...args: string[]): Promise<Ending> {
  const index = ["--index", world.indexName()];
  const { folder } = world;
  return await runToEnd({ folder, args: ["refresh", ...index, ...args] });
}

Deno.test("refresh settles the documents with these ids, and no others", async () => {
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count: 9 }),
  );
  await runPass(world);
  const loaded = await readSources(world);
  await tamper(world, [
    { id: "1" },
    { id: "2", source: "{}" },
    { id: "3", source: "{}" },
    { id: "x", source: "{}" },
    { id: "10", source: "{}" },
    { id: "11", source: "{}" },
  ]);
  const ending = await refresh(world, "--ids", "1", "2", "1", "x", "10");
  equal(ending.code, 0, ending.stderr);
  equal(
    ending.stdout,
    `${world.indexName()}: 4 documents read again, 4 written\n`,
  );
  deepEqual(
    await readSources(world),
    new Map([...loaded, ["11", "{}"], ["3", "{}"]]),
  );
});

Deno.test("refresh settles the documents of the rows for which a condition holds", async () => {
  await using world = await openWorld({
    ...itemsWorld({ type: "int", key: "n", count: 5_000 }),
    settings: { "postgres.page_size": 300 },
  });
  await runPass(world);
  const loaded = await readSources(world);
  const ids = [...loaded.keys()];
  await tamper(world, ids.map((id) => ({ id, source: "{}" })));
  const ending = await refresh(
    world,
    "--where",
    "name like '%7' or n <= 2 -- these",
    "--json",
  );
  equal(ending.code, 0, ending.stderr);
  deepEqual(JSON.parse(ending.stdout), {
    index: world.indexName(),
    documents: 502,
    written: 502,
    superseded: 0,
    rejected: 0,
  });
  for (const [id, source] of await readSources(world)) {
    const isMeant = id.endsWith("7") || Number(id) <= 2;
    equal(source, isMeant ? loaded.get(id) : "{}");
  }
});

Deno.test("refresh tells what is wrong with its arguments", async () => {
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count: 9 }),
  );
  await runPass(world);
  const fault = "refresh: write either --ids or --where";
  for (const args of [[], ["--ids", "1", "--where", "true"]]) {
    expectTold(await refresh(world, ...args), {
      code: 2,
      lines: [new RegExp(`^${fault}$`)],
    });
  }
  const told = await refresh(world, "--where", "colour = 'red'");
  equal(told.code, 2);
  match(told.stderr, /^--where: column "colour" does not exist; write a/m);
});
