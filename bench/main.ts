/**
 * Measures the agent against the limit that the two servers set. README.md
 * beside this file says what the numbers mean.
 *
 *     deno task bench [--films N] [--repeat R] [--only PART,…] [--json FILE]
 *
 * @module
 */
import { dirname } from "node:path";
import { runProgram, tell } from "../dev/progress.ts";
import { untilStopped } from "../dev/stop_signal.ts";
import { describeAgent } from "./agent.ts";
import { measureFollowing } from "./following.ts";
import { measureGrowth } from "./growth.ts";
import { measureIdle } from "./idle.ts";
import { type Lab, openLab } from "./lab.ts";
import { measureLatency } from "./latency.ts";
import { measureLoads } from "./loads.ts";
import { type Options, parseOptions, type Part } from "./options.ts";
import {
  formatTable,
  openResults,
  type Results,
  summarize,
} from "./statistics.ts";
import { measureWal } from "./wal.ts";

type Measuring = (
  lab: Lab,
  options: Options,
  results: Results,
) => Promise<void>;

/** What each part runs, in this order; load and loop take turns in one. */
const MEASURINGS: readonly (readonly [readonly Part[], Measuring])[] = [
  [["load", "loop"], measureLoads],
  [["follow"], measureFollowing],
  [["latency"], measureLatency],
  [["idle"], measureIdle],
  [["growth"], measureGrowth],
  [["wal"], measureWal],
];

async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  const startedAt = new Date().toISOString();
  using stopped = untilStopped();
  await using lab = await openLab();
  const results = openResults();
  const machine = { ...await describeMachine(), ...await lab.describe() };
  async function measure(): Promise<void> {
    for (const [parts, measuring] of MEASURINGS) {
      if (!parts.some((part) => options.only.includes(part))) continue;
      await measuring(lab, options, results);
      // a later part that fails takes nothing of it away
      await writeResults({ options, startedAt, machine, results });
    }
  }
  const interrupted = stopped.promise.then(() => {
    throw new Error("Stopped before the end");
  });
  await Promise.race([measure(), interrupted]);
  tell("");
  const facts = { ...machine, films: options.films, ...results.notes };
  for (const [name, value] of Object.entries(facts)) tell(`${name}: ${value}`);
  tell(`\n${formatTable(results.list())}\n\nWritten to ${options.json}`);
}

async function writeResults(
  { options, startedAt, machine, results }: {
    options: Options;
    startedAt: string;
    machine: Readonly<Record<string, string>>;
    results: Results;
  },
): Promise<void> {
  const measures = results.list()
    .map((measure) => ({ ...measure, ...summarize(measure.values) }));
  const { notes } = results;
  const report = { startedAt, machine, options, notes, measures };
  await Deno.mkdir(dirname(options.json), { recursive: true });
  await Deno.writeTextFile(
    options.json,
    `${JSON.stringify(report, null, 2)}\n`,
  );
}

async function describeMachine(): Promise<Record<string, string>> {
  const cpu = await Deno.readTextFile("/proc/cpuinfo");
  const model = /^model name\s*:\s*(.+)$/m.exec(cpu)?.[1] ?? Deno.build.arch;
  const gib = Deno.systemMemoryInfo().total / 2 ** 30;
  return {
    processor: `${navigator.hardwareConcurrency} × ${model}`,
    memory: `${gib.toFixed(0)} GiB`,
    deno: Deno.version.deno,
    agent: describeAgent(),
  };
}

if (import.meta.main) {
  await runProgram(() => main(Deno.args));
  Deno.exit(); // what was cut short by Ctrl-C still waits for servers that are gone
}
