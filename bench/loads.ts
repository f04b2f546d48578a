import { showStep, tell } from "../dev/progress.ts";
import { openHome } from "./agent.ts";
import { loadOnce } from "./agent_load.ts";
import { type Bare, openBare } from "./bare.ts";
import type { Dataset, Lab } from "./lab.ts";
import type { Options } from "./options.ts";
import { openPythonLoop } from "./python_loop.ts";
import type { Results } from "./statistics.ts";

/** What is tried for Elasticsearch alone. */
const CONCURRENCIES = [2, 4, 8];

/** Times of one round, in seconds; what was not asked for is not there. */
interface Round {
  both?: number;
  bothSearchable?: number;
  agent?: { loaded: number; pass: number };
  loop?: number;
}

/**
 * Loads the same films in every way, in turn: PostgreSQL alone, Elasticsearch alone, both at once with nothing between
 * them, the agent, the Python loop.
 */
export async function measureLoads(
  lab: Lab,
  options: Options,
  results: Results,
): Promise<void> {
  const { films, settings, connections, only } = options;
  const dataset = await lab.openDataset(films);
  const home = await openHome(lab, dataset, settings);
  await using bare = await openBare(lab, { home, dataset, connections });
  const isLoad = only.includes("load");
  const loop = only.includes("loop")
    ? await openPythonLoop(lab, { dataset, bare })
    : undefined;
  let concurrency = 0;
  if (isLoad) {
    await showStep("Preparing statements and bodies", bare.prepare);
    concurrency = options.concurrency ??
      await findConcurrency(bare, { lab, films });
    results.note("connections to PostgreSQL alone", bare.connections);
    results.note("requests at once to Elasticsearch alone", concurrency);
  }
  for (let round = 1; round <= options.repeat; round++) {
    await showStep(`Load, round ${round} of ${options.repeat}`, async () => {
      const times: Round = {};
      if (isLoad) {
        await measureBare({ lab, bare, dataset, concurrency, results, times });
        await measureAgent({ lab, dataset, settings, results, times });
      }
      if (loop !== undefined) {
        const { seconds, cpuMicros, peakBytes } = await loop.run();
        results.add("Python loop", "s", seconds);
        results.add("Python loop, CPU a document", "µs", cpuMicros);
        results.add("Python loop, peak memory", "MiB", peakBytes / 2 ** 20);
        times.loop = seconds;
      }
      compare(times, results);
    });
  }
}

interface Subject {
  readonly lab: Lab;
  readonly dataset: Dataset;
  readonly results: Results;
  /** Takes in the times that are compared. */
  readonly times: Round;
}

async function measureBare(
  { lab, bare, dataset, concurrency, results, times }: Subject & {
    bare: Bare;
    concurrency: number;
  },
): Promise<void> {
  const { films } = dataset;
  const before = await lab.readCosts();
  results.add("PostgreSQL alone", "s", await bare.runStatements());
  const between = await lab.readCosts();
  const { alias } = await bare.makeIndex();
  const sendSeconds = await bare.sendBodies(alias, concurrency);
  const after = await lab.readCosts();
  results.add("Elasticsearch alone", "s", sendSeconds);
  await expectCount(lab, films);
  const micros = (ms: number) => 1_000 * ms / films;
  results.add(
    "PostgreSQL alone, CPU a document",
    "µs",
    micros(between.postgresMs - before.postgresMs),
  );
  results.add(
    "psql, CPU a document",
    "µs",
    micros(between.commandsMs - before.commandsMs),
  );
  results.add(
    "Elasticsearch alone, CPU a document",
    "µs",
    micros(after.elasticsearchMs - between.elasticsearchMs),
  );
  results.add(
    "curl, CPU a document",
    "µs",
    micros(after.commandsMs - between.commandsMs),
  );

  const { alias: other } = await bare.makeIndex();
  const startedMs = performance.now();
  const tookSeconds = () => (performance.now() - startedMs) / 1_000;
  await Promise.all([
    bare.runStatements(),
    bare.sendBodies(other, concurrency),
  ]);
  times.both = tookSeconds();
  await expectCount(lab, films);
  times.bothSearchable = tookSeconds();
  results.add("Both at the same time", "s", times.both);
  results.add(
    "Both at the same time, until searchable",
    "s",
    times.bothSearchable,
  );
}

async function measureAgent(
  { lab, dataset, settings, results, times }: Subject & {
    settings: Options["settings"];
  },
): Promise<void> {
  const load = await loadOnce(lab, { dataset, settings });
  results.add("Agent, start to loaded", "s", load.loadedSeconds);
  results.add("Agent, load by its log", "s", load.passSeconds);
  results.add("Agent, start to end with sweep", "s", load.wholeSeconds);
  results.add("Agent, CPU a document", "µs", load.agentMicros);
  results.add(
    "PostgreSQL under the agent, CPU a document",
    "µs",
    load.postgresMicros,
  );
  results.add(
    "Elasticsearch under the agent, CPU a document",
    "µs",
    load.elasticsearchMicros,
  );
  results.add(
    "Agent, peak memory in load",
    "MiB",
    load.loadPeakBytes / 2 ** 20,
  );
  results.add("Agent, peak memory", "MiB", load.peakBytes / 2 ** 20);
  times.agent = { loaded: load.loadedSeconds, pass: load.passSeconds };
}

function compare(
  { both, bothSearchable, agent, loop }: Round,
  results: Results,
): void {
  if (agent === undefined) return;
  if (both !== undefined) {
    results.add("Agent (start to loaded) / both", "×", agent.loaded / both);
    results.add("Agent (load by its log) / both", "×", agent.pass / both);
  }
  if (bothSearchable !== undefined) {
    results.add(
      "Agent (load by its log) / both until searchable",
      "×",
      agent.pass / bothSearchable,
    );
  }
  if (loop !== undefined) {
    results.add("Python loop / agent", "×", loop / agent.loaded);
  }
}

/** The number of requests at once that is quickest; the first try warms the server up and does not count. */
async function findConcurrency(
  bare: Bare,
  { lab, films }: { lab: Lab; films: number },
): Promise<number> {
  return await showStep("Elasticsearch alone, how many at once", async () => {
    let best = { concurrency: 0, seconds: Infinity };
    const [warmUp = 1] = CONCURRENCIES;
    for (const [place, concurrency] of [warmUp, ...CONCURRENCIES].entries()) {
      const { alias } = await bare.makeIndex();
      let seconds: number;
      try {
        seconds = await bare.sendBodies(alias, concurrency);
      } catch (error) {
        // more at once would be too many as well
        if (best.concurrency === 0 || !isOverload(error)) throw error;
        tell(`  ${concurrency} requests at once: too many, answered 429`);
        break;
      }
      await expectCount(lab, films);
      if (place === 0) continue;
      tell(`  ${concurrency} requests at once: ${seconds.toFixed(2)} s`);
      if (seconds < best.seconds) best = { concurrency, seconds };
    }
    return best.concurrency;
  });
}

/** Whether Elasticsearch, by what curl says, had too much to do. */
function isOverload(error: unknown): boolean {
  return error instanceof Error &&
    error.message.includes("returned error: 429");
}

async function expectCount(lab: Lab, films: number): Promise<void> {
  const count = await lab.search.count();
  if (count === films) return;
  throw new Error(`Cannot measure: ${count} of ${films} films are there`);
}
