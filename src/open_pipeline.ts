import { isDeepStrictEqual } from "node:util";
import { openChangeProbe } from "./change_probe.ts";
import type { ChangeFeed } from "./change_feed.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Config, IndexDefinition } from "./config.ts";
import { present } from "./config_scalars.ts";
import type { DeadLetterOffice } from "./dead_letters.ts";
import { openDocuments, type ReadingLimits } from "./documents.ts";
import { EtlError } from "./failure.ts";
import { settleFlip } from "./flip_positions.ts";
import { openHorizon } from "./horizon.ts";
import { adaptIndex, type Outdated } from "./index_adaptation.ts";
import { findIndexBeside, type TargetIndex } from "./index_lifecycle.ts";
import { readEntries } from "./index_entries.ts";
import { openIndexFeed } from "./index_feed.ts";
import type { Key } from "./keys.ts";
import { openLoadReads } from "./load_reads.ts";
import { requirePipeline } from "./index_requests.ts";
import type { Log } from "./logging.ts";
import { findDefinition } from "./named_index.ts";
import type { Pipeline } from "./pipeline.ts";
import type { IndexPlan } from "./plan.ts";
import { planAsMade } from "./plan_indexes.ts";
import { identifySource, planIndex, type SourceIdentity } from "./preflight.ts";
import type { Servers } from "./servers.ts";
import { openSink } from "./sink.ts";
import type { Stop } from "./stop.ts";
import { pause } from "./ticks.ts";
import { finish, openTarget, restoreLoaded } from "./target.ts";
import { NO_INDEX_TELEMETRY } from "./telemetry.ts";
import { openVersions } from "./versions.ts";

/** Everything that the indexes of one agent share. */
export interface Agent extends Servers {
  readonly config: Config;
  readonly checkpoint: Checkpoint;
  readonly deadLetters: DeadLetterOffice;
  /** The log, for indexes that follow it. */
  readonly feed?: ChangeFeed;
  /** Where the numbers of readings begin that do not go on from a saved position, by index: an index that was read before holds them. */
  readonly leastVersions: ReadonlyMap<string, string>;
  /** Whether an index may be deleted that another database was read into under its plain name. */
  readonly force: boolean;
  readonly log: Log;
  readonly stop: Stop;
}

/** The stages of the index that is searched. */
export interface OpenedIndex {
  readonly pipeline: Pipeline;
  /** What is followed: as it is configured, or as its index was made. */
  readonly definition: IndexDefinition;
  /** Where the index cannot be as it is configured. */
  readonly outdated?: Outdated;
}

/** Opens the stages of one index of the configuration, on the index that goes with the saved position. */
export async function openPipeline(
  agent: Agent,
  { plan, log }: { plan: IndexPlan; log: Log },
): Promise<OpenedIndex> {
  const { config, source, cluster, checkpoint, force, stop } = agent;
  const { name } = plan;
  const definition = findDefinition(config, name);
  const signal = stop.kill;
  const identity = await identifySource(source, signal);
  const recipe = { ...definition, source: identity };
  const { ingestPipeline } = definition;
  if (ingestPipeline !== undefined) {
    const required = { pipeline: ingestPipeline, index: name, signal };
    await requirePipeline(cluster, required);
  }
  await settleFlip(agent, { name, log });
  const position = checkpoint.load(name);
  const options = { recipe, position, force, log, signal };
  const target = await openTarget(cluster, options);
  const { index } = target;
  const adaptation = await adaptIndex(cluster, {
    name: index.name,
    ingredients: definition,
    log,
    signal,
  });
  const { isRewriting, noteBegun, outdated } = adaptation;
  if (!target.isKnown || isRewriting) checkpoint.forget(name);
  const followed = outdated === undefined
    ? { plan, definition }
    : await planAsMade(source, {
      ...{ ...outdated, plan, definition, log, signal },
      pageSize: config.postgres.pageSize,
    });
  const pipeline = assemble(agent, {
    plan: followed.plan,
    definition: followed.definition,
    index,
    identity,
    version: target.isKnown
      ? position?.document_version
      : agent.leastVersions.get(name),
    beginLoad: noteBegun,
    finishLoad: async () => {
      await finish(cluster, { index, recipe, log, signal });
    },
    telemetry: agent.telemetry.of(name),
    log,
  });
  const opened = { pipeline, definition: followed.definition };
  return outdated === undefined ? opened : { ...opened, outdated };
}

/**
 * Opens the stages of an index that was made for the name of `definition` and is not searched; its position is kept under
 * its own name. One that is `next` is brought to what is configured, as far as that goes in place.
 * @throws {EtlError} `index-missing` when it is gone, `config-invalid` when the database does not fit its query any more.
 */
