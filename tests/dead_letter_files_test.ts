import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { idsOf, Line, openFolder, refuse } from "./dead_letters_fixture.ts";
import { NEVER } from "./servers.ts";

Deno.test("nothing outstanding is dropped when files are full, and files without any are removed", async () => {
  await using world = await openFolder();
  const maxBytes = 1_000;
  const office = await world.open({ maxBytes });
  const letters = office.of("movies");
  const ids = Array.from({ length: 40 }, (_, n) => String(n).padStart(2, "0"));
  for (const id of ids) {
    await letters.record([refuse(id)], NEVER);
    await letters.record([refuse("hot", { version: `1${id}` })], NEVER);
  }
  const names = await world.names();
  ok(names.length > 3, names.join());
  deepEqual(names.slice(0, 2), ["dead_letters.jsonl", "dead_letters.jsonl.1"]);
  for (const name of names) {
    const { size, mode } = await Deno.stat(join(world.folder, name));
    ok(size <= maxBytes, `${name}: ${size}`);
    equal(mode, 0o100600);
  }
  const again = await world.open({ maxBytes });
  deepEqual(await idsOf(again), [...ids, "hot"]);
  const early = ids.slice(0, 30);
  await again.of("movies").clear(early, { version: "7", signal: NEVER });
  deepEqual(await idsOf(office), [...ids.slice(30), "hot"]);
  ok((await world.names()).length < names.length);
  const rest = [...ids, "hot"];
  await letters.clear(rest, { version: "999", signal: NEVER });
  deepEqual(await world.names(), []);
});

Deno.test("one document that is refused again and again takes one file", async () => {
  await using world = await openFolder();
  const letters = (await world.open({ maxBytes: 1_000 })).of("movies");
  for (let version = 0; version < 100; version++) {
    await letters.record([refuse("1", { version: `${version}` })], NEVER);
  }
  deepEqual(await world.names(), ["dead_letters.jsonl"]);
  ok((await Deno.stat(world.file)).size <= 1_000);
});

Deno.test("a last line that was cut off was never counted, and is dropped", async () => {
  await using world = await openFolder();
  await (await world.open()).of("movies").record(
    [refuse("1"), refuse("2"), refuse("3")],
    NEVER,
  );
  const whole = await Deno.readFile(world.file);
  const lineBytes = whole.length / 3;
  for (const cut of [1, 2, 30, lineBytes - 1]) {
    await Deno.writeFile(world.file, whole.subarray(0, whole.length - cut));
    const office = await world.open();
    // with its line break missing, the line itself is whole
    const left = cut === 1 ? ["1", "2", "3"] : ["1", "2"];
    deepEqual(await idsOf(office), left);
    await office.of("movies").record([refuse("4")], NEVER);
    deepEqual(await idsOf(await world.open()), [...left, "4"]);
    for (const line of (await world.text()).trimEnd().split("\n")) {
      Line.parse(JSON.parse(line));
    }
  }
});

Deno.test("a long last line that was cut off leaves nothing behind a shorter one", async () => {
  await using world = await openFolder();
  const office = await world.open();
  await office.of("movies").record([refuse("1")], NEVER);
  const text = await world.text();
  const cut = `{"time":"${"x".repeat(5_000)}`;
  await Deno.writeTextFile(world.file, text + cut);
  await office.of("movies").record([refuse("2")], NEVER);
  equal((await world.text()).includes("xxx"), false);
  deepEqual(await idsOf(await world.open()), ["1", "2"]);
});

Deno.test("a full file is removed once all of its documents were refused again", async () => {
  await using world = await openFolder();
  const letters = (await world.open({ maxBytes: 1_000 })).of("movies");
  const ids = Array.from({ length: 12 }, (_, n) => String(n));
  for (const id of ids) await letters.record([refuse(id)], NEVER);
  const first = `${world.file}.1`;
  const full = (await Deno.readTextFile(first)).trimEnd().split("\n")
    .map((line) => Line.parse(JSON.parse(line)).id);
  for (const id of full) {
    await letters.record([refuse(id, { version: "8" })], NEVER);
  }
  await rejects(Deno.stat(first), Deno.errors.NotFound);
  deepEqual(await idsOf(await world.open()), ids.toSorted());
});

Deno.test("a damaged line is told with its number, and nothing is overwritten", async () => {
  await using world = await openFolder();
  const office = await world.open();
  await office.of("movies").record([refuse("1"), refuse("2")], NEVER);
  const text = await world.text();
  const damages = [
    { text: `${text}nonsense\n${text}`, line: 3 },
    { text: text.replace('"index"', '"indx"'), line: 1 },
    { text: text.replace('"7"', '"seven"'), line: 1 },
    { text: `\n{}\n${text}`, line: 2 },
  ];
  for (const { text, line } of damages) {
    await Deno.writeTextFile(world.file, text);
    const failure = {
      ...{ kind: "dead-letters-invalid", file: world.file },
      detail: `line ${line} is no dead letter`,
    };
    await rejects(world.open(), { failure });
    await rejects(office.of("movies").record([refuse("3")], NEVER), {
      failure,
    });
    equal(await Deno.readTextFile(world.file), text);
  }
  await Deno.writeTextFile(world.file, `\n${text}\n`);
  deepEqual(await idsOf(office), ["1", "2"]);
});
