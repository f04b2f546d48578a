import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { EtlError } from "../../src/failure.ts";
import { runPass } from "./agent_run.ts";
import { openWorld, type World } from "./world.ts";

const THINGS = {
  sql: `
    create table thing (id int primary key, name text, updated_at timestamptz not null default now());
    insert into thing select n, 'one ' || n from generate_series(1, 5) n`,
  indexes: `
    - name: things
      index_config: any.json
      document: select id, name from thing
      watch: [{table: thing}]`,
  files: { "any.json": JSON.stringify({ mappings: { dynamic: false } }) },
};

const OTHER = {
  ...THINGS,
  sql: THINGS.sql.replace("one ", "other ").replace("(1, 5)", "(4, 7)"),
};

function namesOf(documents: Awaited<ReturnType<World["documents"]>>): string[] {
  return [...documents.values()]
    .map(({ source }) => /"name":"([^"]*)"/.exec(source)?.[1] ?? "")
    .sort();
}

const OTHER_NAMES = ["other 4", "other 5", "other 6", "other 7"];

function databaseOf(world: World): string {
  return decodeURIComponent(new URL(world.databaseUrl).pathname.slice(1));
}

Deno.test("runAgent() loads another database into an index of its own, and lets it be searched when it is full", async () => {
  await using world = await openWorld(THINGS);
  await using other = await openWorld(OTHER);
  await runPass(world);
  const before = await indexesBehind(world);
  await world.configure({ "postgres.database": databaseOf(other) });
  const { summary } = await runPass(world);
  equal(summary("things").written, 4);
  deepEqual(namesOf(await world.documents("things")), OTHER_NAMES);
  const after = await indexesBehind(world);
  equal(after.length, 1);
  equal(before.includes(after[0] ?? ""), false);
  const kept = await world.search("GET", `/${before[0]}/_count`);
  match(kept.text, /"count":5/); // what was made is not deleted
});

Deno.test("runAgent() deletes an index of the plain name for another database only when it is forced to", async () => {
  await using world = await openWorld(THINGS);
  await using other = await openWorld(OTHER);
  const name = world.indexName("things");
  equal((await world.search("PUT", `/${name}`)).status, 200);
  await runPass(world);
  const database = databaseOf(world);
  await world.configure({ "postgres.database": databaseOf(other) });
  await rejects(runPass(world), (error) => {
    equal(error instanceof EtlError && error.failure.kind, "index-unusable");
    match(
      String(error),
      new RegExp(
        `filled from another database, ${database}; delete it, or start once with --force`,
      ),
    );
    return true;
  });
  equal((await world.documents("things")).size, 5);
  const { summary } = await runPass(world, { force: true });
  equal(summary("things").written, 4);
  deepEqual(namesOf(await world.documents("things")), OTHER_NAMES);
  equal((await indexesBehind(world)).includes(name), false);
});

/** The names of the indexes that people search. */
async function indexesBehind(world: World): Promise<string[]> {
  const { text } = await world.search(
    "GET",
    `/${world.indexName("things")}/_alias`,
  );
  return Object.keys(JSON.parse(text));
}
