import type { Config, LoadedConfig } from "./config.ts";
import { readClusterUuid } from "./cluster_uuid.ts";
import { openDatabaseClock } from "./database_clock.ts";
import {
  type DeadLetterView,
  NO_LETTERS,
  openDeadLetterView,
} from "./dead_letter_view.ts";
import { reportFailure } from "./error_history.ts";
import { EtlError } from "./failure.ts";
import { listGenerations } from "./generations.ts";
import { findBehind } from "./index_behind.ts";
import { reportTables } from "./index_report.ts";
import { createRedactor } from "./log_line.ts";
import { createLog } from "./logging.ts";
import { pauseFileOf, readPauses } from "./pause_file.ts";
import type { Position } from "./position.ts";
import { lockKeys, openLockSession } from "./postgres_lock.ts";
import { openRateHistory, round } from "./rate_history.ts";
import { type SavedState, withSavedState } from "./saved_state.ts";
import type {
  GenerationReport,
  IndexReport,
  ServerReport,
  StatusReport,
} from "./status_report.ts";

/**
 * The status as far as the state file and the servers tell it, without an agent: what only a running one knows is absent or 0.
 * @throws {EtlError} when the state file, or the list of paused indexes, is there and cannot be used.
 */
export async function reportState(
  loaded: LoadedConfig,
  { version }: { version: string },
): Promise<StatusReport> {
  const { config } = loaded;
  const redact = createRedactor(loaded.secrets);
  const deadLetters = openDeadLetterView(config.rejections.file, {
    showsDocuments: config.http?.showsDocuments ?? false,
  });
  return await withSavedState(loaded, async (state) => {
    const clock = openDatabaseClock();
    const postgresql = await reportServer(redact, async () => {
      const askedMs = performance.now();
      clock.observe(await state.now(), askedMs);
    });
    const elasticsearch = await reportServer(
      redact,
      () => readClusterUuid(state.servers.cluster, state.signal),
    );
    const areReached = postgresql.state === "reached" &&
      elasticsearch.state === "reached";
    const isWritten = areReached && await hasWriter(loaded, state);
    const common = { config, state, clock, isWritten, areReached, deadLetters };
    const indexes: IndexReport[] = [];
    for (const { name, enabled } of config.indexes) {
      if (enabled) indexes.push(await reportIndex(name, common));
    }
    const ok = isWritten;
    const reasons = ok
      ? []
      : [areReached ? "no agent writes" : "it is not known if an agent writes"];
    const unloaded = indexes.filter(({ tables }) => tables.length === 0)
      .map(({ name }) => `index ${name} is not loaded yet`);
    const lost = [postgresql, elasticsearch].flatMap(({ lastError }) =>
      lastError === undefined ? [] : [lastError.message]
    );
    const unready = [...lost, ...reasons, ...unloaded];
    return {
      version,
      at: new Date().toISOString(),
      from: "state",
      role: isWritten ? "writer" : "none",
      health: { ok, reasons },
      readiness: { ok: unready.length === 0, reasons: unready },
      servers: { postgresql, elasticsearch },
      indexes,
    };
  });
}

/** What becomes of one call to a server. */
async function reportServer(
  redact: (text: string) => string,
  ask: () => Promise<unknown>,
): Promise<ServerReport> {
  try {
    await ask();
    const since = new Date().toISOString();
    return { state: "reached", since, lastAnswerAt: since };
  } catch (error) {
    if (!(error instanceof EtlError)) throw error;
    const lastError = reportFailure(error.failure, redact);
    return { state: "lost", since: lastError.firstAt, lastError };
  }
}

/** Whether anybody has the writer lock of one of the indexes. */
async function hasWriter(
  { config, secrets }: LoadedConfig,
  { servers: { cluster }, signal }: SavedState,
): Promise<boolean> {
  const uuid = await readClusterUuid(cluster, signal);
  const names = config.indexes.filter(({ enabled }) => enabled)
    .map(({ name }) => name);
  const session = await openLockSession(config.postgres, {
    secrets,
    log: createLog(),
    signal,
  });
  try {
    return await session.findHolder(lockKeys(uuid, names)) !== undefined;
  } finally {
    await session.release();
  }
}

async function reportIndex(
  name: string,
  { config, state, clock, isWritten, areReached, deadLetters }: {
    config: Config;
    state: SavedState;
    clock: ReturnType<typeof openDatabaseClock>;
    isWritten: boolean;
    areReached: boolean;
    deadLetters: DeadLetterView;
  },
): Promise<IndexReport> {
  const pauses = await readPauses(pauseFileOf(config.stateFile));
  const letters = await deadLetters.summarize();
  const position = await state.position(name);
  const behind = areReached
    ? await findBehind(state.servers.cluster, { name, signal: state.signal })
    : position?.index;
  const pausedSince = pauses.get(name);
  const isLoaded = position !== undefined && position.load === undefined;
  const caughtUpTo = isLoaded ? position.low : undefined;
  const lagSeconds = caughtUpTo === undefined
    ? undefined
    : clock.ageSeconds(caughtUpTo);
  const { count, newest } = letters.get(name) ?? NO_LETTERS;
  return {
    name,
    ...(behind === undefined
      ? {}
      : { physicalIndex: behind.name, physicalUuid: behind.uuid }),
    ...stateOf(position, { pausedSince, isWritten }),
    ...(pausedSince === undefined ? {} : { pausedSince }),
    documents: { written: 0, superseded: 0, rejected: 0 },
    perSecond: 0,
    ...(lagSeconds === undefined ? {} : { lagSeconds: round(lagSeconds) }),
    passes: { started: 0, caughtUp: 0 },
    tables: reportTables({ position, caughtUpTo, covers: undefined }, clock),
    errors: [],
    deadLetters: { count, newest: [...newest] },
    history: openRateHistory().report(),
    generations: areReached ? await reportGenerations(name, state) : [],
  };
}

/** The indexes of the name that are not searched, as they are marked. */
async function reportGenerations(
  name: string,
  { servers, signal }: SavedState,
): Promise<GenerationReport[]> {
  const generations = await listGenerations(servers.cluster, name, signal);
  return generations.flatMap(({ name, isSearched, mark }) => {
    if (isSearched || mark === undefined || mark.role === "searched") return [];
    return [{ name, role: mark.role, since: mark.since }];
  });
}

function stateOf(
  position: Position | undefined,
  { pausedSince, isWritten }: {
    pausedSince: string | undefined;
    isWritten: boolean;
  },
): Pick<IndexReport, "state" | "reason"> {
  if (pausedSince !== undefined) return { state: "paused" };
  if (!isWritten) {
    return { state: "waiting", reason: "no agent is seen to write it" };
  }
  if (position === undefined) {
    return { state: "waiting", reason: "no position of it is saved" };
  }
  return { state: position.load === undefined ? "following" : "loading" };
}
