import { type ChangeFeed, openChangeFeed } from "./change_feed.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import type { LoadedConfig } from "./config.ts";
import { openDeadLetters } from "./dead_letters.ts";
import { EtlError, recovers } from "./failure.ts";
import { followIndex } from "./follow_index.ts";
import { listGenerations } from "./generations.ts";
import { guardCluster } from "./guarded_cluster.ts";
import { keepPositions, laterPosition } from "./kept_checkpoint.ts";
import { type KeptPositions, openKeptPositions } from "./kept_position.ts";
import type { Log } from "./logging.ts";
import { findDefinition } from "./named_index.ts";
import type { Agent } from "./open_pipeline.ts";
import type { Pauses } from "./pauses.ts";
import type { IndexPlan } from "./plan.ts";
import { identifySource } from "./preflight.ts";
import { dropFreedSlot, readSlot } from "./postgres_slot.ts";
import type { ReindexRequests } from "./reindex_requests.ts";
import { createPersister } from "./retry.ts";
import { openScope, type Scope } from "./scope.ts";
import type { Servers } from "./servers.ts";
import type { Stop } from "./stop.ts";
import type { WriterLock } from "./writer_lock.ts";

/** What was read from Elasticsearch can be read there again. */
const KEPT_SAVE_MS = 60_000;

/** What a session of writing goes by, from taking the writer lock to giving it back. */
export interface AgentSession {
  readonly loaded: LoadedConfig;
  readonly plans: readonly IndexPlan[];
  readonly lock: WriterLock;
  readonly pauses: Pauses;
  readonly requests: ReindexRequests;
  /** Aborted where an index fails for good: all that waits for better times gives up. */
  readonly failed: AbortController;
  /** The indexes that are still to be loaded from the beginning; each is taken out once that has begun. */
  readonly reloading: Set<string>;
  readonly log: Log;
  readonly stop: Stop;
  readonly once: boolean;
  readonly force: boolean;
}

/**
 * Follows every index from where it stands by now, as whoever had the lock before left it, until the stop is drained or
 * the lock is lost.
 * @throws {EtlError} when something is wrong that time cannot mend, or `lock-lost`; what was settled is saved.
 */
export async function followIndexes(
  servers: Servers,
  session: AgentSession,
): Promise<void> {
  const { lock, pauses, requests, failed, log, once, force } = session;
  const { config, secrets } = session.loaded;
  const stop = {
    drain: AbortSignal.any([session.stop.drain, failed.signal, lock.lost]),
    kill: AbortSignal.any([session.stop.kill, lock.lost]),
  };
  const { telemetry } = servers;
  const limits = { limits: config.retry, log, drain: stop.drain, telemetry };
  const scope = openScope();
  try {
    const cluster = guardCluster(servers.cluster, lock);
    const leastVersions = new Map<string, string>();
    const checkpoint = await openPositions(servers, {
      session,
      scope,
      stop,
      leastVersions,
    });
    const deadLetters = await openDeadLetters(config.rejections, {
      persister: createPersister("dead-letter file", limits),
      secrets,
      signal: stop.kill,
    });
    const feed = once ? undefined : openFeed(servers, { session, checkpoint });
    if (feed !== undefined) scope.add(feed);
    await retireSlots(servers, { session, checkpoint, stop });
    const shared = { config, checkpoint, deadLetters, force, log, stop };
    const agent: Agent = {
      ...{ ...servers, cluster, leastVersions, ...shared },
      ...(feed === undefined ? {} : { feed }),
    };
    const ends = await Promise.allSettled(
      session.plans.map(async (plan) => {
        try {
          await telemetry.of(plan.name).run(
            () => followIndex(agent, { plan, once, pauses, requests }),
            checkpoint.load(plan.name),
          );
        } catch (error) {
          // the others finish what is in flight; where the lock is lost they are cut anyway
          if (!recovers(error, "wait")) failed.abort(error);
          if (!recovers(error, "wait")) telemetry.of(plan.name).ended(error);
          throw error;
        }
      }),
    );
    const errors = ends.flatMap((end) =>
      end.status === "rejected" ? [end.reason] : []
    );
    const [failure = errors[0]] = errors.filter((error) =>
      !recovers(error, "wait")
    );
    if (failure !== undefined) throw failure;
  } finally {
    await scope.close();
  }
}

