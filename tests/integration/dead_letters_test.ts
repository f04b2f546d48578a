import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { PARSING_ERROR } from "../search_server.ts";
import { type Ending, runToEnd, startAgent } from "./agent_process.ts";
import { runPass, startAgent as startInside } from "./agent_run.ts";
import { readPosition, until } from "./moments.ts";
import { openWorld, type World, type WorldOptions } from "./world.ts";

/** Amounts with a text that must become a number, and what breaks the query of a row. */
const AMOUNTS: WorldOptions = {
  sql: `
    create table amount (id text primary key, value text, divisor int default 1, size int default 1,
      updated_at timestamptz not null default now());
    insert into amount select n, n from generate_series(1, 60) n`,
  indexes: `
    - name: amounts
      index_config: amounts.json
      document: |
        select id, value, 100 / divisor as share, repeat('x', size) as filler
        from amount
      watch: [{table: amount}]`,
  files: {
    "amounts.json": JSON.stringify({
      mappings: {
        dynamic: "strict",
        properties: {
          id: { type: "keyword" },
          value: { type: "integer" },
          share: { type: "integer" },
          filler: { type: "text", index: false },
        },
      },
    }),
  },
  settings: { "postgres.page_size": 20, "logging.format": "json" },
};

const Letter = z.strictObject({
  time: z.iso.datetime(),
  index: z.string(),
  id: z.string(),
  version: z.string().regex(/^\d+$/),
  error: z.strictObject({
    type: z.string(),
    reason: z.string().optional(),
    field: z.string().optional(),
  }),
  document: z.unknown(),
});

const FILE = "dead_letters.jsonl";

/** The letters in the file by the id of their document; none where there is no file. */
async function readLetters(
  world: World,
  file = FILE,
): Promise<Map<string, z.infer<typeof Letter>>> {
  const text = await Deno.readTextFile(join(world.folder, file))
    .catch(() => "");
  const lines = text.split("\n").filter((line) => line !== "")
    .map((line) => Letter.parse(JSON.parse(line)));
  return new Map(lines.map((letter) => [letter.id, letter]));
}

async function run(world: World, ...args: string[]): Promise<Ending> {
  const { folder } = world;
  return await runToEnd({ folder, args: ["run", "--once", ...args] });
}

Deno.test("a document that the mapping refuses is a dead letter, until a later good one of the same id", async () => {
  await using world = await openWorld(AMOUNTS);
  await world.sql(
    "update amount set value = 'row value', updated_at = now() where id = '7'",
  );
  {
    await using agent = startInside(world);
    await agent.untilLogged("document rejected", { id: "7" });
    await agent.untilLogged("pass finished", { kind: "load" });
    const [letter, ...others] = (await readLetters(world)).values();
    deepEqual(others, []);
    equal(letter?.index, world.indexName());
    equal(letter.error.type, PARSING_ERROR);
    equal(letter.error.field, "value");
    match(letter.error.reason ?? "", /row value/);
    deepEqual(letter.document, {
      ...{ id: "7", value: "row value", share: 100, filler: "x" },
    });
    const { mode } = await Deno.stat(join(world.folder, FILE));
    equal((mode ?? 0) & 0o777, 0o600);
  }
  // a restart keeps it
  await runPass(world);
  deepEqual([...(await readLetters(world)).keys()], ["7"]);
  {
    await using _agent = startInside(world);
    await world.sql(
      "update amount set value = '7', updated_at = now() where id = '7'",
    );
    await until(
      "it is no dead letter",
      async () => (await readLetters(world)).size === 0,
    );
  }
  ok((await world.documents()).has("7"));
});

Deno.test("poison in a page of a thousand documents holds up none of the others", async () => {
  const long = "ж".repeat(257);
  await using world = await openWorld({
    ...AMOUNTS,
    settings: { "logging.format": "json" },
  });
  await world.sql(
    `insert into amount select n, n from generate_series(61, 1000) n;
     update amount set value = 'row value' where id = '100';
     update amount set divisor = 0, value = 'row value' where id = '200';
     update amount set size = 95000000 where id = '300';
     insert into amount (id, value) values ('', 1), ('${long}', 1)`,
  );
  const ending = await run(world);
  equal(ending.code, 0, ending.stderr);
  equal((await world.documents()).size, 997);
  const letters = await readLetters(world);
  deepEqual(
    new Map([...letters].map(([id, { error }]) => [id, error.type])),
    new Map([...letters.keys()].map((id) => [
      id,
      {
        "100": PARSING_ERROR,
        "200": "sqlstate_22012",
        "300": "document_too_large",
      }[id] ?? "id_length",
    ])),
  );
  deepEqual([...letters.keys()].sort(), ["", "100", "200", "300", long].sort());
  ok(!ending.stderr.includes("row value"), ending.stderr);
});

