import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { type Ending, expectTold, runToEnd } from "./agent_process.ts";
import { runPass, startAgent } from "./agent_run.ts";
import { until } from "./moments.ts";
import { openWorld, type World, type WorldOptions } from "./world.ts";

const LONG_ID = "x".repeat(513);

/** Two indexes of notes, whose even ones are refused by their mapping. */
const NOTES: WorldOptions = {
  sql: `
    create table note (id text primary key, value text, divisor int default 1,
      updated_at timestamptz not null default now());
    insert into note select n, case when n % 2 = 0 then 'row value' else n::text end
    from generate_series(1, 50) n`,
  indexes: `
    - name: notes
      index_config: notes.json
      document: select id, value, 1 / divisor as share from note
      watch: [{table: note}]
    - name: others
      index_config: notes.json
      document: select id, value from note where id in ('2', '3')
      watch: [{table: note}]`,
  files: {
    "notes.json": JSON.stringify({
      mappings: {
        dynamic: false,
        properties: { value: { type: "integer" } },
      },
    }),
  },
  settings: { "postgres.page_size": 10, "logging.format": "json" },
};

const LetterLine = z.looseObject({ index: z.string(), id: z.string() });

/** The ids of the documents of an index that are dead letters, in order. */
async function deadIds(world: World, name = "notes"): Promise<string[]> {
  const file = join(world.folder, "dead_letters.jsonl");
  const text = await Deno.readTextFile(file).catch(() => "");
  const ids = text.split("\n").filter((line) => line !== "")
    .map((line) => LetterLine.parse(JSON.parse(line)))
    .filter(({ index }) => index === world.indexName(name))
    .map(({ id }) => id);
  return [...new Set(ids)].sort((one, other) => Number(one) - Number(other));
}

/** Waits until these are the dead letters of the first index. */
async function untilDead(world: World, ids: readonly string[]): Promise<void> {
  await until(
    `${ids} are dead letters`,
    async () => (await deadIds(world)).join() === ids.join(),
  );
}

async function replay(world: World, ...args: string[]): Promise<Ending> {
  const { folder } = world;
  return await runToEnd({ folder, args: ["replay", ...args] });
}

/** Makes values good behind the agent's back: without a new stamp it does not look. */
async function mend(world: World, condition: string): Promise<void> {
  await world.sql(
    `update note set value = id, divisor = 1
     where value = 'row value' and ${condition}`,
  );
}

Deno.test("replay settles what is good now, leaves what is refused again, and says so", async () => {
  await using world = await openWorld(NOTES);
  await runPass(world);
  const even = Array.from({ length: 25 }, (_, n) => String(2 * n + 2));
  deepEqual(await deadIds(world), even);
  await mend(world, "id::int <= 40");
  const [notes, others] = [world.indexName(), world.indexName("others")];

  const first = await replay(world);
  equal(first.code, 1, first.stderr);
  equal(
    first.stdout,
    `${notes}: 25 dead letters replayed, 5 left, 5 refused again\n` +
      `${others}: 1 dead letters replayed, 0 left, 0 refused again\n`,
  );
  deepEqual(await deadIds(world), ["42", "44", "46", "48", "50"]);
  deepEqual(await deadIds(world, "others"), []);
  equal((await world.documents()).size, 45);
  ok(!first.stderr.includes("row value"), first.stderr);

  await mend(world, "true");
  const rest = await replay(world, "--json");
  equal(rest.code, 0, rest.stderr);
  deepEqual(JSON.parse(rest.stdout), {
    indexes: [{ index: notes, replayed: 5, left: 0, refused: 0 }],
    unknownIds: [],
  });
  equal((await world.documents()).size, 50);

  const none = await replay(world);
  deepEqual([none.code, none.stdout], [0, "no dead letters\n"]);
});

Deno.test("replay takes one index, and some ids of it", async () => {
  await using world = await openWorld(NOTES);
  await runPass(world);
  await mend(world, "true");
  const notes = world.indexName();
  const some = await replay(
    world,
    ...["--index", notes, "--ids", "2", "4", "5", "x"],
  );
  equal(some.code, 0, some.stderr);
  equal(
    some.stdout,
    `${notes}: 2 dead letters replayed, 0 left, 0 refused again\n` +
      "no dead letter has the id 5\nno dead letter has the id x\n",
  );
  equal((await deadIds(world)).length, 23);
  deepEqual(await deadIds(world, "others"), ["2"]);
  expectTold(await replay(world, "--index", "nothing"), {
    code: 2,
    lines: [/^--index: there is no index nothing, write one of /],
  });
});

