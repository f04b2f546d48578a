import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import {
  type Ending,
  expectNoStack,
  openTemporary,
  runToEnd,
} from "./agent_process.ts";
import { runPass } from "./agent_run.ts";
import { REFUSES_DEPTH } from "../search_server.ts";
import { openWorld } from "./world.ts";

const MEGABYTE = 1_000_000;

/** What is refused has to be refused in this time, also on a busy machine. */
const LIMIT_MS = 60_000;

/** Ids that would end a literal, an identifier, a line or a request, where they are not quoted. */
const STRANGE_IDS = [
  `'); drop table "t""a'b"; --`,
  `' or ''='`,
  `\\'; drop schema public cascade; --`,
  `");--`,
  `$1`,
  `$$;drop table x;$$`,
  `E'\\x00'`,
  `\\u0000`,
  `%00`,
  `\u0001\u001f\u007f\u0085\u2028`,
  `a\r\n{"delete":{"_id":"1"}}\n`,
  `/../_all`,
  `..`,
  `_doc/1?routing=x#y`,
  `C:\\temp\\`,
  `"`,
  `'`,
  `\\`,
  `{}`,
  `{"a","b"}`,
  `[object Object]`,
  `__proto__`,
  `constructor`,
  `👨‍👩‍👧 🎬 é ﷽ \ufffd`,
  "x".repeat(512),
  "é".repeat(256),
];

/** Longer than Elasticsearch takes, by one byte. */
const LONG_IDS = ["y".repeat(513), `${"é".repeat(256)}y`];

const TABLE = `"Sch'e""ma 🎬"."t""a'b \\ %I ; --"`;
const KEY = `"the 'key""; drop table x; --"`;
const STAMP = `"updated\n""at'\\"`;

const STRANGE = {
  sql: `
    create schema "Sch'e""ma 🎬";
    create table ${TABLE} (${KEY} text primary key, "va""l'ue" text,
      ${STAMP} timestamptz not null default now());
    create table "li'n""k" ("i'd" text primary key, "k""ey" text, updated_at timestamptz not null default now())`,
  indexes: JSON.stringify([{
    name: "constructor",
    index_config: "any.json",
    document: `select ${KEY}, "va""l'ue" from ${TABLE}`,
    watch: [
      { table: TABLE, key: KEY, updated_at: STAMP },
      {
        table: `"li'n""k"`,
        key: `"i'd"`,
        document_ids: `select "k""ey" from "li'n""k" where "i'd" = any($1)`,
      },
    ],
  }]),
  files: { "any.json": JSON.stringify({ mappings: { dynamic: false } }) },
  settings: { "postgres.page_size": 5, "logging.format": "json" },
};

Deno.test("ids, tables and columns of any characters neither break nor inject", async () => {
  await using world = await openWorld(STRANGE);
  await world.sql(
    `insert into ${TABLE} (${KEY}, "va""l'ue") select unnest($1::text[]), 'old'`,
    [[...STRANGE_IDS, ...LONG_IDS]],
  );
  const loaded = await runPass(world);
  const { written, rejected } = loaded.summary();
  deepEqual({ written, rejected }, {
    written: STRANGE_IDS.length,
    rejected: LONG_IDS.length,
  });
  const documents = await world.documents();
  deepEqual([...documents.keys()].sort(), STRANGE_IDS.toSorted());

  // the same keys by way of document_ids
  await world.sql(`update ${TABLE} set "va""l'ue" = 'new'`);
  await world.sql(
    `insert into "li'n""k" select $2::text || key, key from unnest($1::text[]) key`,
    [STRANGE_IDS, `'"`],
  );
  equal((await runPass(world)).summary().written, STRANGE_IDS.length);
  for (const [id, { source }] of await world.documents()) {
    deepEqual(JSON.parse(source), {
      [`the 'key"; drop table x; --`]: id,
      [`va"l'ue`]: "new",
    });
  }

  const { folder } = world;
  const index = world.indexName();
  const refreshed = await runToEnd({
    folder,
    args: ["refresh", "--index", index, "--ids", ...STRANGE_IDS],
  });
  equal(refreshed.code, 0, refreshed.stderr);
  ok(refreshed.stdout.includes(`${STRANGE_IDS.length} documents read again`));
  const verified = await runToEnd({
    folder,
    args: ["verify", "--ids", ...STRANGE_IDS, "--json"],
  });
  equal(verified.code, 0, verified.stdout);
  await world.sql(`delete from ${TABLE}`);
  const repaired = await runToEnd({
    folder,
    args: ["verify", "--repair", "--force"],
  });
  equal(repaired.code, 0, repaired.stderr);
  equal((await world.documents()).size, 0);
});

