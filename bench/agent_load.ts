import { openHome, passOf, startAgent, waitForLoad } from "./agent.ts";
import type { Dataset, Lab } from "./lab.ts";
import { readTreeCpuMs } from "./process_cost.ts";

/** What a full load took; CPU is counted until it was done, and the sweep comes after it. */
export interface AgentLoad {
  /** From the start of the process until the log says that everything is loaded. */
  readonly loadedSeconds: number;
  /** The load alone, as the log says it. */
  readonly passSeconds: number;
  /** From the start of the process to its end, the sweep included. */
  readonly wholeSeconds: number;
  /** CPU for a document, in microseconds. */
  readonly agentMicros: number;
  readonly postgresMicros: number;
  readonly elasticsearchMicros: number;
  /** At the end of the load, and at the end. */
  readonly loadPeakBytes: number;
  readonly peakBytes: number;
}

/** Loads a data set into an empty Elasticsearch by `run --once`. */
export async function loadOnce(
  lab: Lab,
  { dataset, settings }: {
    dataset: Dataset;
    settings: Readonly<Record<string, unknown>>;
  },
): Promise<AgentLoad> {
  await lab.search.clear();
  const home = await openHome(lab, dataset, settings);
  const before = await lab.readCosts();
  await using agent = startAgent(home, ["run", "--once"]);
  const { line, atMs } = await waitForLoad(agent);
  const [after, agentMs] = await Promise.all([
    lab.readCosts(),
    readTreeCpuMs(agent.pid),
  ]);
  const { peakBytes: loadPeakBytes } = agent.watch;
  const endedMs = await agent.ended();
  const pass = passOf(line);
  const { films } = dataset;
  if (pass?.written !== films || await lab.search.count() !== films) {
    throw new Error(
      `Cannot measure: ${pass?.written} of ${films} films were written`,
    );
  }
  return {
    loadedSeconds: (atMs - agent.startedMs) / 1_000,
    passSeconds: pass.seconds,
    wholeSeconds: (endedMs - agent.startedMs) / 1_000,
    agentMicros: 1_000 * agentMs / films,
    postgresMicros: 1_000 * (after.postgresMs - before.postgresMs) / films,
    elasticsearchMicros: 1_000 *
      (after.elasticsearchMs - before.elasticsearchMs) / films,
    loadPeakBytes,
    peakBytes: agent.watch.peakBytes,
  };
}
