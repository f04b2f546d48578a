import pLimit from "p-limit";
import type { Checkpoint, Position } from "./checkpoint.ts";
import { openCheckpoint } from "./checkpoint.ts";
import type { Config, LoadedConfig } from "./config.ts";
import { formatPath } from "./config_faults.ts";
import { openDocuments } from "./documents.ts";
import { type Cluster, openCluster } from "./elasticsearch.ts";
import { EtlError, recovers } from "./failure.ts";
import { openHorizon } from "./horizon.ts";
import { ensureIndex } from "./index_lifecycle.ts";
import type { Log } from "./logging.ts";
import { type Pipeline, runOnce, type Summary } from "./pipeline.ts";
import type { IndexPlan } from "./plan.ts";
import { openSource, type Source } from "./postgres.ts";
import { identifySource, planIndex, type SourceIdentity } from "./preflight.ts";
import { createPersister, type Persister } from "./retry.ts";
import { openScope } from "./scope.ts";
import { openSink } from "./sink.ts";
import { openStatus } from "./status.ts";
import type { Stop } from "./stop.ts";
import { ticks } from "./ticks.ts";

/** Everything that the indexes of one agent share. */
interface Agent {
  readonly config: Config;
  readonly source: Source;
  readonly identity: SourceIdentity;
  readonly cluster: Cluster;
  readonly persister: Persister;
  readonly limit: ReturnType<typeof pLimit>;
  readonly checkpoint: Checkpoint;
  readonly log: Log;
  readonly stop: Stop;
}

/**
 * Follows every index of the configuration, until the stop is drained or, with `once`, one pass of each is done.
 * @throws {EtlError} when something is wrong that time cannot mend; what was settled is saved.
 */
export async function runAgent(
  { config, locate }: LoadedConfig,
  { log, stop, once }: { log: Log; stop: Stop; once: boolean },
): Promise<void> {
  const failed = new AbortController();
  const drain = AbortSignal.any([stop.drain, failed.signal]);
  const options = { limits: config.retry, log, drain };
  const checkpoint = await openCheckpoint(
    config.stateFile,
    createPersister("state file", options),
  );
  const scope = openScope();
  try {
    const source = scope.add(openSource(config.postgres, {
      persister: createPersister("PostgreSQL", options),
      log,
    }));
    const persister = createPersister("Elasticsearch", options);
    const cluster = scope.add(openCluster(config.elasticsearch, persister));
    const plans = await planIndexes({ config, locate }, {
      source,
      signal: stop.kill,
    });
    const agent: Agent = {
      config,
      source,
      identity: await identifySource(source, stop.kill),
      cluster,
      persister,
      limit: pLimit(config.elasticsearch.concurrency),
      checkpoint,
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

async function planIndexes(
  { config, locate }: LoadedConfig,
  { source, signal }: { source: Source; signal: AbortSignal },
): Promise<IndexPlan[]> {
  const plans: IndexPlan[] = [];
  const faults: string[] = [];
  for (const [place, definition] of config.indexes.entries()) {
    const preflight = await planIndex(source, {
      definition,
      path: ["indexes", place],
      pageSize: config.postgres.pageSize,
      signal,
    });
    if (preflight.plan !== undefined) plans.push(preflight.plan);
    faults.push(
      ...preflight.faults.map(({ path, text }) =>
        `${locate(path)}: ${formatPath(path)}: ${text}`
      ),
    );
  }
  if (faults.length > 0) throw new EtlError({ kind: "config-invalid", faults });
  return plans;
}

/** Follows one index for as long as it is asked to; an index that was deleted is made anew and loaded. */
async function followIndex(
  agent: Agent,
  { plan, place, once }: { plan: IndexPlan; place: number; once: boolean },
): Promise<void> {
  const { config, stop } = agent;
  const log = agent.log.with({ index: plan.name });
  const status = openStatus(log, config.logStatusPeriodMs);
  try {
    let pipeline = await openPipeline(agent, { plan, place, log });
    for await (const _ of ticks(once ? 0 : config.fetchDelayMs, stop.drain)) {
      try {
        const startedMs = performance.now();
        const summary = await runOnce(pipeline, stop);
        status.add(summary, startedMs);
        tellPass(log, summary, performance.now() - startedMs);
        if (once) return;
      } catch (error) {
        if (!recovers(error, "recreate")) throw error;
        log.warning("index is gone, making it anew and loading everything", {
          error,
        });
        agent.checkpoint.forget(plan.name);
        pipeline = await openPipeline(agent, { plan, place, log });
      }
    }
  } finally {
    status[Symbol.dispose]();
  }
}

function tellPass(log: Log, summary: Summary, tookMs: number): void {
  const { kind, written, rejected } = summary;
  const isQuiet = kind === "follow" && written + rejected === 0;
  const seconds = Math.round(tookMs) / 1000;
  log[isQuiet ? "debug" : "info"]("pass finished", { ...summary, seconds });
}

async function openPipeline(
  { config, source, identity, cluster, persister, limit, checkpoint, stop }:
    Agent,
  { plan, place, log }: { plan: IndexPlan; place: number; log: Log },
): Promise<Pipeline> {
  const definition = config.indexes[place];
  if (definition === undefined) {
    throw new RangeError(`Cannot find index ${place} in the configuration`);
  }
  const target = await ensureIndex(cluster, {
    recipe: definition,
    log,
    signal: stop.kill,
  });
  const bound = {
    source: identity,
    index: { name: target.name, uuid: target.uuid },
  };
  checkBinding(checkpoint, { plan, bound, file: config.stateFile, log });
  const { maxBytes, concurrency } = config.elasticsearch;
  const maxBytesInFlight = maxBytes * concurrency;
  return {
    plan,
    source,
    horizon: openHorizon(),
    documents: openDocuments({
      source,
      plan,
      limits: { maxRequestBytes: maxBytes, maxReadingBytes: maxBytesInFlight },
    }),
    sink: openSink({ cluster, persister, limit, index: target, log }),
    checkpoint,
    bound,
    maxBytesInFlight,
  };
}

/** A position is of one database and one index: another index is loaded from the beginning, another database is told. */
function checkBinding(
  checkpoint: Checkpoint,
  { plan, bound, file, log }: {
    plan: IndexPlan;
    bound: Pick<Position, "source" | "index">;
    file: string;
    log: Log;
  },
): void {
  const position = checkpoint.load(plan.name);
  if (position === undefined) return;
  const { source, index } = position;
  if (
    source.system !== bound.source.system ||
    source.database !== bound.source.database
  ) {
    const detail =
      `index ${plan.name} was filled from database ${source.database} of another cluster; ` +
      `delete index ${index.name}, since documents of both would mix`;
    throw new EtlError({ kind: "checkpoint-invalid", file, detail });
  }
  if (index.uuid !== bound.index.uuid) {
    log.warning("index is not the one that was filled, loading everything", {
      filled: index.name,
      found: bound.index.name,
    });
    checkpoint.forget(plan.name);
  }
}
