import { deepEqual, equal, ok } from "node:assert/strict";
import { formatState, readState } from "../../src/state_file.ts";
import { expectTold } from "./agent_process.ts";
import { asMortal } from "./disks.ts";
import {
  expectEqual,
  ITEM_COUNT,
  namesIn,
  openItems,
  readText,
  runOnce,
} from "./few_items.ts";
import { passesOf } from "./moments.ts";
import type { World } from "./world.ts";

/** What is in the index: its documents with their versions, so that one that was sent again shows. */
async function takeStock(world: World): Promise<unknown> {
  const { text } = await world.search("GET", `/${world.indexName()}/_alias`);
  return [text, await world.documents()];
}

/** State files that cannot be used, each made of a good one, and what is said of them. */
const UNUSABLE: readonly {
  readonly name: string;
  readonly make: (text: string) => string;
  readonly told: RegExp;
}[] = [
  {
    name: "is empty",
    make: () => "",
    told: /: it is empty\. Restore it, or delete it/,
  },
  {
    name: "is no YAML",
    make: (text) => `${text}{`,
    told: /: it is not YAML, or cut off\. Restore it, or delete it/,
  },
  {
    name: "is cut off in its middle",
    make: (text) => text.slice(0, text.indexOf("uuid:") + 4),
    told: /: it is (not YAML, or|changed or) cut off/,
  },
  {
    name: "is cut off where the rest is still a state",
    make: (text) => {
      const [rest = ""] = text.split("    swept:");
      ok(rest.length < text.length);
      return rest;
    },
    told: /: it was changed or cut off .*\. Restore it, or delete it/,
  },
  {
    name: "was changed by hand",
    make: (text) =>
      text.replace(/low: '?"?20/, (low) => `${low.slice(0, -2)}19`),
    told: /: it was changed or cut off .*\. Restore it, or delete it/,
  },
  {
    name: "has no checksum",
    make: (text) => text.replace(/^sha256.*\n/m, ""),
    told: /: it was changed or cut off .*\. Restore it, or delete it/,
  },
  {
    name: "is of a newer version",
    make: (text) => text.replace("version: 1", "version: 2"),
    told:
      /: it was written by a newer version of pg2es, its format is version 2 and not 1\. Upgrade this pg2es$/,
  },
];

Deno.test("pg2es with a state file that cannot be used says so, ends with status 1, and touches nothing", async () => {
  await using world = await openItems();
  equal((await runOnce(world)).code, 0);
  const good = await Deno.readTextFile(world.stateFile);
  const before = await takeStock(world);
  await world.sql("update item set name = 'changed', updated_at = now()");
  for (const { name, make, told } of UNUSABLE) {
    const text = make(good);
    ok(text !== good, name);
    await Deno.writeTextFile(world.stateFile, text);
    const names = await namesIn(world.folder);
    const ending = await runOnce(world);
    expectTold(ending, { code: 1, lines: [told] });
    ok(ending.told[0]?.startsWith("Cannot use state file "), name);
    equal(await Deno.readTextFile(world.stateFile), text, name);
    deepEqual(await namesIn(world.folder), names, name);
    deepEqual(await takeStock(world), before, name);
  }
  await Deno.writeTextFile(world.stateFile, good);
  const ending = await runOnce(world);
  deepEqual(passesOf(ending.log).slice(0, 1), [{
    kind: "follow",
    written: ITEM_COUNT,
  }]);
});

Deno.test("pg2es does not start where a folder is in the place of the state file, or it may not read it", async () => {
  await using world = await openItems();
  await Deno.mkdir(world.stateFile);
  expectTold(await runOnce(world), {
    code: 2,
    lines: [
      /^config\.yaml:\d+:\d+: state_file_name: is a folder, write the path of a file /,
    ],
  });
  ok((await Deno.stat(world.stateFile)).isDirectory);
  await Deno.remove(world.stateFile);

  equal((await runOnce(world)).code, 0);
  const text = await Deno.readTextFile(world.stateFile);
  await Deno.chmod(world.stateFile, 0);
  expectTold(await runOnce(world, asMortal()), {
    code: 1,
    lines: [
      /^Cannot use state file .*: it cannot be read, code is EACCES\. Let the agent's user read and write it$/,
    ],
  });
  await Deno.chmod(world.stateFile, 0o600);
  equal(await Deno.readTextFile(world.stateFile), text);
});

Deno.test("pg2es takes no notice of a draft that a crash left, and takes it away", async () => {
  await using world = await openItems();
  equal((await runOnce(world)).code, 0);
  const draft = `${world.stateFile}.draft`;
  const text = await Deno.readTextFile(world.stateFile);
  await Deno.writeTextFile(draft, text.slice(0, 200), { mode: 0o644 });
  await world.sql("update item set updated_at = now() where id < 4");
  const ending = await runOnce(world);
  equal(ending.code, 0, ending.stderr);
  equal(passesOf(ending.log)[0]?.kind, "follow");
  equal(await readText(draft), undefined);
  const { mode } = await Deno.stat(world.stateFile);
  equal((mode ?? 0) & 0o777, 0o600);
  await expectEqual(world);
});

Deno.test("pg2es with the state file of another database, or of an index that is gone, says so and loads everything", async () => {
  await using world = await openItems();
  // the position that is kept there is right, and may be the later one
  await world.configure({ "elasticsearch.position_index": "off" });
  equal((await runOnce(world)).code, 0);
  const { positions, slots } = await readState(world.stateFile);
  const name = world.indexName();
  const position = positions[name];
  ok(position);
  const { source, index } = position;
  const cases = [
    {
      other: { ...position, source: { ...source, database: "another" } },
      message:
        "this is another database than the one that was read: loading it into an index of its own",
    },
    {
      other: { ...position, source: { ...source, system: "1" } },
      message:
        "this is another database than the one that was read: loading it into an index of its own",
    },
    {
      other: { ...position, index: { ...index, uuid: "another" } },
      message: "the index that was filled is gone: loading everything",
    },
  ];
  for (const { other, message } of cases) {
    const text = formatState({
      slots,
      positions: { ...positions, [name]: other },
    });
    await Deno.writeTextFile(world.stateFile, text);
    const ending = await runOnce(world);
    equal(ending.code, 0, ending.stderr);
    const warnings = ending.log.filter(({ level }) => level === "warning");
    ok(
      warnings.some((warning) => warning.message === message),
      ending.stderr,
    );
    equal(passesOf(ending.log)[0]?.kind, "load");
    await expectEqual(world);
    const saved = (await readState(world.stateFile)).positions[name];
    deepEqual(saved?.source, source);
  }
});

Deno.test("pg2es keeps in the state file what is of indexes that it does not know", async () => {
  await using world = await openItems();
  equal((await runOnce(world)).code, 0);
  const { positions, slots } = await readState(world.stateFile);
  const position = positions[world.indexName()];
  ok(position);
  const text = formatState({
    slots,
    positions: { ...positions, others: position },
  });
  await Deno.writeTextFile(world.stateFile, text);
  await world.sql("update item set updated_at = now() where id < 4");
  equal((await runOnce(world)).code, 0);
  deepEqual((await readState(world.stateFile)).positions["others"], position);
});
