import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { openSides, type Sides } from "./comparison.ts";
import { type ComparedIndex, inspectIndex } from "./compared_index.ts";
import {
  type Config,
  type IndexDefinition,
  loadConfig,
  type LoadedConfig,
} from "./config.ts";
import { present } from "./config_scalars.ts";
import { type DeadLetterOffice, openDeadLetters } from "./dead_letters.ts";
import { openDocuments } from "./documents.ts";
import { EtlError } from "./failure.ts";
import { ensureIndex } from "./index_lifecycle.ts";
import { findIndexes } from "./index_requests.ts";
import { configureLogging, createLog, type Log } from "./logging.ts";
import { compareMadeFrom, readMadeFrom } from "./made_from.ts";
import { findDefinition } from "./named_index.ts";
import { limitsOf } from "./open_pipeline.ts";
import type { SettlingStages } from "./settlement.ts";
import type { IndexPlan } from "./plan.ts";
import { planAsMade, planIndexes } from "./plan_indexes.ts";
import { identifySource } from "./preflight.ts";
import { createPersister } from "./retry.ts";
import { openScope } from "./scope.ts";
import { openServers, type Servers } from "./servers.ts";
import { openSink } from "./sink.ts";
import type { Stop } from "./stop.ts";
import { NO_INDEX_TELEMETRY } from "./telemetry.ts";
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
  const { config, secrets } = loaded;
  const scope = openScope();
  try {
    scope.add(await configureLogging(config.logging, { secrets }));
    const log = createLog();
    const stop = {
      drain: new AbortController().signal,
      kill: new AbortController().signal,
    };
    const servers = openServers(loaded, { scope, log, drain: stop.drain });
    return await use({ ...servers, loaded, config, log, stop });
  } finally {
    await scope.close();
  }
}

/**
 * The indexes of the configuration that are not off, or the one with this name; nothing is changed.
 * @throws {EtlError} `config-invalid` when it has none, `index-missing` when Elasticsearch has none.
 */
export async function openIndexes(
  hand: Hand,
  name?: string,
): Promise<HandledIndex[]> {
  const { source, cluster, loaded, stop } = hand;
  const { config } = loaded;
  const signal = stop.kill;
  const only = name === undefined
    ? {}
    : { name: findDefinition(config, name).name };
  const plans = await planIndexes(loaded, { source, signal, ...only });
  const indexes: HandledIndex[] = [];
  for (const configured of plans) {
    const followed = await findFollowed(hand, configured);
    const { plan, definition } = followed;
    const { ingestPipeline } = definition;
    const inspected = { name: plan.name, ingestPipeline, signal };
    const found = await inspectIndex(cluster, inspected);
    const index = found.name;
    const sides = openSides({ source, cluster, plan, index, signal });
    indexes.push({ definition, plan, found, sides });
  }
  return indexes;
}

/** What the agent follows an index by: as it was made, where it cannot be as it is configured. */
async function findFollowed(
  { source, cluster, config, log, stop }: Hand,
  plan: IndexPlan,
): Promise<{ plan: IndexPlan; definition: IndexDefinition }> {
  const definition = findDefinition(config, plan.name);
  const signal = stop.kill;
  const [found] = Object.values(
    await findIndexes(cluster, plan.name, signal),
  );
  const madeFrom = found === undefined ? undefined : readMadeFrom(found);
  const isOutdated = madeFrom !== undefined &&
    compareMadeFrom(madeFrom, definition).remedy === "reload";
  if (!isOutdated) return { plan, definition };
  const { pageSize } = config.postgres;
  const options = { madeFrom, plan, definition, pageSize, log, signal };
  return await planAsMade(source, options);
}

/**
 * Opens what writes to the index. It may be used while an agent writes too: of two readings of a document the newer one wins,
 * whoever made it. What is refused is recorded in `office`, what is settled leaves it; without one in the configuration's.
 */
export async function openStages(
  hand: Hand,
  { definition, plan, found, office }: HandledIndex & {
    office?: DeadLetterOffice;
  },
): Promise<SettlingStages> {
  const { source, cluster, persister, pressure, rate, config, log, stop } =
    hand;
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
  const checkpoint = await openState(hand);
  const { of: deadLettersOf } = office ?? await openOffice(hand);
  const { maxBytesInFlight, maxReaders, limits } = limitsOf(config);
  // PostgreSQL may have gone back in time: its own numbers may be lower than those in the index
  const saved = checkpoint.load(plan.name)?.document_version;
  const versions = openVersions(saved);
  return {
    plan,
    checkpoint,
    versions,
    maxBytesInFlight,
    maxReaders,
    loadSavePeriodMs: config.loadSavePeriodMs,
    rate,
    telemetry: NO_INDEX_TELEMETRY,
    documents: openDocuments({ source, plan, versions, limits }),
    sink: openSink({
      ...{ cluster, persister, pressure },
      index: {
        ...index,
        ...present({ ingestPipeline: definition.ingestPipeline }),
      },
      deadLetters: deadLettersOf(plan.name),
      log: log.with({ index: plan.name }),
    }),
  };
}

/** The dead letters of the configuration, which an agent may change too; as many as `stopAfter` of an index, where that is given. */
export async function openOffice(
  { config, loaded, log, stop }: Hand,
  { stopAfter }: { stopAfter: number | undefined } = config.rejections,
): Promise<DeadLetterOffice> {
  const options = { limits: config.retry, log, drain: stop.drain };
  return await openDeadLetters({ ...config.rejections, stopAfter }, {
    persister: createPersister("dead-letter file", options),
    secrets: loaded.secrets,
    signal: stop.kill,
  });
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
