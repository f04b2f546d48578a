import type pLimit from "p-limit";
import type { Checkpoint } from "./checkpoint.ts";
import type { Config } from "./config.ts";
import { openDocuments } from "./documents.ts";
import { openHorizon } from "./horizon.ts";
import type { Log } from "./logging.ts";
import type { Pipeline } from "./pipeline.ts";
import type { IndexPlan } from "./plan.ts";
import { identifySource } from "./preflight.ts";
import type { Servers } from "./servers.ts";
import { openSink } from "./sink.ts";
import type { Stop } from "./stop.ts";
import { openTarget, show } from "./target.ts";
import { openVersions } from "./versions.ts";

/** Everything that the indexes of one agent share. */
export interface Agent extends Servers {
  readonly config: Config;
  /** Bounds the bulk requests that are out at once. */
  readonly limit: ReturnType<typeof pLimit>;
  readonly checkpoint: Checkpoint;
  /** Whether an index may be deleted that another database was read into under its plain name. */
  readonly force: boolean;
  readonly log: Log;
  readonly stop: Stop;
}

/** Opens the stages of one index, the `place`th of the configuration, on the index that goes with the saved position. */
export async function openPipeline(
  agent: Agent,
  { plan, place, log }: { plan: IndexPlan; place: number; log: Log },
): Promise<Pipeline> {
  const { config, source, cluster, persister, limit, checkpoint, stop } = agent;
  const definition = config.indexes[place];
  if (definition === undefined) {
    throw new RangeError(`Cannot find index ${place} in the configuration`);
  }
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
  if (!target.isKnown) checkpoint.forget(plan.name);
  const { index } = target;
  const { maxBytes, concurrency } = config.elasticsearch;
  const maxBytesInFlight = maxBytes * concurrency;
  const limits = {
    maxRequestBytes: maxBytes,
    maxReadingBytes: maxBytesInFlight,
  };
  const versions = openVersions(
    target.isKnown ? position?.document_version : undefined,
  );
  return {
    plan,
    source,
    log,
    horizon: openHorizon(log),
    versions,
    documents: openDocuments({ source, plan, versions, limits }),
    sink: openSink({ cluster, persister, limit, index, log }),
    checkpoint,
    bound: { source: identity, index: { name: index.name, uuid: index.uuid } },
    maxBytesInFlight,
    async finishLoad() {
      await show(cluster, { index, recipe, signal });
    },
  };
}
