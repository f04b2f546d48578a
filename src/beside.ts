import { EtlError, recovers } from "./failure.ts";
import type { IndexDefinition } from "./config.ts";
import type { Log } from "./logging.ts";
import { type Agent, openPipelineBeside } from "./open_pipeline.ts";
import { type Pipeline, runOnce, type Summary } from "./pipeline.ts";
import { type LoadState, openProgress } from "./progress.ts";
import type { Stop } from "./stop.ts";
import { openSweep, type Sweep } from "./sweep.ts";
import { ticks } from "./ticks.ts";

/** An index of a name that is not the one that is searched: one to come, or one that is kept. */
export interface Beside {
  /** Its own name. */
  readonly name: string;
  readonly definition: IndexDefinition;
  /** Whether it is filled to take the place of the one that is searched. */
  readonly isNext: boolean;
}

/** Between two passes a sweep works for as long as the pause that it takes the place of, or this. */
const MIN_SLICE_MS = 500;

/**
 * Fills and follows an index beside the searched one until `stop` is drained, or `afterPass` says that it is over. A kept one is swept as well.
 * @throws {EtlError} what time cannot mend, `index-missing` when it is gone.
 */
export async function followBeside(
  agent: Agent,
  { beside, log, stop, isSweeping, onLoad, afterPass }: {
    beside: Beside;
    log: Log;
    stop: Stop;
    isSweeping: () => boolean;
    /** Called now and then while it is loaded. */
    onLoad: (state: LoadState) => void;
    /** Called after each pass; returns whether it is over. */
    afterPass: (done: {
      readonly pipeline: Pipeline;
      readonly summary: Summary;
      readonly pass: () => Promise<Summary>;
    }) => Promise<boolean>;
  },
): Promise<void> {
  const { config, cluster } = agent;
  const { name, definition, isNext } = beside;
  const budgetMs = Math.max(config.fetchDelayMs, MIN_SLICE_MS);
  const options = { name, definition, isNext, log };
  const pipeline = await openPipelineBeside(agent, options);

  async function pass(lingerMs = 0): Promise<Summary> {
    const startedMs = performance.now();
    const { logging } = config;
    const shown = { logging, signal: stop.kill, onState: onLoad };
    const progress = await openProgress(pipeline, shown);
    const { sink } = progress ?? pipeline;
    try {
      const summary = await runOnce({ ...pipeline, sink, lingerMs }, stop);
      const seconds = Math.round(performance.now() - startedMs) / 1000;
      const level = summary.kind === "load" ? "info" : "debug";
      log[level]("pass beside finished", { ...summary, seconds });
      return summary;
    } finally {
      progress?.[Symbol.dispose]();
    }
  }

  const sweep: Sweep = openSweep({ pipeline, cluster, definition });
  try {
    for await (const _ of ticks(config.fetchDelayMs, stop.drain)) {
      let summary = await pass(config.fetchDelayMs);
      while (
        isSweeping() && await sweep.advance({ summary, budgetMs, stop })
      ) summary = await pass();
      if (await afterPass({ pipeline, summary, pass })) return;
    }
  } finally {
    pipeline.feed?.leave();
    await sweep[Symbol.asyncDispose]();
  }
}

/** Whether a failure is one that ends everything, and not this index alone. */
export function endsAll(error: unknown, { kill }: Stop): boolean {
  return kill.aborted ||
    (error instanceof EtlError && recovers(error, "wait"));
}
