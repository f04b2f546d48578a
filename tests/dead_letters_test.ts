import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { EtlError } from "../src/failure.ts";
import { idsOf, Line, openFolder, refuse } from "./dead_letters_fixture.ts";
import { NEVER } from "./servers.ts";

Deno.test("record() writes a line that only its owner may read, with the document's bytes", async () => {
  await using world = await openFolder();
  const office = await world.open();
  const document = '{"id":7,"price":1.50,"text":"a \\u0041 \\"q\\" ж","n":1}';
  await office.of("movies").record([
    refuse("7", { document, version: "12", field: "price", reason: "no: 1.5" }),
    { key: "8", type: "id_length" },
  ], NEVER);
  const text = await world.text();
  ok(text.includes(`"document":${document}}\n`), text);
  const [first, second] = text.trimEnd().split("\n")
    .map((line) => Line.parse(JSON.parse(line)));
  deepEqual({ ...first, time: "", document: "" }, {
    ...{ time: "", index: "movies", id: "7", version: "12", document: "" },
    error: { type: "parsing", reason: "no: 1.5", field: "price" },
  });
  deepEqual([second?.version, second?.document], [null, null]);
  equal((await Deno.stat(world.file)).mode, 0o100600);
});

Deno.test("record() makes a file that others may read its owner's alone", async () => {
  await using world = await openFolder();
  await Deno.writeTextFile(world.file, "", { mode: 0o644 });
  await (await world.open()).of("movies").record([refuse("1")], NEVER);
  equal((await Deno.stat(world.file)).mode, 0o100600);
});

Deno.test("record() leaves no secret in a line, which stays JSON", async () => {
  await using world = await openFolder();
  const secrets = ["hunter2", '12345","x":"', "98765"];
  const office = await world.open({ secrets });
  const document = JSON.stringify({
    a: "is hunter2!",
    b: secrets[1],
    n: 19876500,
    kept: "fine",
  });
  const reason = "value 'hunter2' in field";
  await office.of("movies").record([
    refuse("1", { document, reason }),
    refuse("2", { document: '{"a":"hunter\\u0032"}' }),
  ], NEVER);
  const text = await world.text();
  for (const secret of ["hunter", "12345", "98765"]) {
    ok(!text.includes(secret), text);
  }
  const [line = ""] = text.split("\n");
  deepEqual(Line.parse(JSON.parse(line)).document, {
    ...{ a: "is ***!", b: "***", n: "1***00", kept: "fine" },
  });
});

Deno.test("record() takes a document as large as one may be", async () => {
  await using world = await openFolder();
  const office = await world.open({ secrets: ["hunter2"] });
  const text = "\\u0041".repeat(4_000_000);
  await office.of("movies").record([
    refuse("1", { document: `{"a":"${text}","b":["hunter2",true,1e5]}` }),
  ], NEVER);
  const written = await world.text();
  ok(written.endsWith(`${text}","b":["***",true,1e5]}}\n`));
  deepEqual(await idsOf(await world.open()), ["1"]);
});

Deno.test("record() replaces the letter of an id, by no older one", async () => {
  await using world = await openFolder();
  const office = await world.open({ stopAfter: 1 });
  const letters = office.of("movies");
  for (const version of ["9", "10", "10"]) {
    await letters.record([refuse("1", { version })], NEVER);
  }
  await letters.record([refuse("1", { version: "8", type: "old" })], NEVER);
  for (const reader of [office, await world.open()]) {
    const [letter, ...others] = await reader.list(NEVER);
    deepEqual([letter?.version, letter?.type, others], ["10", "parsing", []]);
  }
});

Deno.test("record() throws once more are outstanding than may be, with the commonest reason, and has them on disk", async () => {
  await using world = await openFolder();
  const office = await world.open({ stopAfter: 3 });
  const movies = office.of("movies");
  await office.of("persons").record(
    ["1", "2", "3"].map((id) => refuse(id)),
    NEVER,
  );
  await movies.record([refuse("1"), refuse("2", { field: "a" })], NEVER);
  await movies.record([refuse("1"), refuse("3", { field: "a" })], NEVER);
  const failure = {
    ...{ kind: "rejections-exceeded", index: "movies", count: 4 },
    ...{ type: "parsing", field: "a" },
  };
  await rejects(
    movies.record([refuse("4", { field: "a" })], NEVER),
    (error) => {
      deepEqual(error instanceof EtlError && error.failure, failure);
      return true;
    },
  );
  const again = await world.open({ stopAfter: 3 });
  deepEqual((await idsOf(again)).length, 7);
  // opened, they do not stop it: the next refusal does
  await again.of("persons").clear(["1"], { version: "8", signal: NEVER });
  await rejects(again.of("movies").record([refuse("4")], NEVER), EtlError);
});

