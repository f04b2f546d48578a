import type { DatabaseClock } from "./database_clock.ts";
import {
  type ErrorHistory,
  failureOf,
  openErrorHistory,
} from "./error_history.ts";
import { describeFailure, type Failure } from "./failure.ts";
import type { Position } from "./position.ts";
import { openProgressWatch, type ProgressWatch } from "./progress_watch.ts";
import type { WatchLimits } from "./progress_watch.ts";
import { openRateHistory, type RateHistory } from "./rate_history.ts";
import type { PassReport } from "./status_report.ts";
import type {
  BesideNotice,
  Counts,
  IndexTelemetry,
  PassNotice,
  PassSummary,
  WayNotice,
} from "./telemetry.ts";

/** How a pass ended: at its end, cut by a pause or a stop, or with a failure. */
export type PassResult = "finished" | "cut" | "failed";

/** A load that is under way. */
export interface RunningLoad {
  readonly startedAt: string;
  readonly startedMs: number;
  readonly documentCount: number;
  readonly totalCount: number | undefined;
}

/** What is known of one index from what its stages told. */
export interface IndexRecord
  extends Omit<IndexTelemetry, "run" | "beside" | "pass"> {
  readonly name: string;
  readonly watch: ProgressWatch;
  /** Whether it waits for what is done beside it. */
  readonly isAwaitingBeside: boolean;
  readonly counts: Counts;
  /** Bytes of bulk requests that were answered. */
  readonly sentBytes: number;
  /** Ended passes, by kind and result. */
  readonly passCounts: ReadonlyMap<string, number>;
  readonly startedCount: number;
  /** The number of the last pass that found everything; 0 before the first. */
  readonly caughtUpCount: number;
  readonly lastPass: PassReport | undefined;
  readonly passKind: PassSummary["kind"] | undefined;
  readonly load: RunningLoad | undefined;
  readonly position: Position | undefined;
  /** All that was committed before this is in the index; nothing while that is not known. */
  readonly caughtUpTo: string | undefined;
  /** What the pass under way finds once it is at its end. */
  readonly covers: string | undefined;
  /** Which way its changes come; nothing before that is known. */
  readonly way: WayNotice | undefined;
  /** What is followed beside it. */
  readonly beside: readonly BesideNotice[];
  readonly pausedSince: string | undefined;
  readonly endedBy: string | undefined;
  readonly errors: ErrorHistory;
  readonly history: RateHistory;
  /** What it cannot go on for at the moment: each fault by its name. */
  readonly faults: Map<string, Failure>;
  /** How long ago the index had everything, in seconds. */
  lagSeconds(): number | undefined;
  /** What is done for it begins, where it stood by then. */
  begin(saved: Position | undefined): void;
  startPass(kind: PassSummary["kind"]): void;
  endPass(
    summary: PassSummary | undefined,
    options: { seconds: number; error?: unknown },
  ): PassResult;
  send(byteCount: number): void;
  tick(): void;
}

const MAX_ERRORS = 10;