/** The state file, with the later one of each position on disk and in Elasticsearch. */
async function openPositions(
  servers: Servers,
  { session, scope, stop, leastVersions }: {
    session: AgentSession;
    scope: Scope;
    stop: Stop;
    /** Gets the numbers that an index which is loaded again holds. */
    leastVersions: Map<string, string>;
  },
): Promise<Checkpoint> {
  const { loaded: { config }, plans, lock, reloading, log } = session;
  const { telemetry } = servers;
  const options = { limits: config.retry, log, drain: stop.drain, telemetry };
  const disk = await openCheckpoint(
    config.stateFile,
    createPersister("state file", options),
    { isReplaced: plans.every(({ name }) => reloading.has(name)) },
  );
  const { positionIndex } = config.elasticsearch;
  const kept = positionIndex === undefined
    ? undefined
    : openKeptPositions(guardCluster(servers.triedOnce, lock), {
      name: positionIndex,
      log,
    });
  if (kept !== undefined) {
    scope.add(kept);
    scope.add({ [Symbol.asyncDispose]: () => finish(kept, stop) });
  }
  const source = await identifySource(servers.source, stop.kill);
  const names: string[] = [];
  for (const { name } of plans) {
    // those beside the searched one have positions of their own
    const made = await listGenerations(servers.cluster, name, stop.kill);
    names.push(name, ...made.map((generation) => generation.name));
  }
  for (const name of names) {
    const saved = disk.load(name);
    const isNeeded = saved === undefined && !reloading.has(name) &&
      plans.some((plan) => plan.name === name);
    const read = async () =>
      await kept?.read(name, { source, isNeeded, signal: stop.kill });
    const later = laterPosition(
      saved,
      await servers.persister.persist(read, stop.kill),
    );
    if (reloading.has(name)) {
      const version = later?.document_version;
      if (version !== undefined) leastVersions.set(name, version);
      disk.forget(name);
      log.info("loading from the beginning, as --reload says", { index: name });
    } else if (later !== undefined && later !== saved) {
      await disk.keep(name, later, {
        maxAgeMs: KEPT_SAVE_MS,
        signal: stop.kill,
      });
      log.info("going on from the position kept in Elasticsearch", {
        index: name,
      });
    }
  }
  return keepPositions(disk, {
    kept,
    assertHeld: lock.assertHeld,
    onSave: (name) => reloading.delete(name),
  });
}

async function finish(kept: KeptPositions, { kill }: Stop): Promise<void> {
  if (!kill.aborted) await kept.flush();
}

/** The log, where an index is to follow it. */
function openFeed(
  { source, telemetry }: Servers,
  { session, checkpoint }: { session: AgentSession; checkpoint: Checkpoint },
): ChangeFeed | undefined {
  const { plans, pauses, log } = session;
  const { config, secrets } = session.loaded;
  const followed = plans.filter(({ name }) => isByWal(session, name));
  if (followed.length === 0) return undefined;
  const { wal, postgres, retry } = config;
  const feed = openChangeFeed({
    ...{ wal, postgres, source, secrets, log, retry },
    claimSlot: checkpoint.claimSlot,
    onSlot: telemetry.slot,
  });
  for (const { name } of followed) {
    // nothing is kept for one that is paused
    if (pauses.since(name) !== undefined) continue;
    feed.expect(name, checkpoint.load(name)?.wal);
  }
  return feed;
}

/**
 * Drops the slots that indexes followed which do not any more, or are not there any more, so that PostgreSQL keeps none of
 * its log for them. The state file names a slot from before it is made until it is dropped: nobody else knows of it.
 */
async function retireSlots(
  { source }: Servers,
  { session, checkpoint, stop }: {
    session: AgentSession;
    checkpoint: Checkpoint;
    stop: Stop;
  },
): Promise<void> {
  const { plans, log } = session;
  const { config, secrets } = session.loaded;
  const used = plans.some(({ name }) => isByWal(session, name))
    ? config.wal.slot
    : undefined;

  async function drop(name: string): Promise<void> {
    const options = { name, secrets, log, signal: stop.kill };
    const found = await readSlot(source, name, stop.kill);
    if (!found?.isFit) return;
    await dropFreedSlot(config.postgres, options);
    log.info("the replication slot is not needed any more: dropped", {
      slot: name,
    });
  }

  // a position that was kept in Elasticsearch names one too, where the state file was lost
  const named = new Set([
    ...checkpoint.slots(),
    ...checkpoint.names().flatMap((index) =>
      checkpoint.load(index)?.wal?.slot ?? []
    ),
  ]);
  for (const slot of named) {
    if (slot === used) continue;
    try {
      await drop(slot);
      for (const index of checkpoint.names()) {
        const position = checkpoint.load(index);
        if (position?.wal?.slot !== slot) continue;
        const { wal: _, ...polled } = position;
        await checkpoint.save(index, polled, stop.kill);
      }
      await checkpoint.releaseSlot(slot, stop.kill);
    } catch (error) {
      stop.kill.throwIfAborted();
      if (!(error instanceof EtlError)) throw error;
      const remedy = `Run: select pg_drop_replication_slot('${slot}')`;
      log.warning(
        "the replication slot is not needed any more, and cannot be dropped: PostgreSQL keeps its log for it",
        { slot, remedy, error },
      );
    }
  }
}

function isByWal({ loaded: { config } }: AgentSession, name: string): boolean {
  return findDefinition(config, name).follow === "wal";
}
