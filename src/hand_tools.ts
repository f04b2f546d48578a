import pLimit from "p-limit";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { openSides, type Sides } from "./comparison.ts";
import { type ComparedIndex, inspectIndex } from "./compared_index.ts";
import {
  type Config,
  type IndexDefinition,
  loadConfig,
  type LoadedConfig,
} from "./config.ts";
import { openDocuments } from "./documents.ts";
import { EtlError } from "./failure.ts";
import { ensureIndex } from "./index_lifecycle.ts";
import { configureLogging, createLog, type Log } from "./logging.ts";
import { findDefinition } from "./named_index.ts";
import type { SettlingStages } from "./pipeline.ts";
import type { IndexPlan } from "./plan.ts";
import { planIndexes } from "./plan_indexes.ts";
import { identifySource } from "./preflight.ts";
import { createPersister } from "./retry.ts";
import { openScope } from "./scope.ts";
import { listSecrets } from "./secrets.ts";
import { openServers, type Servers } from "./servers.ts";
import { openSink } from "./sink.ts";
import type { Stop } from "./stop.ts";
import { openVersions } from "./versions.ts";

/** What a command has that is run by hand beside an agent, or without one. */
export interface Hand extends Servers {
  readonly loaded: LoadedConfig;
  readonly config: Config;
  readonly log: Log;
  readonly stop: Stop;
}

/** One index as such a command finds it. */
export interface HandledIndex {
  readonly definition: IndexDefinition;
  readonly plan: IndexPlan;
  readonly found: ComparedIndex;
  readonly sides: Sides;
}

/**
 * Runs `use` with what the configuration in `file` leads to, and closes it. A signal ends the process, as it does by default:
 * whatever is written by hand is written as the agent does, and may be cut anywhere.
 */
export async function withHand<Result>(
  file: string,
  use: (hand: Hand) => Promise<Result>,
): Promise<Result> {
  const loaded = await loadConfig(file, Deno.env.toObject());
  const { config } = loaded;
  const scope = openScope();
  try {
    const secrets = listSecrets(config);
    scope.add(await configureLogging(config.logging, { secrets }));
    const log = createLog();
    const stop = {
      drain: new AbortController().signal,
      kill: new AbortController().signal,
    };
    const servers = openServers(config, { scope, log, drain: stop.drain });
    return await use({ ...servers, loaded, config, log, stop });
  } finally {
    await scope.close();
  }
}

/**
 * The indexes of the configuration, or the one with this name; nothing is changed.
 * @throws {EtlError} `config-invalid` when it has none, `index-missing` when Elasticsearch has none.
 */
export async function openIndexes(
  { source, cluster, loaded, stop }: Hand,
  name?: string,
): Promise<HandledIndex[]> {
  const { config } = loaded;
  const only = name === undefined ? undefined : findDefinition(config, name);
  const signal = stop.kill;
  const plans = await planIndexes(loaded, { source, signal });
  const indexes: HandledIndex[] = [];
  for (const plan of plans) {
    const definition = findDefinition(config, plan.name);
    if (only !== undefined && only !== definition) continue;
    const found = await inspectIndex(cluster, { name: plan.name, signal });
    const index = found.name;
    const sides = openSides({ source, cluster, plan, index, signal });
    indexes.push({ definition, plan, found, sides });
  }
  return indexes;
}

/**
 * Opens what writes to the index. It may be used while an agent writes too: of two readings of a document the newer one wins,
 * whoever made it.
 */
export async function openStages(
  { source, cluster, persister, config, log, stop }: Hand,
  { definition, plan, found }: HandledIndex,
): Promise<SettlingStages> {
  const signal = stop.kill;
  const identity = await identifySource(source, signal);
  const index = await ensureIndex(cluster, {
    recipe: { ...definition, source: identity },
    log,
    signal,
  });
  if (index.name !== found.name) {
    throw new EtlError({ kind: "index-missing", index: found.name });
  }
  const checkpoint = await openState({ config, log, stop });
  const { maxBytes, concurrency } = config.elasticsearch;
  const maxBytesInFlight = maxBytes * concurrency;
  const limits = {
    maxRequestBytes: maxBytes,
    maxReadingBytes: maxBytesInFlight,
  };
  // PostgreSQL may have gone back in time: its own numbers may be lower than those in the index
  const saved = checkpoint.load(plan.name)?.document_version;
  const versions = openVersions(saved);
  return {
    plan,
    checkpoint,
    versions,
    maxBytesInFlight,
    documents: openDocuments({ source, plan, versions, limits }),
    sink: openSink({
      ...{ cluster, persister, index },
      limit: pLimit(concurrency),
      log: log.with({ index: plan.name }),
    }),
  };
}

/** The agent's state; commands by hand read it, and never save it. */
async function openState(
  { config, log, stop }: Pick<Hand, "config" | "log" | "stop">,
): Promise<Checkpoint> {
  const options = { limits: config.retry, log, drain: stop.drain };
  return await openCheckpoint(
    config.stateFile,
    createPersister("state file", options),
  );
}