/** Opens the record of an index that nothing is known of. */
export function openIndexRecord(
  name: string,
  { clock, redact, limits }: {
    clock: DatabaseClock;
    redact: (text: string) => string;
    limits: WatchLimits;
  },
): IndexRecord {
  const watch = openProgressWatch(limits);
  const errors = openErrorHistory({ maxErrors: MAX_ERRORS, redact });
  const history = openRateHistory();
  const passCounts = new Map<string, number>();
  const faults = new Map<string, Failure>();
  const waits = new Set<symbol>();
  let counts: Counts = { written: 0, superseded: 0, rejected: 0 };
  let sentBytes = 0;
  let startedCount = 0;
  let caughtUpCount = 0;
  let lastPass: PassReport | undefined;
  let passKind: PassSummary["kind"] | undefined;
  let startedAt = "";
  let load: RunningLoad | undefined;
  let expected: number | undefined;
  let position: Position | undefined;
  let caughtUpTo: string | undefined;
  let notice: PassNotice | undefined;
  let way: WayNotice | undefined;
  let beside: readonly BesideNotice[] = [];
  let pausedSince: string | undefined;
  let endedBy: string | undefined;

  function lagSeconds(): number | undefined {
    return caughtUpTo === undefined ? undefined : clock.ageSeconds(caughtUpTo);
  }

  return {
    name,
    watch,
    errors,
    history,
    passCounts,
    faults,
    get counts() {
      return counts;
    },
    get sentBytes() {
      return sentBytes;
    },
    get startedCount() {
      return startedCount;
    },
    get caughtUpCount() {
      return caughtUpCount;
    },
    get lastPass() {
      return lastPass;
    },
    get passKind() {
      return passKind;
    },
    get load() {
      return load;
    },
    get position() {
      return position;
    },
    get caughtUpTo() {
      return caughtUpTo;
    },
    get covers() {
      return notice?.covers;
    },
    get way() {
      return way;
    },
    get beside() {
      return beside;
    },
    get pausedSince() {
      return pausedSince;
    },
    get endedBy() {
      return endedBy;
    },
    lagSeconds,
    get isAwaitingBeside() {
      return waits.size > 0;
    },
    awaitBeside() {
      const wait = Symbol();
      waits.add(wait);
      return { [Symbol.dispose]: () => void waits.delete(wait) };
    },
    expect(documentCount) {
      expected = documentCount;
    },
    note(noted) {
      notice = noted;
      // what was found by the runs before, so that a backlog shows at once
      if (passKind !== "load") caughtUpTo ??= noted.position.low;
      position = noted.position;
    },
    settled(more) {
      counts = {
        written: counts.written + more.written,
        superseded: counts.superseded + more.superseded,
        rejected: counts.rejected + more.rejected,
      };
      if (load === undefined) return;
      const documentCount = load.documentCount + totalOf(more);
      load = { ...load, documentCount };
    },
    moved(next) {
      position = next;
    },
    followed(next) {
      way = next;
    },
    accompanied(notices) {
      beside = notices;
    },
    paused(since) {
      pausedSince = since;
      watch.turn(false);
    },
    resumed() {
      pausedSince = undefined;
    },
    ended(error) {
      const failure = failureOf(error);
      if (failure !== undefined) errors.add(failure);
      endedBy = failure === undefined
        ? "a fault of the agent, see the log"
        : redact(describeFailure(failure));
    },
    begin(saved) {
      position = saved;
      if (saved?.load === undefined) caughtUpTo = saved?.low;
    },
    startPass(kind) {
      startedCount++;
      watch.work(true);
      passKind = kind;
      notice = undefined;
      startedAt = new Date().toISOString();
      load = undefined;
      if (kind !== "load") return;
      caughtUpTo = undefined;
      const totalCount = expected;
      expected = undefined;
      const startedMs = performance.now();
      load = { startedAt, startedMs, documentCount: 0, totalCount };
    },
    endPass(summary, { seconds, error }) {
      watch.work(false);
      const kind = passKind ?? "follow";
      passKind = undefined;
      load = undefined;
      const result = summary === undefined
        ? "failed"
        : summary.finished
        ? "finished"
        : "cut";
      const name = `${kind} ${result}`;
      passCounts.set(name, (passCounts.get(name) ?? 0) + 1);
      const failure = failureOf(error);
      if (failure !== undefined) errors.add(failure);
      const { written, superseded, rejected, finished } = summary ?? NOTHING;
      lastPass = {
        ...{ kind, startedAt, seconds, written, superseded, rejected },
        finished,
      };
      if (result !== "finished") return result;
      if (kind === "load") caughtUpTo = position?.low;
      else if (notice !== undefined) {
        caughtUpTo = notice.covers;
        if (notice.isFresh) caughtUpCount = startedCount;
      }
      notice = undefined;
      return result;
    },
    send(byteCount) {
      sentBytes += byteCount;
    },
    tick: () =>
      history.tick({ totalCount: totalOf(counts), lagSeconds: lagSeconds() }),
  };
}

const NOTHING = { written: 0, superseded: 0, rejected: 0, finished: false };

/** How many documents were settled, however. */
export function totalOf({ written, superseded, rejected }: Counts): number {
  return written + superseded + rejected;
}
