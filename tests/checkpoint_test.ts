import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { openCheckpoint } from "../src/checkpoint.ts";
import { EtlError } from "../src/failure.ts";
import type { Position } from "../src/position.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, quickPersister } from "./servers.ts";

const POSITION: Position = {
  source: { system: "7300000000000000001", database: "movies" },
  index: { name: "movies-0123abcd", uuid: "qKUu8H" },
  low: "2026-01-01 00:00:00.000000+00",
  seen: { "content.film_work": "745" },
};

const SCAN: Position = {
  ...POSITION,
  load: { after: ["a", "b"] },
  scan: {
    from: "2026-01-01 00:00:00.000000+00",
    low: "2026-01-02 00:00:00.000000+00",
    tables: {
      "content.person": {
        seen: "700",
        after: ["2026-01-01 00:00:00.000000+00", "1"],
        upto: ["2026-01-01 00:00:00.000000+00", "2"],
        after_id: "x|y",
      },
      "content.genre": { done: true },
    },
  },
};

/** A folder of the test's own, removed when the test ends. */
async function openFolder() {
  const folder = await Deno.makeTempDir();
  return {
    file: join(folder, "state.yaml"),
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function open(file: string, log = recordLog().log) {
  return openCheckpoint(file, quickPersister("state file", log));
}

Deno.test("openCheckpoint() takes a file that is not there for an empty state, and makes none", async () => {
  await using world = await openFolder();
  const checkpoint = await open(world.file);
  equal(checkpoint.load("movies"), undefined);
  deepEqual(await Array.fromAsync(Deno.readDir(world.folder)), []);
});

Deno.test("save() keeps every part of a position for the next run", async () => {
  await using world = await openFolder();
  const checkpoint = await open(world.file);
  await checkpoint.save("movies", POSITION, NEVER);
  await checkpoint.save("books", SCAN, NEVER);
  deepEqual(checkpoint.load("books"), SCAN);
  const later = await open(world.file);
  deepEqual(later.load("movies"), POSITION);
  deepEqual(later.load("books"), SCAN);
  equal(later.load("others"), undefined);
});

Deno.test("save() keeps texts that look like something else in YAML", async () => {
  await using world = await openFolder();
  const tricky = ["1", "01", "0x1F", "1e3", "null", "~", "", "yes", "no"]
    .concat("true", "2026-01-01", "2026-01-01 00:00:00+00", "12:30:45", "-")
    .concat("- a", "a: b", "# x", "<<", "=", "!!int 1", "&a", "*a", "'", '"')
    .concat(" a ", "a\nb\n", "\t", "\u0000", "\u0085", "\u2028", "%YAML", "...")
    .concat(".inf", ".nan", "1_000", "{", "[", "?", "|", ">", "@", "`", "é");
  const checkpoint = await open(world.file);
  const load = { after: tricky };
  await checkpoint.save("movies", { ...POSITION, load }, NEVER);
  const later = await open(world.file);
  deepEqual(later.load("movies")?.load?.after, tricky);
});

Deno.test("save() keeps any text of a key", async () => {
  await using world = await openFolder();
  const keys = fc.array(fc.string({ unit: "binary" }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(keys, async (after) => {
      const checkpoint = await open(world.file);
      await checkpoint.save("a", { ...POSITION, load: { after } }, NEVER);
      const later = await open(world.file);
      deepEqual(later.load("a")?.load?.after, after);
    }),
    { numRuns: 50 },
  );
});

Deno.test("save() puts a new file in the old one's place, never writing into it", async () => {
  await using world = await openFolder();
  const checkpoint = await open(world.file);
  await checkpoint.save("movies", POSITION, NEVER);
  using old = await Deno.open(world.file);
  await checkpoint.save("movies", SCAN, NEVER);
  const text = await new Response(old.readable).text();
  ok(text.includes("content.film_work"));
  ok(!text.includes("content.person"));
});

Deno.test("openCheckpoint() refuses a file that cannot be used", async () => {
  await using world = await openFolder();
  await Deno.writeTextFile(world.file, "version: 1\nindexes: {}\n");
  await rejects(open(world.file), (error) => {
    ok(error instanceof EtlError);
    return error.failure.kind === "checkpoint-invalid";
  });
});

Deno.test("save() writes as one what comes while it is writing, and the last one wins", async () => {
  await using world = await openFolder();
  const { file } = world;
  let writes = 0;
  const persister = quickPersister("state file");
  const checkpoint = await openCheckpoint(file, {
    persist(action, signal) {
      writes++;
      return persister.persist(action, signal);
    },
  });
  const saves = Array.from({ length: 200 }, (_, n) => {
    const low = String(n);
    return checkpoint.save(`index${n % 3}`, { ...POSITION, low }, NEVER);
  });
  await Promise.all(saves);
  ok(writes <= 2, `${writes} writes`);
  const later = await open(file);
  equal(later.load("index0")?.low, "198");
  equal(later.load("index1")?.low, "199");
  equal(later.load("index2")?.low, "197");
});

Deno.test("save() is done only when what it was given is on disk", async () => {
  await using world = await openFolder();
  const checkpoint = await open(world.file);
  await Promise.all(Array.from({ length: 40 }, async (_, n) => {
    for (let turn = 0; turn < n; turn++) await Promise.resolve();
    const low = String(n);
    await checkpoint.save(`index${n}`, { ...POSITION, low }, NEVER);
    equal((await open(world.file)).load(`index${n}`)?.low, low);
  }));
});

Deno.test("save() tells a folder that it cannot write to, tries again, and goes on once it can", async () => {
  await using world = await openFolder();
  const file = join(world.folder, "gone", "state.yaml");
  const { log, lines } = recordLog();
  const told = Promise.withResolvers<void>();
  const checkpoint = await open(file, {
    ...log,
    warning(message, fields) {
      log.warning(message, fields);
      told.resolve();
    },
  });
  const saved = checkpoint.save("movies", POSITION, NEVER);
  await told.promise;
  const { error } = lines[0]?.fields ?? {};
  ok(error instanceof EtlError);
  deepEqual(error.failure, {
    kind: "checkpoint-unwritable",
    file,
    code: "ENOENT",
  });
  match(error.message, /Give the agent a folder it may write to/);
  await Deno.mkdir(join(world.folder, "gone"));
  await saved;
  deepEqual((await open(file)).load("movies"), POSITION);
  equal(lines.at(-1)?.message, "goes on");
});

Deno.test("save() after one that was given up writes all the same", async () => {
  await using world = await openFolder();
  const checkpoint = await open(world.file);
  const reason = new Error("killed");
  await rejects(
    checkpoint.save("movies", POSITION, AbortSignal.abort(reason)),
    reason,
  );
  await checkpoint.save("books", POSITION, NEVER);
  deepEqual((await open(world.file)).load("movies"), POSITION);
});

Deno.test("keep() remembers without writing, until the next save", async () => {
  await using world = await openFolder();
  const checkpoint = await open(world.file);
  await checkpoint.keep("movies", POSITION, {
    maxAgeMs: 60_000,
    signal: NEVER,
  });
  deepEqual(checkpoint.load("movies"), POSITION);
  await rejects(Deno.stat(world.file), Deno.errors.NotFound);
  await checkpoint.save("books", POSITION, NEVER);
  deepEqual((await open(world.file)).load("movies"), POSITION);
});

Deno.test("forget() leaves the index out of the next save", async () => {
  await using world = await openFolder();
  const checkpoint = await open(world.file);
  await checkpoint.save("movies", POSITION, NEVER);
  checkpoint.forget("movies");
  equal(checkpoint.load("movies"), undefined);
  await checkpoint.save("books", POSITION, NEVER);
  equal((await open(world.file)).load("movies"), undefined);
});

Deno.test("load() knows nothing of an index that is called as something every object has", async () => {
  await using folder = await openFolder();
  const checkpoint = await openCheckpoint(
    folder.file,
    quickPersister("state file"),
  );
  equal(checkpoint.load("constructor"), undefined);
  await checkpoint.save("constructor", POSITION, NEVER);
  deepEqual(checkpoint.load("constructor"), POSITION);
});

Deno.test("claimSlot() and releaseSlot() are on disk once they are done, beside the positions", async () => {
  await using world = await openFolder();
  const checkpoint = await open(world.file);
  await checkpoint.save("movies", POSITION, NEVER);
  await checkpoint.claimSlot("pg2es_movies", NEVER);
  await checkpoint.claimSlot("pg2es_books", NEVER);
  await checkpoint.claimSlot("pg2es_movies", NEVER);
  const claimed = await open(world.file);
  deepEqual(claimed.slots(), ["pg2es_movies", "pg2es_books"]);
  deepEqual(claimed.load("movies"), POSITION);
  await claimed.releaseSlot("pg2es_movies", NEVER);
  const released = await open(world.file);
  deepEqual(released.slots(), ["pg2es_books"]);
  deepEqual(released.load("movies"), POSITION);
});

Deno.test("claimSlot() after one that was given up writes all the same", async () => {
  await using world = await openFolder();
  const file = join(world.folder, "later", "state.yaml");
  const checkpoint = await open(file);
  const gone = AbortSignal.abort(new Error("given up"));
  await rejects(checkpoint.claimSlot("pg2es_movies", gone));
  await Deno.mkdir(join(world.folder, "later"));
  await checkpoint.claimSlot("pg2es_movies", NEVER);
  deepEqual((await open(file)).slots(), ["pg2es_movies"]);
});

Deno.test("openCheckpoint() of a file that is replaced keeps the slots alone, whatever else is wrong with it", async () => {
  await using world = await openFolder();
  const checkpoint = await open(world.file);
  await checkpoint.save("movies", POSITION, NEVER);
  await checkpoint.claimSlot("pg2es_movies", NEVER);
  const persister = quickPersister("state file", recordLog().log);
  const replaced = { isReplaced: true };
  const fresh = await openCheckpoint(world.file, persister, replaced);
  equal(fresh.load("movies"), undefined);
  deepEqual(fresh.slots(), ["pg2es_movies"]);
  await Deno.writeTextFile(world.file, "not ours");
  const empty = await openCheckpoint(world.file, persister, replaced);
  deepEqual(empty.slots(), []);
});