Deno.test("a table may have the name of what every object has", async () => {
  await using world = await openWorld({
    sql: `
      create table thing (id int primary key, updated_at timestamptz not null default now());
      create table constructor (id int primary key, updated_at timestamptz not null default now());
      insert into thing select n from generate_series(1, 20) n`,
    indexes: JSON.stringify([{
      name: "things",
      "index_config": "any.json",
      document: "select id from thing",
      watch: [{ table: "thing" }],
    }]),
    files: STRANGE.files,
    settings: STRANGE.settings,
  });
  equal((await runPass(world)).summary().written, 20);
  // watched from now on: the position has nothing of it yet
  await world.configure({
    "indexes.0.watch.1": {
      table: "constructor",
      "document_ids": "select unnest($1::int[])",
    },
  });
  await world.sql("insert into constructor select 7");
  equal((await runPass(world)).summary().written, 1);
  equal((await runPass(world)).summary().written, 0);
});

const DEEP = {
  sql: `
    create table tree (id int primary key, body json, updated_at timestamptz not null default now());
    insert into tree select n, '{"a":1}' from generate_series(1, 20) n`,
  indexes: `
    - name: trees
      index_config: trees.json
      document: select id, body from tree
      watch: [{table: tree}]`,
  files: {
    "trees.json": JSON.stringify({
      mappings: {
        dynamic: "strict",
        properties: {
          id: { type: "integer" },
          body: { type: "object", dynamic: true },
        },
      },
    }),
  },
};

Deno.test("a document that is nested too deeply is rejected, and the others go on", async () => {
  await using world = await openWorld(DEEP);
  const bodies = REFUSES_DEPTH
    ? { 7: objects(2_000), 13: arrays(5_000) }
    : { 7: objects(50), 13: objects(200) };
  for (const [id, body] of Object.entries(bodies)) {
    await world.sql("update tree set body = $2 where id = $1", [id, body]);
  }
  const run = await runPass(world);
  const { written, rejected, finished } = run.summary();
  deepEqual({ written, rejected, finished }, {
    written: 18,
    rejected: 2,
    finished: true,
  });
  equal((await world.documents()).size, 18);
  const types = run.records
    .filter(({ message }) => message === "document rejected")
    .map(({ fields }) => fields["type"]);
  equal(types.length, 2, JSON.stringify(run.records));
  for (const type of types) match(String(type), /exception$/);
});

function objects(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}

function arrays(depth: number): string {
  return `${"[".repeat(depth)}${"]".repeat(depth)}`;
}

/** A shortest configuration, with something else in one of its places. */
const CONFIG = (indexConfig = "index.json") => `
postgres: {host: 127.0.0.1, port: 1, database: d, user: u}
elasticsearch: {node: "http://127.0.0.1:1"}
indexes:
  - name: movies
    index_config: ${indexConfig}
    document: select id from film
    watch: [{table: film}]
`;

function aliasBomb(): string {
  const levels = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"];
  for (let level = 1; level < 30; level++) {
    const aliases = Array(9).fill(`*a${level - 1}`).join(", ");
    levels.push(`a${level}: &a${level} [${aliases}]`);
  }
  return `${levels.join("\n")}\n${CONFIG()}`;
}

