import { deepEqual, equal } from "node:assert/strict";
import { z } from "zod";
import { startAgent } from "./agent_run.ts";
import { indexedFilms, readFilms } from "./films.ts";
import {
  FILM_COUNT,
  holdLoad,
  SMALL_STEPS,
  until,
  untilHeld,
} from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const STUCK = "cannot go on, trying again";

/** Ways in which an index takes no writes. */
const BLOCKS: Readonly<Record<string, Block>> = {
  "read-only as by the flood-stage watermark": setting(
    "index.blocks.read_only_allow_delete",
  ),
  "blocked for writes": setting("index.blocks.write"),
  "closed": {
    begin: (world, index) => expectOk(world, "POST", `/${index}/_close`),
    end: (world, index) => expectOk(world, "POST", `/${index}/_open`),
  },
};

interface Block {
  readonly begin: (world: World, index: string) => Promise<void>;
  readonly end: (world: World, index: string) => Promise<void>;
}

/** Two tables, each with an index of its own. */
const TWO = {
  sql: `
    create table film (id int primary key, title text, updated_at timestamptz default now());
    insert into film select n, 'film ' || n from generate_series(1, 20) n;
    create table star (id int primary key, name text, updated_at timestamptz default now());
    insert into star select n, 'star ' || n from generate_series(1, 20) n;`,
  indexes: `
    - name: films
      index_config: index.json
      document: select id, title from film
      watch: [{table: film}]
    - name: stars
      index_config: index.json
      document: select id, name from star
      watch: [{table: star}]`,
  files: { "index.json": '{"mappings": {}}' },
};

Deno.test("an agent waits for an index that is blocked, and goes on with the others", async (t) => {
  await using world = await openWorld(TWO);
  await using agent = startAgent(world);
  const stars = world.indexName("stars");
  for (let count = 0; count < 2; count++) {
    await agent.untilLogged("pass finished", { kind: "load" });
  }
  const index = await findIndex(world, "films");
  for (const [name, block] of Object.entries(BLOCKS)) {
    await t.step(name, async () => {
      await block.begin(world, index);
      await world.sql("update film set title = $1, updated_at = now()", [name]);
      const { fields } = await agent.untilLogged(STUCK);
      const told = String(fields["error"]);
      equal(told.includes("Lift the block"), true, told);
      await world.sql("update star set name = $1, updated_at = now()", [name]);
      await agent.untilLogged("pass finished", { index: stars, written: 20 });
      await block.end(world, index);
      await agent.untilLogged("goes on");
      // a pass that was held may have read what was there before
      await until("the films are followed", async () => {
        const sources = [...(await world.documents("films")).values()];
        return sources.every(({ source }) => source.includes(name));
      });
    });
  }
  await expectNoDeadLetters(world);
});

Deno.test("an agent loads on when an index is no longer read-only", async () => {
  const block = setting("index.blocks.read_only_allow_delete");
  await using world = await openWorld({ settings: SMALL_STEPS });
  await using agent = startAgent(world);
  {
    await using _held = await holdLoad(world);
    await untilHeld(world);
    await block.begin(world, await findIndex(world));
  }
  await agent.untilLogged(STUCK);
  await block.end(world, await findIndex(world));
  await agent.untilLogged("goes on");
  const { fields } = await agent.untilLogged("pass finished", { kind: "load" });
  equal(fields["rejected"], 0);
  deepEqual(await indexedFilms(world), await readFilms(world));
});

/** Ways to take an index away; `{index}` is its own name. */
const LOSSES: Readonly<Record<string, readonly [string, string]>> = {
  "the index": ["DELETE", "/{index}"],
  "the write alias": ["DELETE", "/{index}/_alias/{index}-write"],
  "both aliases": ["DELETE", "/{index}/_alias/*"],
};

for (const [name, [method, path]] of Object.entries(LOSSES)) {
  Deno.test(`an agent that follows makes ${name} anew when it is deleted, and loads everything`, async () => {
    await using world = await openWorld();
    await using agent = startAgent(world);
    await agent.untilLogged("pass finished", { kind: "load" });
    const index = await findIndex(world);
    await expectOk(world, method, path.replaceAll("{index}", index));
    await world.sql("update content.film_work set title = title || '!'");
    await agent.untilLogged("looking for the index anew");
    await agent.untilLogged("pass finished", { written: FILM_COUNT });
    deepEqual(await indexedFilms(world), await readFilms(world));
    await findIndex(world); // no other was made by a stray write
  });

  Deno.test(`an agent that loads makes ${name} anew when it is deleted between two requests`, async () => {
    await using world = await openWorld({ settings: SMALL_STEPS });
    await using agent = startAgent(world);
    {
      await using _held = await holdLoad(world);
      await untilHeld(world);
      const index = await findIndex(world);
      await expectOk(world, method, path.replaceAll("{index}", index));
    }
    await agent.untilLogged("looking for the index anew");
    await agent.untilLogged("pass finished", { kind: "load" });
    deepEqual(await indexedFilms(world), await readFilms(world));
    await findIndex(world); // no other was made by a stray write
  });
}

function setting(name: string): Block {
  const set = (value: true | null) => (world: World, index: string) =>
    expectOk(world, "PUT", `/${index}/_settings`, { [name]: value });
  return { begin: set(true), end: set(null) };
}

async function expectOk(
  world: World,
  method: string,
  path: string,
  body?: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { status, text } = await world.search(
    method,
    path,
    body === undefined ? undefined : JSON.stringify(body),
  );
  equal(status, 200, text);
}

async function expectNoDeadLetters({ folder }: World): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  deepEqual(names.filter((name) => name.startsWith("dead_letters")), []);
}

/** The own name of the only index whose name begins as `name` does. */
async function findIndex(world: World, name?: string): Promise<string> {
  const path = `/${world.indexName(name)}*?expand_wildcards=all`;
  const { text } = await world.search("GET", path);
  const names = Object.keys(z.looseObject({}).parse(JSON.parse(text)));
  equal(names.length, 1, `${names}`);
  return z.string().parse(names[0]);
}
