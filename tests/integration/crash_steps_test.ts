import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { openDeadLetters } from "../../src/dead_letters.ts";
import { formatState } from "../../src/state_file.ts";
import { runPass } from "./agent_run.ts";
import { live, momentsOf, NODE_VARIABLE } from "./crash_steps.ts";
import { NEVER, quickPersister } from "../servers.ts";
import { openWorld, type World } from "./world.ts";

/** Two letters are more than the file of the dead letters takes: it is rotated. */
const LONG = "'x' || repeat('y', 400)";

/** Six films on two pages: one is deleted, and the value of one is refused. */
const FILMS = {
  sql: `
    create table film (id int primary key, title text, value text, gone boolean not null default false,
      updated_at timestamptz not null default now());
    insert into film select n, 'title ' || n, n, n = 2 from generate_series(1, 6) n;
    update film set value = 'none', title = ${LONG} where id = 3`,
  indexes: `
    - name: films
      index_config: films.json
      document: select id, title, value, gone as _deleted from film
      watch: [{table: film}]`,
  files: {
    "films.json": JSON.stringify({
      mappings: {
        dynamic: "strict",
        properties: {
          id: { type: "integer" },
          title: { type: "keyword" },
          value: { type: "integer" },
        },
      },
    }),
  },
  settings: {
    "postgres.page_size": 3,
    "logging.format": "json",
    "elasticsearch.concurrency": 1,
    "rejections.max_size": "1KB",
  },
};

async function openFilms(
  settings: Readonly<Record<string, unknown>> = {},
): Promise<World> {
  const world = await openWorld({
    ...FILMS,
    settings: { ...FILMS.settings, ...settings },
  });
  const node = `\${${NODE_VARIABLE}:-${world.elasticsearchUrl}}`;
  await world.configure({ "elasticsearch.node": node });
  return world;
}

/** How a state comes to the disk. */
const STATE_STEPS = [
  "state.yaml.draft: half written",
  "state.yaml.draft: written",
  "state.yaml.draft: synced",
  "state.yaml.draft: renamed",
  "folder: synced",
];

/** How a dead letter comes to the disk, into a file that is new. */
const LETTER_STEPS = [
  "dead_letters.jsonl: half written",
  "dead_letters.jsonl: written",
  "dead_letters.jsonl: synced",
  "folder: synced",
];

/** How a dead letter that is settled leaves the file. */
const REWRITING_STEPS = [
  "dead_letters.jsonl.draft: written",
  "dead_letters.jsonl.draft: synced",
  "dead_letters.jsonl.draft: renamed",
  "folder: synced",
];

const BULK_STEPS = ["bulk: sent", "bulk: acknowledged"];

/** Indexes as they are asked for with {@linkcode TUNED_PATHS}: what a load leaves behind that was not finished. */
const Restored = z.record(
  z.string(),
  z.object({
    mappings: z.object({ _meta: z.object({}) }).partial().optional(),
    settings: z.object({ index: z.object({ number_of_replicas: z.string() }) }),
  }),
);
const TUNED_PATHS =
  "*.mappings._meta,*.settings.index.refresh_interval,*.settings.index.number_of_replicas,*.settings.index.auto_expand_replicas";

const OldSettings = z.record(
  z.string(),
  z.object({ settings: z.object({ index: z.object({ uuid: z.string() }) }) }),
);

/** Expects the films in the index as they are in PostgreSQL, and each refused one in the dead letters, once. */
async function expectSettled(world: World, moment: string): Promise<void> {
  const films = await world.sql(
    "select id::text, title, value from film where not gone order by id",
  );
  const good = films.filter(({ value }) => value !== "none");
  const documents = await world.documents();
  const indexed = [...documents].map(([id, { source }]) =>
    [id, JSON.parse(source)] as const
  );
  const expected = good.map(({ id, ...film }) =>
    [id, { id: Number(id), ...film }] as const
  );
  deepEqual({ moment, films: new Map(indexed) }, {
    moment,
    films: new Map(expected),
  });
  const letters = await openDeadLetters(
    {
      file: join(world.folder, "dead_letters.jsonl"),
      maxBytes: 1_000,
      stopAfter: 1_000,
    },
    {
      persister: quickPersister("state file"),
      secrets: new Set(),
      signal: NEVER,
    },
  );
  const refused = (await letters.list(NEVER)).map(({ id }) => id);
  const bad = films.filter(({ value }) => value === "none").map(({ id }) => id);
  deepEqual({ moment, refused: refused.sort() }, {
    moment,
    refused: bad.sort(),
  });
}