Deno.test("replay settles an id that is no longer in PostgreSQL, also one that no index can have", async () => {
  await using world = await openWorld(NOTES);
  await world.sql(
    `insert into note values ('', 1), ('${LONG_ID}', 1), ('${LONG_ID}y', 1);
     update note set divisor = 0 where id = '7'`,
  );
  await runPass(world);
  equal((await deadIds(world)).length, 29);
  await world.sql(
    `delete from note where id in ('', '${LONG_ID}', '2', '7');
     update note set value = id where value = 'row value'`,
  );
  const { code, stdout, stderr } = await replay(world);
  equal(code, 1, stderr);
  match(stdout, /: 29 dead letters replayed, 1 left, 1 refused again\n/);
  deepEqual(await deadIds(world), [`${LONG_ID}y`]);
  equal((await world.documents()).size, 48);
});

Deno.test("replay works while the agent runs, with more letters than may be outstanding", async () => {
  await using world = await openWorld({
    ...NOTES,
    settings: { ...NOTES.settings, "rejections.stop_after": 30 },
  });
  await using agent = startAgent(world);
  const index = world.indexName();
  await agent.untilLogged("pass finished", { kind: "load", index });
  await world.configure({ "rejections.stop_after": 3 });
  await mend(world, "id::int <= 40");
  const { code, stdout, stderr } = await replay(world);
  equal(code, 1, stderr);
  // the agent may have looked at some of them again by itself
  match(stdout, /: \d+ dead letters replayed, 5 left, 5 refused again\n/);
  // the agent sees what is left, and takes out what it settles
  await world.sql(
    "update note set value = id, updated_at = now() where id = '50'",
  );
  await untilDead(world, ["42", "44", "46", "48"]);
  // of a newer refusal too
  await world.sql(
    "update note set value = 'row value', updated_at = now() where id = '1'",
  );
  await untilDead(world, ["1", "42", "44", "46", "48"]);
});

Deno.test("replay keeps the letters of an index that the configuration has no more", async () => {
  await using world = await openWorld(NOTES);
  await runPass(world);
  await mend(world, "true");
  const config = await Deno.readTextFile(world.configFile);
  const place = config.indexOf(`- name: ${world.indexName("others")}`);
  await Deno.writeTextFile(world.configFile, config.slice(0, place).trimEnd());
  const { code, stdout, stderr } = await replay(world);
  equal(code, 1, stderr);
  equal(
    stdout,
    `${world.indexName()}: 25 dead letters replayed, 0 left, 0 refused again\n` +
      `${world.indexName("others")}: 1 dead letters kept: ` +
      "the configuration has no such index\n",
  );
  deepEqual(await deadIds(world, "others"), ["2"]);
});

Deno.test("refresh and verify --repair take out what they settle, and record what they find refused", async () => {
  await using world = await openWorld(NOTES);
  await runPass(world);
  const { folder } = world;
  const index = world.indexName();
  await mend(world, "id in ('2', '4')");
  await world.sql("update note set value = 'row value' where id = '1'");
  const refreshed = await runToEnd({
    folder,
    args: ["refresh", "--index", index, "--ids", "1", "2"],
  });
  equal(refreshed.code, 1, refreshed.stderr);
  const dead = await deadIds(world);
  deepEqual([dead.includes("1"), dead.includes("2")], [true, false]);

  const compared = await runToEnd({
    folder,
    args: ["verify", "--index", index],
  });
  equal(compared.code, 1, compared.stderr);
  match(compared.stdout, /of these are dead letters: 25\n/);
  const repaired = await runToEnd({
    folder,
    args: ["verify", "--index", index, "--repair"],
  });
  equal(repaired.code, 1, repaired.stderr);
  const left = await deadIds(world);
  deepEqual([left.length, left.includes("4")], [24, false]);
});
