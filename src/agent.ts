import pLimit from "p-limit";
import { openCheckpoint } from "./checkpoint.ts";
import type { LoadedConfig } from "./config.ts";
import { recovers } from "./failure.ts";
import type { Log } from "./logging.ts";
import { findDefinition } from "./named_index.ts";
import { type Agent, openPipeline } from "./open_pipeline.ts";
import { type Pipeline, runOnce, type Summary } from "./pipeline.ts";
import type { IndexPlan } from "./plan.ts";
import { planIndexes } from "./plan_indexes.ts";
import { createPersister } from "./retry.ts";
import { openScope } from "./scope.ts";
import { openServers } from "./servers.ts";
import { openStatus } from "./status.ts";
import type { Stop } from "./stop.ts";
import { openSweep, type Sweep } from "./sweep.ts";
import { ticks } from "./ticks.ts";

/**
 * Follows every index of the configuration, until the stop is drained or, with `once`, one pass of each is done.
 * @throws {EtlError} when something is wrong that time cannot mend; what was settled is saved.
 */
export async function runAgent(
  { config, locate }: LoadedConfig,
  { log, stop, once, force = false }: {
    log: Log;
    stop: Stop;
    once: boolean;
    force?: boolean;
  },
): Promise<void> {
  const failed = new AbortController();
  const drain = AbortSignal.any([stop.drain, failed.signal]);
  const checkpoint = await openCheckpoint(
    config.stateFile,
    createPersister("state file", { limits: config.retry, log, drain }),
  );
  const scope = openScope();
  try {
    const servers = openServers(config, { scope, log, drain });
    const plans = await planIndexes({ config, locate }, {
      source: servers.source,
      signal: stop.kill,
    });
    const agent: Agent = {
      ...servers,
      config,
      limit: pLimit(config.elasticsearch.concurrency),
      checkpoint,
      force,
      log,
      stop: { drain, kill: stop.kill },
    };
    const results = await Promise.allSettled(plans.map(async (plan, place) => {
      try {
        await followIndex(agent, { plan, place, once });
      } catch (error) {
        failed.abort(error); // the others finish what is in flight
        throw error;
      }
    }));
    const failure = results.find((result) => result.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  } finally {
    await scope.close();
  }
}

/** Between two passes a sweep works for as long as the pause that it takes the place of, or this. */
const MIN_SLICE_MS = 500;

/** Follows one index for as long as it is asked to; what it stands on may be replaced meanwhile. */
async function followIndex(
  agent: Agent,
  { plan, place, once }: { plan: IndexPlan; place: number; once: boolean },
): Promise<void> {
  const { config, stop } = agent;
  const log = agent.log.with({ index: plan.name });
  const status = openStatus(log, config.logStatusPeriodMs);
  const definition = findDefinition(config, plan.name);
  const budgetMs = once
    ? Infinity
    : Math.max(config.fetchDelayMs, MIN_SLICE_MS);
  let pipeline: Pipeline | undefined;
  let sweep: Sweep | undefined;

  async function pass(pipeline: Pipeline): Promise<Summary> {
    const startedMs = performance.now();
    const summary = await runOnce(pipeline, stop);
    status.add(summary, startedMs);
    tellPass(log, summary, performance.now() - startedMs);
    return summary;
  }

  async function closeSweep(): Promise<void> {
    await sweep?.[Symbol.asyncDispose]();
    sweep = undefined;
  }

  try {
    for await (const _ of ticks(once ? 0 : config.fetchDelayMs, stop.drain)) {
      try {
        pipeline ??= await openPipeline(agent, { plan, place, log });
        const { cluster } = agent;
        sweep ??= openSweep({ pipeline, cluster, definition });
        let summary = await pass(pipeline);
        while (await sweep.advance({ summary, budgetMs, stop })) {
          summary = await pass(pipeline);
        }
        if (once) return;
      } catch (error) {
        if (!recovers(error, "recreate")) throw error;
        log.warning("looking for the index anew", { error });
        pipeline = undefined;
        await closeSweep();
      }
    }
  } finally {
    await closeSweep();
    status[Symbol.dispose]();
  }
}

function tellPass(log: Log, summary: Summary, tookMs: number): void {
  const { kind, written, rejected } = summary;
  const isQuiet = kind === "follow" && written + rejected === 0;
  const seconds = Math.round(tookMs) / 1000;
  log[isQuiet ? "debug" : "info"]("pass finished", { ...summary, seconds });
}