/** Expects the index that is searched to have its own settings, and no mark of a load. */
async function expectRestored(world: World, moment: string): Promise<void> {
  const name = world.indexName();
  const path = `/${name}?filter_path=${TUNED_PATHS}`;
  const { text } = await world.search("GET", path);
  const [index] = Object.values(Restored.parse(JSON.parse(text)));
  deepEqual({ moment, index }, {
    moment,
    index: {
      mappings: { _meta: {} },
      settings: { index: { number_of_replicas: "1" } },
    },
  });
}

/** Lets an agent live, then kills one after each of its steps; the next one is expected to settle what was left. */
async function crashEverywhere(
  world: World,
  { prepare, pairs, isTried = () => true }: {
    /** Makes the work that an agent does in its life. */
    prepare: () => Promise<void>;
    /** What was tried before. */
    pairs: Set<string>;
    /** Whether it is killed at this step. */
    isTried?: (step: string) => boolean;
  },
): Promise<readonly string[]> {
  await prepare();
  await using whole = await live(world);
  equal(whole.status, 0, whole.stderr);
  await expectSettled(world, "without a crash");
  await expectRestored(world, "without a crash");
  const moments = momentsOf(whole.steps, pairs)
    .filter(({ step }) => isTried(step));
  let killed = 0;
  for (const moment of moments) {
    await prepare();
    await using cut = await live(world, moment);
    const name = `killed at ${moment.step}, ${moment.count}`;
    if (cut.status === undefined) killed++;
    else equal(cut.status, 0, cut.stderr); // done before the moment came
    await runPass(world, { isUnsettled: true });
    await expectSettled(world, name);
    await expectRestored(world, name);
    // what the dead one sent may come late
    await cut.passOnLate();
    await expectSettled(world, `${name}, its requests come late`);
    await expectRestored(world, `${name}, its requests come late`);
  }
  // how often an agent comes to a step depends a little on what else goes on
  ok(killed > 0.8 * moments.length, `${killed} of ${moments.length} killed`);
  return whole.steps;
}

/** Expects these steps right after each other, but for those of requests and of other files, which go on beside them. */
function expectRow(steps: readonly string[], row: readonly string[]): void {
  const nameOf = (step: string) => step.slice(0, step.indexOf(":"));
  const names = new Set(row.map(nameOf));
  const kept = steps.map((step, place) => ({ step, place }))
    .filter(({ step }) => names.has(nameOf(step)));
  const isFolder = (step: string) => nameOf(step) === "folder";
  // whose file a folder was synced for is not told: it is after those of this one
  const own = row.filter((step) => !isFolder(step));
  const files = kept.filter(({ step }) => !isFolder(step));
  const isThere = files.some((_, start) => {
    if (!own.every((step, offset) => files[start + offset]?.step === step)) {
      return false;
    }
    const last = files[start + own.length - 1]?.place ?? 0;
    return own.length === row.length ||
      kept.some(({ step, place }) => isFolder(step) && place > last);
  });
  ok(isThere, `${row.join(", ")} are not in ${steps.join(", ")}`);
}

/** As if nothing had ever been loaded. */
async function forgetAll(world: World): Promise<void> {
  const { text } = await world.search("GET", `/${world.indexName()}*`);
  for (const name of Object.keys(JSON.parse(text))) {
    equal((await world.search("DELETE", `/${name}`)).status, 200);
  }
  for await (const { name } of Deno.readDir(world.folder)) {
    if (!/^(state|dead_letters)/.test(name)) continue;
    await Deno.remove(join(world.folder, name));
  }
}

/** As if the index had been filled from another database: it is loaded beside, and the alias is switched at the end. */
async function estrange(world: World): Promise<void> {
  await forgetAll(world);
  const name = world.indexName();
  const old = `${name}-old`;
  const aliases = { [name]: {} };
  await world.search("PUT", `/${old}`, JSON.stringify({ aliases }));
  const { text } = await world.search("GET", `/${old}/_settings`);
  const uuid = OldSettings.parse(JSON.parse(text))[old]?.settings.index.uuid;
  ok(uuid);
  const position = {
    source: { system: "1", database: "another" },
    index: { name: old, uuid },
    low: "2026-01-01 00:00:00.000000+00",
    seen: {},
  };
  const state = formatState({ positions: { [name]: position }, slots: [] });
  await Deno.writeTextFile(world.stateFile, state, { mode: 0o600 });
}