Deno.test("clear() takes out what was refused in the same reading or an earlier one", async () => {
  await using world = await openFolder();
  const office = await world.open();
  const letters = office.of("movies");
  const signal = NEVER;
  await letters.record([
    refuse("1", { version: "9" }),
    refuse("2", { version: "10" }),
    refuse("3", { version: "11" }),
    { key: "4", type: "unreadable" },
    refuse("5"),
  ], NEVER);
  await office.of("persons").record([refuse("1")], NEVER);
  await letters.clear(["1", "2", "3", "4", "0"], { version: "10", signal });
  deepEqual(await idsOf(office), ["1", "3", "5"]);
  deepEqual(await idsOf(await world.open()), ["1", "3", "5"]);
  equal((await Deno.stat(world.file)).mode, 0o100600);
  await letters.clear(["3", "5"], { version: undefined, signal });
  await office.of("persons").clear(["1"], { version: "7", signal });
  deepEqual(await world.names(), []);
});

Deno.test("record() waits until the file can be written", async () => {
  await using world = await openFolder();
  const office = await world.open();
  await Deno.mkdir(`${world.file}.lock`); // nobody can open it
  let isRecorded = false;
  const recorded = office.of("movies").record([refuse("1")], NEVER)
    .then(() => isRecorded = true);
  while (world.log.length === 0) await new Promise((go) => setTimeout(go, 5));
  const [{ message, fields } = {}] = world.log;
  equal(message, "cannot go on, trying again");
  const { error, server } = fields ?? {};
  equal(server, "dead-letter file");
  ok(error instanceof EtlError);
  equal(error.failure.kind, "dead-letters-unwritable");
  equal(isRecorded, false);
  await Deno.remove(`${world.file}.lock`);
  await recorded;
  deepEqual(await idsOf(await world.open()), ["1"]);
});

Deno.test("record() ends with the signal while another process has the lock", async () => {
  await using world = await openFolder();
  const office = await world.open();
  {
    using lock = await Deno.open(`${world.file}.lock`, {
      write: true,
      create: true,
    });
    await lock.lock(true);
    const ending = new AbortController();
    const recorded = office.of("movies").record([refuse("1")], ending.signal);
    const reason = new Error("killed");
    setTimeout(() => ending.abort(reason), 20);
    await rejects(recorded, (error) => error === reason);
  }
  await office.of("movies").record([refuse("2")], NEVER);
  deepEqual(await idsOf(office), ["2"]);
});

Deno.test("two processes change the files at once, and lose nothing", async () => {
  await using world = await openFolder();
  const program = new URL("dead_letters_writer.ts", import.meta.url);
  const writers = ["a", "b"].map((name) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", program.href, world.file, name],
      stderr: "inherit",
    }).spawn()
  );
  for (const writer of writers) ok((await writer.status).success);
  const office = await world.open();
  const numbers = Array.from({ length: 40 }, (_, n) => n);
  const kept = numbers.filter((n) => n % 3 === 0);
  deepEqual(
    await idsOf(office),
    ["a", "b"].flatMap((name) => kept.map((n) => `${name}${n}`)).sort(),
  );
  for (const line of (await world.text()).trimEnd().split("\n")) {
    Line.parse(JSON.parse(line));
  }
});

Deno.test("openDeadLetters() makes nothing where nothing is refused, and clear() neither", async () => {
  await using world = await openFolder();
  const office = await world.open();
  await office.of("movies").record([], NEVER);
  await office.of("movies").clear(["1"], { version: "1", signal: NEVER });
  deepEqual(await Array.fromAsync(Deno.readDir(world.folder)), []);
});