function junk(byteCount: number): Uint8Array {
  const bytes = new Uint8Array(byteCount);
  for (let at = 0; at < byteCount; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}

interface Attack {
  readonly name: string;
  readonly file: "config.yaml" | "index.json" | ".env";
  readonly content: () => string | Uint8Array;
  readonly told: RegExp;
}

const ATTACKS: readonly Attack[] = [
  {
    name: "aliases that unfold",
    file: "config.yaml",
    content: aliasBomb,
    told: /unfolds too far/,
  },
  {
    name: "an alias of itself",
    file: "config.yaml",
    content: () => `a: &a [*a]\n${CONFIG()}`,
    told: /refers to what it is in/,
  },
  {
    name: "levels in brackets",
    file: "config.yaml",
    content: () => `a: ${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    told: /nested too deeply|unfolds too far/,
  },
  {
    name: "levels in lines",
    file: "config.yaml",
    content: () =>
      Array.from({ length: 1_200 }, (_, at) => `${" ".repeat(at)}a:`)
        .join("\n"),
    told: /nested too deeply|unfolds too far/,
  },
  {
    name: "levels of dashes",
    file: "config.yaml",
    content: () => `a:\n  ${"- ".repeat(300_000)}x`,
    told: /nested too deeply|unfolds too far/,
  },
  {
    name: "a hundred thousand keys",
    file: "config.yaml",
    content: () =>
      Array.from({ length: 90_000 }, (_, at) => `k${at}: 1`).join("\n"),
    told: /is not a known key/,
  },
  {
    name: "a key of half a megabyte",
    file: "config.yaml",
    content: () => `${"k".repeat(500_000)}: 1`,
    told: /^config\.yaml:\d+:\d+: /,
  },
  {
    name: "a hundred megabytes",
    file: "config.yaml",
    content: () => new Uint8Array(100 * MEGABYTE).fill(0x23),
    told: /is larger than 1 MB/,
  },
  {
    name: "junk",
    file: "config.yaml",
    content: () => junk(500_000),
    told: /is not UTF-8 text/,
  },
  {
    name: "zeros",
    file: "config.yaml",
    content: () => new Uint8Array(900_000),
    told: /^config\.yaml:\d+:\d+: /,
  },
  {
    name: "names of objects",
    file: "config.yaml",
    content: () => `__proto__: {x: 1}\nconstructor: {y: 2}\n${CONFIG()}`,
    told: /(__proto__|constructor): is not a known key/,
  },
  {
    name: "levels",
    file: "index.json",
    content: () => `${'{"mappings":'.repeat(50_000)}1${"}".repeat(50_000)}`,
    told: /index\.json:\d+:\d+: /,
  },
  {
    name: "levels of a mapping",
    file: "index.json",
    content: () =>
      `{"mappings":{"properties":${'{"a":'.repeat(3_000)}1${
        "}".repeat(3_000)
      }}}`,
    told: /index\.json:\d+:\d+: .*nested too deeply/,
  },
  {
    name: "a hundred megabytes",
    file: "index.json",
    content: () => new Uint8Array(100 * MEGABYTE).fill(0x20),
    told: /index_config: names a file that is larger than 1 MB/,
  },
  {
    name: "junk",
    file: "index.json",
    content: () => junk(500_000),
    told: /index_config: names a file that is not UTF-8 text/,
  },
  {
    name: "a hundred megabytes",
    file: ".env",
    content: () => new Uint8Array(100 * MEGABYTE).fill(0x41),
    told: /\.env: is larger than 1 MB, write NAME=value lines in it/,
  },
  {
    name: "junk",
    file: ".env",
    content: () => junk(500_000),
    told: /\.env: is not UTF-8 text, write NAME=value lines in it/,
  },
];

/** Runs the agent's first step on a configuration with `content` in the place of one of its files. */
async function attack({ file, content }: Attack): Promise<Ending> {
  await using temporary = await openTemporary();
  const { folder } = temporary;
  const files: Record<string, string | Uint8Array> = {
    "config.yaml": CONFIG(),
    "index.json": '{"mappings":{}}',
    [file]: content(),
  };
  for (const [name, written] of Object.entries(files)) {
    const bytes = typeof written === "string"
      ? new TextEncoder().encode(written)
      : written;
    await Deno.writeFile(join(folder, name), bytes);
  }
  return await runToEnd({ folder, args: ["check"] });
}

for (const wrong of ATTACKS) {
  Deno.test(`pg2es refuses ${wrong.file} with ${wrong.name}`, async () => {
    const beganMs = performance.now();
    const { code, stderr, stdout } = await attack(wrong);
    const tookMs = performance.now() - beganMs;
    equal(code, 2, stderr.slice(0, 2_000));
    match(stderr, wrong.told);
    expectNoStack(stderr.slice(0, 10_000));
    equal(stdout, "");
    ok(tookMs < LIMIT_MS, `${tookMs} ms`);
    // nobody reads on
    ok(stderr.length < 100_000, `${stderr.length} characters`);
  });
}
