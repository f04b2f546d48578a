import { recovers } from "./failure.ts";
import type { Log } from "./logging.ts";
import { findDefinition } from "./named_index.ts";
import { type Agent, type OpenedIndex, openPipeline } from "./open_pipeline.ts";
import { type Pipeline, runOnce, type Summary } from "./pipeline.ts";
import type { Pauses } from "./pauses.ts";
import type { IndexPlan } from "./plan.ts";
import { openProgress } from "./progress.ts";
import type { ReindexRequests } from "./reindex_requests.ts";
import { openStatus, type Status } from "./status.ts";
import type { Stop } from "./stop.ts";
import { openSuccession } from "./succession.ts";
import { openSweep, type Sweep } from "./sweep.ts";
import { pause, ticks } from "./ticks.ts";

/** Between two passes a sweep works for as long as the pause that it takes the place of, or this. */
const MIN_SLICE_MS = 500;

/** By the stream changes come at any time, and wait for the sweep's slice to end. */
const STREAM_SLICE_MS = 100;

/** Follows one index for as long as it is asked to, and stands still while it is paused. */
export async function followIndex(
  agent: Agent,
  { plan, once, pauses, requests }: {
    plan: IndexPlan;
    once: boolean;
    pauses: Pauses;
    requests: ReindexRequests;
  },
): Promise<void> {
  const { config, stop } = agent;
  const { name } = plan;
  const log = agent.log.with({ index: name });
  const status = openStatus(log, config.logStatusPeriodMs);
  try {
    while (!stop.drain.aborted) {
      const since = pauses.since(name);
      if (since === undefined) {
        const drain = AbortSignal.any([stop.drain, pauses.pausing(name)]);
        const running = { drain, kill: stop.kill };
        const options = { plan, once, requests, log, status, stop: running };
        await work(agent, options);
        if (once && pauses.since(name) === undefined) return;
      } else if (once) {
        log.info("skipped: it is paused", { since });
        return;
      } else {
        log.info("paused", { since });
        status.pause(since);
        await pauses.untilResumed(name, stop.drain);
        status.resume();
        if (!stop.drain.aborted) log.info("resumed");
      }
    }
  } finally {
    status[Symbol.dispose]();
  }
}

/** Works on one index until `stop` is drained; what it stands on may be replaced meanwhile. */
async function work(
  agent: Agent,
  { plan, once, requests, log, status, stop }: {
    plan: IndexPlan;
    once: boolean;
    requests: ReindexRequests;
    log: Log;
    status: Status;
    stop: Stop;
  },
): Promise<void> {
  const { config, cluster } = agent;
  const definition = findDefinition(config, plan.name);
  const budgetMs = once
    ? Infinity
    : Math.max(config.fetchDelayMs, MIN_SLICE_MS);
  const succession = openSuccession(agent, { definition, requests, log, stop });
  let opened: OpenedIndex | undefined;
  let sweep: Sweep | undefined;

  async function pass(
    pipeline: Pipeline,
    lingerMs: number,
  ): Promise<Summary> {
    const startedMs = performance.now();
    const summary = await runShown({ ...pipeline, lingerMs });
    status.add(summary, startedMs);
    tellPass(log, summary, performance.now() - startedMs);
    return summary;
  }

  async function runShown(pipeline: Pipeline): Promise<Summary> {
    const { logging } = config;
    const options = { logging, signal: stop.kill };
    const progress = await openProgress(pipeline, options);
    if (progress === undefined) return await runOnce(pipeline, stop);
    try {
      return await runOnce({ ...pipeline, sink: progress.sink }, stop);
    } finally {
      progress[Symbol.dispose]();
    }
  }

  /** A pass, and a slice of the sweep with the passes that it asks for; nothing where another index is searched by now. */
  async function step({ pipeline }: OpenedIndex): Promise<Summary | undefined> {
    const write = (lingerMs: number) =>
      succession.write(() => pass(pipeline, lingerMs));
    async function goesOn(summary: Summary): Promise<boolean> {
      if (!succession.isSweeping) return false;
      // the pass before may have joined the stream
      const isStreaming = pipeline.feed?.isStreaming ?? false;
      const sliceMs = isStreaming ? STREAM_SLICE_MS : budgetMs;
      const advance = () =>
        sweep?.advance({ summary, budgetMs: sliceMs, stop });
      return await succession.write(async () => await advance()) ?? false;
    }
    let summary = await write(config.fetchDelayMs);
    while (summary !== undefined && await goesOn(summary)) {
      summary = await write(0);
      // a sweep may take hours
      if (summary !== undefined) await succession.attend();
    }
    return summary;
  }

  async function open(): Promise<OpenedIndex> {
    const found = await openPipeline(agent, { plan, log });
    await succession.begin(found);
    return found;
  }

  async function close(isGoingOn = false): Promise<void> {
    const position = isGoingOn ? agent.checkpoint.load(plan.name) : undefined;
    opened?.pipeline.feed?.leave(position);
    await sweep?.[Symbol.asyncDispose]();
    [opened, sweep] = [undefined, undefined];
  }

  try {
    for await (const _ of ticks(once ? 0 : config.fetchDelayMs, stop.drain)) {
      try {
        opened ??= await open();
        const { pipeline, definition } = opened;
        sweep ??= openSweep({ pipeline, cluster, definition });
        if (await step(opened) === undefined) await close(true);
        else await succession.attend();
        if (once && !succession.isChanging) return;
        if (once) await pause(config.fetchDelayMs, stop.drain);
      } catch (error) {
        if (!recovers(error, "recreate")) throw error;
        log.warning("looking for the index anew", { error });
        await close(true);
      }
    }
  } finally {
    await close();
    await succession[Symbol.asyncDispose]();
  }
}

function tellPass(log: Log, summary: Summary, tookMs: number): void {
  const { kind, written, rejected } = summary;
  const isQuiet = kind === "follow" && written + rejected === 0;
  const seconds = Math.round(tookMs) / 1000;
  log[isQuiet ? "debug" : "info"]("pass finished", { ...summary, seconds });
}
