import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  type AgentProcess,
  type Ending,
  expectNoStack,
  expectTold,
  runToEnd,
  startAgent,
} from "./agent_process.ts";
import { runPass } from "./agent_run.ts";
import {
  countSettled,
  FILM_COUNT,
  readPosition,
  retitle,
  runOnce,
  SMALL_STEPS,
  until,
  untilFollowed,
  untilFollowing,
} from "./moments.ts";
import { openWorld, type World } from "./world.ts";

/** A load that takes seconds, in small steps. */
const SLOW = { ...SMALL_STEPS, limit: { documents_per_second: 300 } };

const GENRES = {
  name: "genres",
  "index_config": "genres.json",
  document: "select id, name from content.genre",
  watch: [{ table: "content.genre" }],
};

const FILES = {
  "genres.json": JSON.stringify({ mappings: { dynamic: false } }),
};

async function command(world: World, ...args: string[]): Promise<Ending> {
  const ending = await runToEnd({ folder: world.folder, args });
  equal(ending.code, 0, ending.stderr);
  return ending;
}

async function untilPaused(agent: AgentProcess, index: string): Promise<void> {
  await agent.waitFor((line) =>
    line.message === "paused" && line["index"] === index
  );
}

/** Stops the agent as an operator does. */
async function stop(agent: AgentProcess): Promise<Ending> {
  agent.kill("SIGTERM");
  const ending = await agent.ended();
  equal(ending.code, 0, ending.stderr);
  return ending;
}

Deno.test("pg2es pause stops one index within its load, resume goes on where it was, and others follow on", async () => {
  await using world = await openWorld({
    files: FILES,
    settings: SLOW,
    // by the log what changes meanwhile comes during the load
    follow: "polling",
  });
  await world.configure({
    "indexes.1": {
      ...GENRES,
      name: world.indexName().replace("movies", "genres"),
    },
    log_status_period: "100ms",
  });
  const movies = world.indexName();
  const genres = movies.replace("movies", "genres");
  await using agent = startAgent({ folder: world.folder });
  await until("films are loaded", async () => await countSettled(world) > 40);

  const paused = await command(world, "pause", "--index", movies);
  match(paused.stdout, new RegExp(`^${movies}: paused since \\d{4}-.*Z\\n$`));
  await untilPaused(agent, movies);
  const settled = await countSettled(world);
  ok(settled < FILM_COUNT, `${settled} films`);
  ok((await readPosition(world))?.load !== undefined);
  // a page that was begun may be in the index in part; it is done again
  const { size: written } = await world.documents();
  ok(written >= settled && written < settled + 20, `${written} films`);
  const status = await agent.waitFor((line) =>
    line.message === "paused" && "passes" in line
  );
  match(String(status["since"]), /^\d{4}-/);

  await world.sql(
    "update content.genre set name = name || ' new', updated_at = now()",
  );
  await until("genres are followed", async () => {
    const path = `/${genres}/_search?size=1`;
    await world.search("POST", `/${genres}/_refresh`);
    return (await world.search("GET", path)).text.includes(" new");
  });
  equal(await countSettled(world), settled);

  const resumed = await command(world, "resume", "--index", movies);
  match(resumed.stdout, new RegExp(`^${movies}: resumed, was paused since `));
  await agent.waitFor("resumed");
  await untilFollowing(agent);
  const { log } = await stop(agent);
  const loads = log.filter((line) =>
    line["index"] === movies && line["kind"] === "load"
  ).map(({ written, finished }) => ({ written, finished }));
  deepEqual(loads, [
    { written, finished: false },
    { written: FILM_COUNT - settled, finished: true },
  ]);
  await runOnce(world);
});

Deno.test("a pause outlives a restart, and run --once skips the index", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await runPass(world);
  const index = world.indexName();
  await command(world, "pause");
  const file = `${world.stateFile}.paused`;
  equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  await retitle(world, "while paused");
  const skipped = await command(world, "run", "--once");
  const line = skipped.log.find(({ message }) =>
    message === "skipped: it is paused"
  );
  equal(line?.["index"], index);
  equal(skipped.log.some(({ message }) => message === "pass finished"), false);
  await using agent = startAgent({ folder: world.folder });
  await untilPaused(agent, index);
  await command(world, "resume");
  await agent.waitFor("resumed");
  await untilFollowed(world, "while paused");
  equal((await command(world, "resume")).stdout, `${index}: was not paused\n`);
  await stop(agent);
});

Deno.test({
  name: "SIGUSR1 pauses all indexes, SIGUSR2 resumes them",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using world = await openWorld({ settings: SMALL_STEPS });
    await using agent = startAgent({ folder: world.folder });
    await untilFollowing(agent);
    agent.kill("SIGUSR1");
    await untilPaused(agent, world.indexName());
    await retitle(world, "by signal");
    const { stdout } = await command(world, "pause");
    const control = await Deno.readTextFile(`${world.stateFile}.paused`);
    ok(control.includes(stdout.split("since ")[1]?.trim() ?? "?"), stdout);
    agent.kill("SIGUSR2");
    await agent.waitFor("resumed");
    await untilFollowed(world, "by signal");
    agent.kill("SIGUSR1");
    await untilPaused(agent, world.indexName());
    await stop(agent); // also a paused agent ends at once
  },
});

Deno.test("a damaged control file resumes nothing", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await runPass(world);
  const file = `${world.stateFile}.paused`;
  await command(world, "pause");
  await using agent = startAgent({ folder: world.folder });
  await untilPaused(agent, world.indexName());
  await Deno.writeTextFile(file, '{"version":');
  const told = await agent.waitFor(({ level }) => level === "error");
  match(String(told["error"]), /^Cannot use control file .*: it is not JSON/);
  const { log } = await stop(agent);
  equal(log.some(({ message }) => message === "resumed"), false);
  const args = [["run"], ["pause"]];
  for (const line of args) {
    const ending = await runToEnd({ folder: world.folder, args: line });
    expectTold(ending, {
      code: 2,
      lines: [
        /^Cannot use control file .*\.paused: it is not JSON, or cut off/,
      ],
    });
  }
  await command(world, "resume");
  await runOnce(world);
});

Deno.test("pause and resume tell of an index that there is not", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  for (const name of ["pause", "resume"]) {
    const args = [name, "--index", "film"];
    const ending = await runToEnd({ folder: world.folder, args });
    equal(ending.code, 2);
    match(ending.stderr, /^--index: there is no index film, write one of /);
    expectNoStack(ending.stderr);
  }
});
