import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { EtlError } from "../src/failure.ts";
import { pauseIndexes, readPauses, resumeIndexes } from "../src/pause_file.ts";
import { openPauses } from "../src/pauses.ts";
import { recordLog } from "./recorded_log.ts";

const NEVER = new AbortController().signal;

/** A control file that is not there yet, in a folder of its own. */
async function setup(): Promise<AsyncDisposable & { readonly file: string }> {
  const folder = await Deno.makeTempDir();
  return {
    file: `${folder}/state.yaml.paused`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  signal.addEventListener("abort", () => resolve(), { once: true });
  return promise;
}

Deno.test("pauseIndexes() adds to the control file, which its owner alone may read", async () => {
  await using world = await setup();
  const { file } = world;
  await pauseIndexes(file, ["movies"]);
  const since = (await readPauses(file)).get("movies") ?? "";
  match(since, /^\d{4}-\d\d-\d\dT.*Z$/);
  await pauseIndexes(file, ["movies", "constructor"]);
  const paused = await readPauses(file);
  deepEqual([...paused.keys()].sort(), ["constructor", "movies"]);
  equal(paused.get("movies"), since);
  equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("resumeIndexes() takes one out, or all", async () => {
  await using world = await setup();
  const { file } = world;
  equal((await resumeIndexes(file, "movies")).size, 0);
  equal((await resumeIndexes(file)).size, 0);
  await pauseIndexes(file, ["movies", "genres", "persons"]);
  deepEqual([...(await resumeIndexes(file, "genres")).keys()], ["genres"]);
  equal((await resumeIndexes(file, "genres")).size, 0);
  deepEqual([...(await readPauses(file)).keys()].sort(), ["movies", "persons"]);
  equal((await resumeIndexes(file)).size, 2);
  equal((await readPauses(file)).size, 0);
  deepEqual(
    await Array.fromAsync(Deno.readDir(file.replace(/\/[^/]*$/, ""))),
    [],
  );
});

const DAMAGED: readonly (readonly [string, RegExp])[] = [
  ["", /: it is not JSON, or cut off\./],
  ['{"version":1,"paused":{"mov', /: it is not JSON, or cut off\./],
  ["[]", /: it is not one of pg2es, see its top\./],
  ['{"version":2,"paused":{}}', /: it is not one of pg2es, see version\./],
  ['{"version":1,"paused":{"a":"now"}}', /: it is not .*, see paused\.a\./],
  ["[".repeat(500_000), /: it is not JSON, or cut off\./],
  [" ".repeat(1_000_001), /: it is larger than 1 MB\./],
];

Deno.test("readPauses() takes nothing of a file that is damaged", async () => {
  await using world = await setup();
  const { file } = world;
  for (const [text, message] of DAMAGED) {
    await Deno.writeTextFile(file, text);
    await rejects(readPauses(file), (error) => {
      ok(error instanceof EtlError);
      equal(error.failure.kind, "config-invalid");
      match(error.message, message);
      match(
        error.message,
        /\. Mend it, or resume all indexes by pg2es resume$/,
      );
      return true;
    });
    await rejects(pauseIndexes(file, ["movies"]), EtlError);
    await rejects(resumeIndexes(file, "movies"), EtlError);
    await rejects(openPauses(file, { log: recordLog().log }), EtlError);
    equal(await Deno.readTextFile(file), text);
  }
  await resumeIndexes(file);
  equal((await readPauses(file)).size, 0);
});

Deno.test("openPauses() sees what is paused and resumed meanwhile", async () => {
  await using world = await setup();
  const { file } = world;
  await using pauses = await openPauses(file, {
    log: recordLog().log,
    lookMs: 5,
  });
  const pausing = pauses.pausing("movies");
  equal(pausing.aborted, false);
  await pauses.untilResumed("movies", NEVER);
  const paused = await pauseIndexes(file, ["movies"]);
  await aborted(pausing);
  equal(pauses.since("movies"), paused.get("movies"));
  equal(pauses.since("genres"), undefined);
  equal(pauses.pausing("movies").aborted, true);
  const resumed = pauses.untilResumed("movies", NEVER);
  await resumeIndexes(file, "movies");
  await resumed;
  equal(pauses.since("movies"), undefined);
  equal(pauses.pausing("movies").aborted, false);
});

Deno.test("untilResumed() ends with the signal", async () => {
  await using world = await setup();
  const { file } = world;
  await pauseIndexes(file, ["movies"]);
  await using pauses = await openPauses(file, { log: recordLog().log });
  const stop = new AbortController();
  const waiting = pauses.untilResumed("movies", stop.signal);
  stop.abort();
  await waiting;
  await pauses.untilResumed("movies", stop.signal);
  ok(pauses.since("movies"));
});

Deno.test("openPauses() keeps what it knew while the file is damaged, and tells so once", async () => {
  await using world = await setup();
  const { file } = world;
  await pauseIndexes(file, ["movies"]);
  const { log, lines } = recordLog();
  const told = {
    error: Promise.withResolvers<void>(),
    info: Promise.withResolvers<void>(),
  };
  await using pauses = await openPauses(file, {
    log: {
      ...log,
      error(message, fields) {
        log.error(message, fields);
        told.error.resolve();
      },
      info(message, fields) {
        log.info(message, fields);
        told.info.resolve();
      },
    },
    lookMs: 5,
  });
  const others = pauses.pausing("genres");
  await Deno.writeTextFile(file, "{");
  await told.error.promise;
  ok(pauses.since("movies"));
  equal(others.aborted, false);
  await resumeIndexes(file);
  await told.info.promise;
  equal(pauses.since("movies"), undefined);
  deepEqual(lines.map(({ level, message }) => [level, message]), [
    ["error", "cannot tell which indexes are paused, going on as before"],
    ["info", "the control file is mended"],
  ]);
});
