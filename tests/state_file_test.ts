import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { EtlError } from "../src/failure.ts";
import { formatState, readState, writeState } from "../src/state_file.ts";

const STATE = {
  slots: ["pg2es_movies"],
  positions: {
    movies: {
      source: { system: "7300000000000000001", database: "movies" },
      index: { name: "movies-0123abcd", uuid: "qKUu8H" },
      low: "2026-01-01 00:00:00.000000+00",
      seen: { "content.film_work": "745" },
      load: { after: ["b"] },
    },
  },
};

const TEXT = formatState(STATE);

/** A folder of the test's own, removed when the test ends. */
async function openFolder() {
  const folder = await Deno.makeTempDir();
  return {
    file: join(folder, "state.yaml"),
    draft: join(folder, "state.yaml.draft"),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
    names: () => Array.fromAsync(Deno.readDir(folder), ({ name }) => name),
  };
}

/** What is said of the file, which is left as it is. */
async function refuse(content: string | Uint8Array): Promise<string> {
  await using folder = await openFolder();
  const bytes = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  await Deno.writeFile(folder.file, bytes);
  const message = await refuseFile(folder.file);
  deepEqual(await Deno.readFile(folder.file), bytes);
  deepEqual(await folder.names(), ["state.yaml"]);
  return message;
}

async function refuseFile(file: string): Promise<string> {
  try {
    await readState(file);
  } catch (error) {
    ok(error instanceof EtlError, String(error));
    equal(error.failure.kind, "checkpoint-invalid");
    const start = `Cannot use state file ${file}: `;
    ok(error.message.startsWith(start), error.message);
    ok(!error.message.includes("\n"), error.message);
    return error.message.slice(start.length);
  }
  throw new Error("the file was taken");
}

Deno.test("readState() gives back what writeState() was given", async () => {
  await using folder = await openFolder();
  deepEqual(await readState(folder.file), { positions: {}, slots: [] });
  await writeState(folder.file, STATE);
  deepEqual(await readState(folder.file), STATE);
  equal(await Deno.readTextFile(folder.file), TEXT);
});

Deno.test("readState() refuses a file that was cut off, after whichever byte", async () => {
  match(await refuse(""), /^it is empty\. Restore it, or delete it/);
  for (let length = 1; length < TEXT.length; length++) {
    const message = await refuse(TEXT.slice(0, length));
    match(message, /empty|not YAML, or cut off|changed or cut off/);
  }
  // what is left here is a whole position of an index whose load is over
  const [withoutLoad = ""] = TEXT.split("    load:");
  match(await refuse(withoutLoad), /^it was changed or cut off .* Restore it/);
});

Deno.test("readState() refuses a file that was changed, in whichever place", async () => {
  const bytes = new TextEncoder().encode(TEXT);
  const begin = TEXT.indexOf("sha256");
  for (let place = begin; place < bytes.length; place++) {
    const changed = Uint8Array.from(bytes);
    changed[place] = (bytes[place] ?? 0) ^ 1;
    await refuse(changed);
  }
  for (
    const changed of [
      TEXT.replace("745", "746"),
      `${TEXT}\n`,
      `${TEXT}# a remark\n`,
      TEXT.replaceAll("\n", "\r\n"),
      TEXT.replace(/sha256.*\n/, ""),
      TEXT.replace("sha256: ", "sha256: 0"),
    ]
  ) {
    match(
      await refuse(changed),
      /^it was changed or cut off after it was written, its checksum is another\. Restore it, or delete it/,
    );
  }
});

Deno.test("readState() tells what a newer version wrote, whatever else is in it", async () => {
  for (
    const text of [
      "version: 2\n",
      "# A state\nversion: 2\nsha: {}\nindexes: []\n",
      TEXT.replace("version: 1", "version: 2"),
    ]
  ) {
    equal(
      await refuse(text),
      "it was written by a newer version of pg2es, its format is version 2 and not 1. Upgrade this pg2es",
    );
  }
});

Deno.test("readState() refuses what is no state", async () => {
  match(await refuse("version: 1\nindexes: {movies: "), /^it is not YAML/);
  match(await refuse("\u0000\u0001"), /^it /);
  match(await refuse(Uint8Array.of(0xff, 0xfe, 0x00)), /^it /);
  match(await refuse("postgres: {host: localhost}\n"), /changed or cut off/);
});

Deno.test("readState() refuses what it cannot read", async () => {
  await using folder = await openFolder();
  await Deno.mkdir(folder.file);
  match(await refuseFile(folder.file), /^it cannot be read, code is EISDIR\. /);
});

Deno.test("writeState() makes a file that is for the agent's user alone", async () => {
  await using folder = await openFolder();
  await writeState(folder.file, STATE);
  const { mode } = await Deno.stat(folder.file);
  equal((mode ?? 0) & 0o777, 0o600);
});

Deno.test("writeState() writes nothing into a draft that was left over", async () => {
  await using folder = await openFolder();
  const { file, draft } = folder;
  await Deno.writeTextFile(draft, "left over", { mode: 0o644 });
  using left = await Deno.open(draft);
  await writeState(file, STATE);
  equal(await new Response(left.readable).text(), "left over");
  equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  deepEqual(await folder.names(), ["state.yaml"]);
});

Deno.test("writeState() follows no link that lies where the draft goes", async () => {
  await using folder = await openFolder();
  await using other = await openFolder();
  await Deno.writeTextFile(other.file, "of somebody else");
  await Deno.symlink(other.file, folder.draft);
  await writeState(folder.file, STATE);
  equal(await Deno.readTextFile(other.file), "of somebody else");
  ok((await Deno.lstat(folder.file)).isFile);
});

Deno.test("writeState() that fails leaves the file, and no draft", async () => {
  await using folder = await openFolder();
  await Deno.mkdir(join(folder.file, "full"), { recursive: true });
  await rejects(writeState(folder.file, STATE), {
    failure: {
      kind: "checkpoint-unwritable",
      file: folder.file,
      code: "EISDIR",
    },
  });
  deepEqual(await folder.names(), ["state.yaml"]);
});

Deno.test("writeState() tells of a draft that it cannot take away", async () => {
  await using folder = await openFolder();
  await writeState(folder.file, STATE);
  await Deno.mkdir(join(folder.draft, "full"), { recursive: true });
  await rejects(writeState(folder.file, { positions: {}, slots: [] }), {
    message:
      `Cannot write state file ${folder.file}: code is ENOTEMPTY. Give the agent a folder it may write to, with free space`,
  });
  deepEqual(await readState(folder.file), STATE);
});
