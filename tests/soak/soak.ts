import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram, showStep, tell } from "../../dev/progress.ts";
import { removeServers } from "../../dev/servers.ts";
import { untilStopped } from "../../dev/stop_signal.ts";
import { superviseAgent } from "./agent.ts";
import { openChaos } from "./chaos.ts";
import { findDifference, verify } from "./check.ts";
import { freeIndexes } from "./injection.ts";
import { findLeaks } from "./leaks.ts";
import { parseOptions, type SoakOptions } from "./options.ts";
import { findTalents } from "./talents.ts";
import { WAL_FAULTS } from "./schedule.ts";
import { openStage, unmount } from "./stage.ts";
import { countFaults, summaryLines } from "./summary.ts";
import { REFUSED_YEAR } from "./transactions.ts";
import { openWriter } from "./writer.ts";

/** Each seed has a folder of its own in it: soaks may run side by side. */
const SOAKS = fileURLToPath(new URL("../../.servers/soak", import.meta.url));
/** How long faults follow each other until the index is looked at. */
const ROUND_MS = 45_000;
const MAX_RSS_BYTES = 600e6;
const MAX_FILES = 100;
const MAX_LEAKS_SHOWN = 10;
/** As a shell tells of Ctrl-C. */
const STOPPED = 130;

/** Lets faults befall the agent while films change, and holds the index against PostgreSQL. */
async function main(words: readonly string[]): Promise<void> {
  const options = parseOptions(
    words,
    () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
  );
  const { seed, minutes, follow } = options;
  tell(`seed ${seed}, ${minutes} minutes, follow: ${follow}`);
  const folder = join(SOAKS, String(seed));
  await removeSoak(folder);
  const problems = await soak(options, folder);
  if (problems === undefined) Deno.exitCode = STOPPED;
  else if (problems.length > 0) {
    for (const problem of problems) tell(`FAILED: ${problem}`);
    tell(
      `The logs are in ${join(folder, "logs")}, the seed is ${seed}`,
    );
    Deno.exitCode = 1;
    return;
  }
  await removeSoak(folder);
}

/** What is wrong, none of it at best; nothing when it was stopped. */
async function soak(
  { seed, minutes, follow }: SoakOptions,
  folder: string,
): Promise<string[] | undefined> {
  using stopped = untilStopped();
  const stop = new AbortController();
  stopped.promise.then(() => stop.abort());
  await Deno.mkdir(folder, { recursive: true });
  await using stage = await openStage(folder, follow);
  const talents = await showStep(
    "Finding out what the agent can do",
    () => findTalents(stage),
  );
  const marker = `mark${seed.toString(16)}q`;
  await using writer = openWriter({ url: stage.databaseUrl, seed, marker });
  await using agent = await superviseAgent(stage.first);
  const problems: string[] = [];
  const note = (line: string) =>
    Deno.writeTextFile(
      join(folder, "chaos.log"),
      `${new Date().toISOString()} ${line}\n`,
      { append: true },
    );
  const chaos = openChaos({ stage, agent, unexpected: problems, note }, {
    seed,
    isPossible: (kind) =>
      (kind !== "agent: second one" || talents.waits) &&
      (kind !== "agent: folder full" || stage.canFill) &&
      (follow === "wal" || !(kind in WAL_FAULTS)),
  });

  const startedMs = performance.now();
  const leftMs = () => startedMs + minutes * 60_000 - performance.now();
  let checks = 0;
  let refused = 0;
  async function check(): Promise<boolean> {
    const found = await findDifference({
      stage,
      talents,
      signal: stop.signal,
      hadSecond: chaos.counts.has("agent: second one"),
    });
    checks++;
    refused += found.refused;
    problems.push(...found.problems, ...agent.unexpected);
    const { faults, kills } = countFaults(chaos.counts);
    tell(
      `${
        ((performance.now() - startedMs) / 60_000).toFixed(1)
      } min: ${faults} faults, ${kills} kills, ${writer.tally.committed} transactions, ` +
        `${found.documents} documents ${
          found.problems.length === 0 ? "equal" : "DIFFERENT"
        } after ${(found.afterMs / 1000).toFixed(1)} s`,
    );
    return problems.length === 0;
  }

  while (leftMs() > 0 && !stop.signal.aborted) {
    writer.resume();
    await chaos.rage(Math.min(ROUND_MS, leftMs()), stop.signal);
    await writer.pause();
    await freeIndexes(stage);
    if (!stop.signal.aborted && !await check()) break;
  }
  if (problems.length === 0 && !stop.signal.aborted) {
    await stage.sql(
      `update content.film_work set creation_date = '2001-02-03'
       where creation_date >= '${REFUSED_YEAR}-01-01'`,
    );
    if (await check()) problems.push(...await verify(stage));
  }
  await agent[Symbol.asyncDispose]();

  const { usage: { rssBytes, files }, http: { struck } } = stage;
  if (rssBytes > MAX_RSS_BYTES) problems.push(`memory: ${rssBytes} bytes`);
  if (files > MAX_FILES) problems.push(`files: ${files} are open`);
  const texts = [...stage.secrets, marker, String(REFUSED_YEAR)];
  const leaks = await findLeaks(join(folder, "logs"), texts);
  for (const { file, line, what } of leaks.slice(0, MAX_LEAKS_SHOWN)) {
    problems.push(`${file}:${line} holds ${what}`);
  }
  const lines = summaryLines({
    seed,
    minutes: (performance.now() - startedMs) / 60_000,
    faults: chaos.counts,
    struck,
    checks,
    refused,
    tally: writer.tally,
    rssBytes,
    files,
  });
  for (const line of lines) tell(line);
  return stop.signal.aborted && problems.length === 0 ? undefined : problems;
}

async function removeSoak(folder: string): Promise<void> {
  await unmount(join(folder, "first"));
  await removeServers(folder);
  await Deno.remove(folder, { recursive: true }).catch(() => {});
}

if (import.meta.main) await runProgram(() => main(Deno.args));
