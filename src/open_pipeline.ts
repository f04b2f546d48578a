import { openChangeProbe } from "./change_probe.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Config } from "./config.ts";
import type { DeadLetterOffice } from "./dead_letters.ts";
import { openDocuments, type ReadingLimits } from "./documents.ts";
import { openHorizon } from "./horizon.ts";
import { openLoadReads } from "./load_reads.ts";
import type { Log } from "./logging.ts";
import { adaptIndex } from "./made_from.ts";
import { findDefinition } from "./named_index.ts";
import type { Pipeline } from "./pipeline.ts";
import type { IndexPlan } from "./plan.ts";
import { identifySource } from "./preflight.ts";
import type { Servers } from "./servers.ts";
import { openSink } from "./sink.ts";
import type { Stop } from "./stop.ts";
import { finish, openTarget } from "./target.ts";
import { openVersions } from "./versions.ts";

/** Everything that the indexes of one agent share. */
export interface Agent extends Servers {
  readonly config: Config;
  readonly checkpoint: Checkpoint;
  readonly deadLetters: DeadLetterOffice;
  /** Where the numbers of readings begin that do not go on from a saved position, by index: an index that was read before holds them. */
  readonly leastVersions: ReadonlyMap<string, string>;
  /** Whether an index may be deleted that another database was read into under its plain name. */
  readonly force: boolean;
  readonly log: Log;
  readonly stop: Stop;
}

/** Opens the stages of one index of the configuration, on the index that goes with the saved position. */
export async function openPipeline(
  agent: Agent,
  { plan, log }: { plan: IndexPlan; log: Log },
): Promise<Pipeline> {
  const { config, source, cluster, checkpoint, stop } = agent;
  const definition = findDefinition(config, plan.name);
  const signal = stop.kill;
  const identity = await identifySource(source, signal);
  const recipe = { ...definition, source: identity };
  const position = checkpoint.load(plan.name);
  const { force } = agent;
  const target = await openTarget(cluster, {
    recipe,
    position,
    force,
    log,
    signal,
  });
  const { index } = target;
  const adaptation = await adaptIndex(cluster, {
    name: index.name,
    ingredients: definition,
    log,
    signal,
  });
  if (!target.isKnown || adaptation.isRewriting) checkpoint.forget(plan.name);
  const { maxBytesInFlight, maxReaders, limits } = limitsOf(config);
  const versions = openVersions(
    target.isKnown
      ? position?.document_version
      : agent.leastVersions.get(plan.name),
  );
  const documents = openDocuments({ source, plan, versions, limits });
  const { readHosts } = agent;
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
      index,
      deadLetters: agent.deadLetters.of(plan.name),
      log,
    }),
    checkpoint,
    bound: { source: identity, index: { name: index.name, uuid: index.uuid } },
    maxBytesInFlight,
    maxReaders,
    loadSavePeriodMs: config.loadSavePeriodMs,
    rate: agent.rate,
    beginLoad: adaptation.noteBegun,
    async finishLoad() {
      await finish(cluster, { index, recipe, log, signal });
    },
  };
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
