import type { ChangeProbe } from "./change_probe.ts";
import type { Position } from "./position.ts";
import { EtlError } from "./failure.ts";
import {
  earliest,
  type Horizon,
  type Notice,
  shiftTime,
  type Time,
} from "./horizon.ts";
import type { Log } from "./logging.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import type { IndexTelemetry } from "./telemetry.ts";
import { timelineOf, type Versions } from "./versions.ts";

/** What the passes of one index are made with, and until when. */
export interface Following {
  readonly source: Source;
  readonly plan: IndexPlan;
  readonly horizon: Horizon;
  readonly probe: ChangeProbe;
  readonly versions: Versions;
  readonly telemetry: IndexTelemetry;
  readonly log: Log;
  /** Looked at between pages: the generator ends early, at a place it can go on from. */
  readonly drain: AbortSignal;
  readonly kill: AbortSignal;
}

/** The scan that a pass makes, or goes on with. */
export interface PassStart {
  /** Where the index stands; its marks are further back than they were where PostgreSQL went back. */
  readonly position: Position;
  readonly scan: NonNullable<Position["scan"]>;
  readonly lookbackMs: number;
  /** The database's time. */
  readonly now: Time;
  /** Called when the scan is done. */
  readonly complete: () => void;
}

/** How far the marks go back when PostgreSQL did, at least; what is older is found by comparing contents. */
const STEP_BACK_MS = 3_600_000;

/** Where the open transactions of others cannot be seen, they are taken to be no longer than this. */
const BLIND_LOOKBACK_MS = 300_000;

/**
 * Notes the open transactions and begins a scan with them; a scan that was interrupted is gone on with.
 * @throws {EtlError} `source-replaced` when this is not the cluster that the position is of.
 */
export async function startPass(
  { source, plan, horizon, versions, telemetry, log, kill }: Following,
  saved: Position,
): Promise<PassStart> {
  const askedMs = performance.now();
  const notice = await horizon.note(source, { low: saved.low, signal: kill });
  if (notice.system !== saved.source.system) {
    throw new EtlError({
      kind: "source-replaced",
      index: plan.name,
      system: notice.system,
    });
  }
  const position = hasGoneBack(notice, saved)
    ? stepBack({ saved, notice, plan, log })
    : saved;
  versions.observe(notice.version);
  telemetry.note({
    now: notice.now,
    askedMs,
    oldestStart: notice.oldestStart,
    position,
    covers: position.scan?.low ?? notice.now,
    isFresh: position.scan === undefined,
  });
  const lookbackMs = notice.blindness === undefined
    ? plan.lookbackMs
    : Math.max(plan.lookbackMs, BLIND_LOOKBACK_MS);
  const { now } = notice;
  if (position.scan !== undefined) {
    // what was committed since is found by the next pass, which begins with this scan's own marks
    const { scan } = position;
    return { position, scan, lookbackMs, now, complete: () => {} };
  }
  const from = position === saved ? notice.from : position.low;
  const tables = Object.fromEntries(
    plan.tables.map(({ label }) => [label, { seen: notice.seen }]),
  );
  const scan = { from, low: notice.low, tables };
  return { position, scan, lookbackMs, now, complete: notice.complete };
}

/**
 * Whether the cluster is not where it was later than what was read: a standby was promoted, the WAL's tail was lost, or a
 * copy of earlier days was restored.
 */
function hasGoneBack(
  { version, now }: Notice,
  { low, ...saved }: Position,
): boolean {
  const latest = saved.source_version ?? saved.document_version;
  if (now < low) return true;
  return latest !== undefined &&
    (BigInt(version) < BigInt(latest) ||
      timelineOf(version) !== timelineOf(latest));
}

/** Looks further back, at every row there, and has the contents compared: transaction ids may be given out anew. */
function stepBack(
  { saved, notice, plan, log }: {
    saved: Position;
    notice: Notice;
    plan: IndexPlan;
    log: Log;
  },
): Position {
  const { scan: _, high: __, swept, ...rest } = saved;
  const low: Time = shiftTime(
    earliest([saved.low, notice.now]),
    -Math.max(STEP_BACK_MS, plan.lookbackMs),
  );
  log.warning(
    "PostgreSQL failed over or went back in time: looking back, then comparing all contents",
    { since: low },
  );
  const ids = swept?.ids;
  return {
    ...rest,
    low,
    seen: {},
    ...(ids === undefined ? {} : { swept: { ids } }),
  };
}