/** How a whole table is refused, and the reason that is told. */
const BROKEN = [
  {
    name: "by the mapping",
    change: "value = 'row value'",
    reason: `${PARSING_ERROR} in field value`,
  },
  {
    name: "by the query",
    change: "value = 'row value', divisor = 0",
    reason: "sqlstate_22012",
  },
];

for (const { name, change, reason } of BROKEN) {
  Deno.test(`the agent ends once more documents are refused ${name} than stop_after allows, also when it is started again`, async () => {
    await using world = await openWorld({
      ...AMOUNTS,
      settings: {
        ...AMOUNTS.settings,
        ...{ "elasticsearch.max_bytes": "30KB" },
        ...{ "elasticsearch.concurrency": 1, "rejections.stop_after": 5 },
      },
    });
    await world.sql(
      `insert into amount select n, n from generate_series(61, 1000) n;
       update amount set ${change} where id > '11'`,
    );
    for (let turn = 0; turn < 2; turn++) {
      const ending = await run(world);
      equal(ending.code, 1, ending.stderr);
      const [told = "", ...others] = ending.told;
      deepEqual(others, []);
      ok(told.startsWith(`Cannot go on with index ${world.indexName()}: `));
      ok(
        told.includes(
          " of its documents are refused, more than rejections.stop_after; " +
            `most often by ${reason}. `,
        ),
        told,
      );
      ok(!ending.stderr.includes("row value"), ending.stderr);
    }
    // of the first pages alone, however often it was started
    const { size } = await readLetters(world);
    ok(size > 5 && size < 300, `${size} letters`);
    await world.configure({ "rejections.stop_after": "off" });
    const ending = await run(world);
    equal(ending.code, 0, ending.stderr);
    ok((await readLetters(world)).size > 900);
  });
}

Deno.test({
  name: "the position does not pass a refused document that cannot be recorded",
  ignore: !canMount(),
  fn: async () => {
    await using world = await openWorld({
      ...AMOUNTS,
      settings: { ...AMOUNTS.settings, "rejections.file": "disk/letters" },
    });
    await world.sql("update amount set value = 'row value' where id = '1'");
    const disk = join(world.folder, "disk");
    await Deno.mkdir(disk);
    ok(mount("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk));
    using _disk = { [Symbol.dispose]: () => void mount("umount", disk) };
    const filler = join(disk, "filler");
    await fillDisk(filler);
    await using agent = startAgent({ folder: world.folder });
    const { error } = await agent.waitFor("cannot go on, trying again");
    match(
      z.string().parse(error),
      /^Cannot write dead-letter file \S+letters: code is ENOSPC\. /,
    );
    await until(
      "another page is written",
      async () => (await world.documents()).size > 0,
    );
    equal((await readPosition(world))?.load?.after, undefined);
    await Deno.remove(filler);
    await agent.waitFor("goes on");
    await agent.waitFor("pass finished");
    deepEqual([...(await readLetters(world, "disk/letters")).keys()], ["1"]);
    agent.kill("SIGTERM");
    equal((await agent.ended()).code, 0);
  },
});

Deno.test("a damaged file of dead letters ends the agent at its start", async () => {
  await using world = await openWorld(AMOUNTS);
  const file = join(world.folder, FILE);
  await Deno.writeTextFile(file, "nonsense\nmore\n");
  const ending = await run(world);
  equal(ending.code, 1, ending.stderr);
  deepEqual(ending.told, [
    `Cannot use dead-letter file ${file}: line 1 is no dead letter. ` +
    "Mend the line, or move the file away and run verify --repair",
  ]);
  equal(await Deno.readTextFile(file), "nonsense\nmore\n");
});

Deno.test("no secret is in a dead letter", async () => {
  await using world = await openWorld(AMOUNTS);
  const config = await Deno.readTextFile(world.configFile);
  const [, secret = ""] = /^ +password: (\S+)$/m.exec(config) ?? [];
  ok(secret.length > 3, config);
  await world.sql("update amount set value = $1 where id = '1'", [
    `is ${secret}`,
  ]);
  const ending = await run(world);
  equal(ending.code, 0, ending.stderr);
  const text = await Deno.readTextFile(join(world.folder, FILE));
  ok(!text.includes(secret), text);
  match(text, /"value":"is \*\*\*"/);
});

function canMount(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = Deno.makeTempDirSync();
  const isMounted = mount("mount", "-t", "tmpfs", "tmpfs", folder);
  if (isMounted) mount("umount", folder);
  Deno.removeSync(folder);
  return isMounted;
}

function mount(program: string, ...args: string[]): boolean {
  return new Deno.Command(program, { args }).outputSync().success;
}

async function fillDisk(file: string): Promise<void> {
  using opened = await Deno.open(file, { write: true, create: true });
  const block = new Uint8Array(4_096);
  try {
    for (;;) await opened.write(block);
  } catch (error) {
    const isFull = error instanceof Error && "code" in error &&
      error.code === "ENOSPC";
    if (!isFull) throw error;
  }
}