/** A change, a deletion or its opposite, a refused film that is mended, and one that is refused. */
async function change(world: World): Promise<void> {
  await world.sql(`
    update film set title = 'title ' || gen_random_uuid(), updated_at = now() where id = 1;
    update film set gone = not gone, updated_at = now() where id = 2;
    update film set value = '1', updated_at = now() where id > 6 and value = 'none';
    insert into film select max(id) + 1, ${LONG}, 'none' from film`);
  await joinLetters(world);
}

/** Puts all dead letters into one file: to take one out, it has to be written anew, and to add one, renamed. */
async function joinLetters(world: World): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(world.folder));
  const file = join(world.folder, "dead_letters.jsonl");
  const full = names.map(({ name }) => name)
    .filter((name) => /^dead_letters\.jsonl\.\d+$/.test(name)).sort()
    .map((name) => join(world.folder, name));
  let text = "";
  for (const path of [...full, file]) text += await Deno.readTextFile(path);
  await Deno.writeTextFile(file, text);
  for (const path of full) await Deno.remove(path);
}

Deno.test("an agent killed between any two steps leaves nothing that the next one does not settle", async () => {
  await Promise.all([crashLoads(), crashFollowing(), crashReloads()]);
});

async function crashLoads(): Promise<void> {
  await using world = await openFilms();
  const pairs = new Set<string>();
  const beside = await crashEverywhere(world, {
    prepare: () => estrange(world),
    pairs,
  });
  const load = await crashEverywhere(world, {
    prepare: () => forgetAll(world),
    pairs,
  });
  for (const steps of [beside, load]) {
    expectRow(steps, ["index: sent", "index: acknowledged"]);
    expectRow(steps, ["settings: sent", "settings: acknowledged"]);
    expectRow(steps, ["mark: sent", "mark: acknowledged"]);
    expectRow(steps, ["alias: sent", "alias: acknowledged"]);
    expectRow(steps, ["position: sent", "position: acknowledged"]);
    for (const row of [STATE_STEPS, LETTER_STEPS, BULK_STEPS]) {
      expectRow(steps, row);
    }
  }
  ok(beside.indexOf("alias: sent") > beside.lastIndexOf("bulk: acknowledged"));
  ok(beside.indexOf("alias: sent") > beside.indexOf("mark: acknowledged"));
}

async function crashFollowing(): Promise<void> {
  await using world = await openFilms();
  const prepare = () => change(world);
  await runPass(world);
  await prepare();
  await runPass(world);
  const steps = await crashEverywhere(world, { prepare, pairs: new Set() });
  for (const row of [STATE_STEPS, LETTER_STEPS, REWRITING_STEPS, BULK_STEPS]) {
    expectRow(steps, row);
  }
  expectRow(steps, ["dead_letters.jsonl: renamed", "folder: synced"]);
}

async function crashReloads(): Promise<void> {
  await using world = await openFilms({
    "indexes.0.on_change": "reload",
    "indexes.0.keep_old": "0s",
  });
  await runPass(world);
  let round = 0;
  /** Another type for the titles, which takes another index, and a change that the searched one gets first. */
  async function prepare(): Promise<void> {
    round++;
    const file = join(world.folder, "films.json");
    const text = await Deno.readTextFile(file);
    const type = round % 2 === 0 ? "keyword" : "text";
    const title = `"title":{"type":"${type}"}`;
    await Deno.writeTextFile(
      file,
      text.replace(/"title":\{"type":"\w+"\}/, title),
    );
    await world.sql(
      "update film set title = 'title ' || gen_random_uuid(), updated_at = now() where id = 1",
    );
  }
  const steps = await crashEverywhere(world, {
    prepare,
    pairs: new Set(),
    // how a file comes to the disk, and a document to the index, is tried by the loads
    isTried: (step) =>
      /^(alias|index|mark|settings):|^state.*: renamed$/.test(step),
  });
  expectRow(steps, ["index: sent", "index: acknowledged"]);
  expectRow(steps, ["alias: sent", "alias: acknowledged"]);
  ok(steps.indexOf("alias: sent") > steps.indexOf("bulk: acknowledged"));
  // the one that was searched before is deleted after the flip
  ok(
    steps.lastIndexOf("index: acknowledged") >
      steps.lastIndexOf("alias: acknowledged"),
  );
  const { text } = await world.search("GET", `/${world.indexName()}*`);
  equal(Object.keys(JSON.parse(text)).length, 1);
}