export async function openPipelineBeside(
  agent: Agent,
  { name, definition, isNext, log }: {
    /** The index by its own name. */
    name: string;
    definition: IndexDefinition;
    isNext: boolean;
    log: Log;
  },
): Promise<Pipeline> {
  const { config, source, cluster, checkpoint, stop } = agent;
  const signal = stop.kill;
  const identity = await identifySource(source, signal);
  const { plan, faults } = await planIndex(source, {
    definition,
    path: [],
    pageSize: config.postgres.pageSize,
    signal,
  });
  if (plan === undefined) {
    const texts = faults.map(({ text }) => `${name}: ${text}`);
    throw new EtlError({ kind: "config-invalid", faults: texts });
  }
  const index = await findIndexBeside(cluster, {
    physical: name,
    name: definition.name,
    signal,
  });
  const position = checkpoint.load(name);
  const isKnown = position !== undefined &&
    position.index.uuid === index.uuid &&
    isDeepStrictEqual(position.source, identity);
  const ingredients = definition;
  const adaptation = isNext
    ? await adaptIndex(cluster, { name, ingredients, log, signal })
    : undefined;
  if (!isKnown || adaptation?.isRewriting) checkpoint.forget(name);
  return assemble(agent, {
    plan: { ...plan, name },
    definition,
    index,
    identity,
    // an index that was filled before holds the numbers of then
    version: position?.document_version ??
      checkpoint.load(definition.name)?.document_version,
    beginLoad: adaptation?.noteBegun ?? (() => Promise.resolve()),
    finishLoad: async () => {
      await restoreLoaded(cluster, { index, log, signal });
    },
    telemetry: NO_INDEX_TELEMETRY, // what is told is told of the one that is searched
    log,
  });
}

/** The stages of an index, whichever of its name it is. */
function assemble(
  agent: Agent,
  { plan, definition, index, identity, version, log, ...others }: {
    plan: IndexPlan;
    definition: IndexDefinition;
    index: TargetIndex;
    identity: SourceIdentity;
    /** The number that readings begin with. */
    version: string | undefined;
    log: Log;
  } & Pick<Pipeline, "beginLoad" | "finishLoad" | "telemetry">,
): Pipeline {
  const { config, source, cluster, checkpoint, readHosts, rate, feed } = agent;
  const { ingestPipeline } = definition;
  const { maxBytesInFlight, maxReaders, limits } = limitsOf(config);
  const versions = openVersions(version);
  const documents = openDocuments({ source, plan, versions, limits });
  return {
    plan,
    source,
    log,
    horizon: openHorizon(log),
    probe: openChangeProbe(),
    versions,
    documents,
    ...(readHosts === undefined ? {} : {
      openReads: (position) =>
        openLoadReads(readHosts, {
          primary: { source, documents },
          position,
          versions,
          openDocuments: (reading) =>
            openDocuments({ ...reading, plan, limits }),
          log,
        }),
    }),
    sink: openSink({
      ...agent,
      index: { ...index, ...present({ ingestPipeline }) },
      deadLetters: agent.deadLetters.of(plan.name),
      log,
    }),
    ...(feed === undefined || definition.follow !== "wal" ? {} : {
      feed: openIndexFeed(feed, {
        ...{ plan, source, slot: config.wal.slot, log },
        telemetry: others.telemetry,
        readIds: (signal) =>
          readIds(cluster, {
            ...{ index: index.name, pageSize: plan.pageSize, log, signal },
          }),
      }),
    }),
    checkpoint,
    bound: { source: identity, index: { name: index.name, uuid: index.uuid } },
    ...{ maxBytesInFlight, maxReaders, rate },
    loadSavePeriodMs: config.loadSavePeriodMs,
    ...others,
  };
}

/** What keeps an index from being read as a whole, such as a shard that moves, may be over by then. */
const READ_AGAIN_MS = 1_000;

/** The ids of all documents of an index; read again from the beginning where they could not all be read. */
async function* readIds(
  cluster: Servers["cluster"],
  { log, ...options }: {
    index: string;
    pageSize: number;
    log: Log;
    signal: AbortSignal;
  },
): AsyncGenerator<readonly Key[]> {
  for (;;) {
    let reason: string | undefined;
    for await (const page of readEntries(cluster, options)) {
      if (page.kind === "entries") yield page.entries.map(({ id }) => id);
      else ({ reason } = page);
    }
    if (reason === undefined) return;
    log.warning("the index could not be read to its end: reading it again", {
      reason,
    });
    await pause(READ_AGAIN_MS, options.signal);
    options.signal.throwIfAborted();
  }
}

/** How much is read, and is on its way, at once. */
export function limitsOf(
  { elasticsearch, postgres }: Pick<Config, "elasticsearch" | "postgres">,
): Pick<Pipeline, "maxBytesInFlight" | "maxReaders"> & {
  readonly limits: ReadingLimits;
} {
  const { maxBytes, concurrency } = elasticsearch;
  const { maxBytesInFlight = maxBytes * concurrency } = elasticsearch;
  const { connections: maxReaders } = postgres;
  // together the readers read as much ahead as may be on its way, each a request at least
  const maxReadingBytes = Math.max(maxBytes, maxBytesInFlight / maxReaders);
  const limits = { maxRequestBytes: maxBytes, maxReadingBytes };
  return { maxBytesInFlight, maxReaders, limits };
}
