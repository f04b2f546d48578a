import { followIndexes } from "./agent_session.ts";
import { checkPermission } from "./checkpoint.ts";
import { readClusterUuid } from "./cluster_uuid.ts";
import type { LoadedConfig } from "./config.ts";
import { recovers } from "./failure.ts";
import type { Log } from "./logging.ts";
import { pauseFileOf } from "./pause_file.ts";
import { openPauses } from "./pauses.ts";
import type { IndexPlan } from "./plan.ts";
import { planIndexes } from "./plan_indexes.ts";
import { lockKeys, openLockSession } from "./postgres_lock.ts";
import {
  openReindexRequests,
  type ReindexRequests,
} from "./reindex_requests.ts";
import { openScope } from "./scope.ts";
import { openServers, type Servers } from "./servers.ts";
import type { Stop } from "./stop.ts";
import { NO_TELEMETRY, type Telemetry } from "./telemetry.ts";
import { watchPauses } from "./watched_pauses.ts";
import { openWriterLocks, type WriterLocks } from "./writer_lock.ts";

/**
 * Follows every index of the configuration, until the stop is drained or, with `once`, one pass of each is done. Writes
 * only while it has the writer lock; before, and whenever it is lost, it waits for that as a standby.
 * @throws {EtlError} when something is wrong that time cannot mend; what was settled is saved.
 */
export async function runAgent(
  loaded: LoadedConfig,
  { log, stop, once, telemetry = NO_TELEMETRY, ...told }: {
    log: Log;
    stop: Stop;
    once: boolean;
    telemetry?: Telemetry;
    force?: boolean;
    /** Whether every index is loaded from the beginning, whatever was saved. */
    reload?: boolean;
    /** What is asked for by hand, where that is not to be read from files. */
    requests?: ReindexRequests;
  },
): Promise<void> {
  const { config } = loaded;
  const { force = false, reload = false } = told;
  await checkPermission(config.stateFile);
  const failed = new AbortController();
  const drain = AbortSignal.any([stop.drain, failed.signal]);
  const scope = openScope();
  try {
    const pauseFile = pauseFileOf(config.stateFile);
    const pauses = watchPauses(
      scope.add(await openPauses(pauseFile, { log })),
      telemetry,
    );
    const names = config.indexes.map(({ name }) => name);
    const requests = told.requests ??
      scope.add(openReindexRequests(config.stateFile, { names, log }));
    const servers = openServers(loaded, { scope, log, drain, telemetry });
    drain.addEventListener("abort", () => telemetry.turn("stopping"));
    const plan = () =>
      planIndexes(loaded, { source: servers.source, signal: stop.kill });
    // what is wrong with the configuration is told now, also by a standby
    let plans = await plan();
    const locks = await openLocks(servers, { loaded, plans, log, stop });
    const reloading = new Set(reload ? plans.map(({ name }) => name) : []);
    for (let isFirst = true;; isFirst = false) {
      const lock = await locks.take(drain);
      if (lock === undefined) return;
      telemetry.turn("writer");
      if (lock.hasWaited || !isFirst) log.info("writing from now on");
      try {
        if (lock.hasWaited) plans = await plan();
        await followIndexes(servers, {
          ...{ loaded, plans, lock, pauses, requests, failed, reloading },
          ...{ log, stop, once, force },
        });
        if (!lock.lost.aborted || drain.aborted) return;
      } catch (error) {
        if (!recovers(error, "wait") || drain.aborted) throw error;
      } finally {
        await lock.release();
      }
      telemetry.turn("standby");
      const error = lock.lost.reason;
      log.warning("writer lock lost, waiting for it again", { error });
    }
  } finally {
    await scope.close();
  }
}

/** Where the right to write to the indexes of `plans` is to be had. */
export async function openLocks(
  { cluster, sourcePersister, telemetry }: Servers,
  { loaded: { config, secrets }, plans, log, stop }: {
    loaded: LoadedConfig;
    plans: readonly IndexPlan[];
    log: Log;
    stop: Stop;
  },
): Promise<WriterLocks> {
  const uuid = await readClusterUuid(cluster, stop.kill);
  return openWriterLocks({
    keys: lockKeys(uuid, plans.map(({ name }) => name)),
    connect: (signal) =>
      openLockSession(config.postgres, { secrets, log, signal }),
    persister: sourcePersister,
    log,
    tellPeriodMs: config.logStatusPeriodMs,
    onWait: () => telemetry.turn("standby"),
  });
}
