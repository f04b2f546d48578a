import type { HistoryReport } from "./status_report.ts";

/** What was settled over time: the rate of the last minute, and samples of an hour. */
export interface RateHistory {
  /** To be called once every {@linkcode TICK_MS}. */
  tick(now: { totalCount: number; lagSeconds: number | undefined }): void;
  /** How much was settled a second over the last minute, or since it was opened. */
  perSecond(totalCount: number): number;
  report(): HistoryReport;
}

/** How often the total is looked at. */
export const TICK_MS = 5_000;

const TICKS_PER_MINUTE = 12;
const TICKS_PER_SAMPLE = 3;
const MAX_SAMPLES = 240;
const SAMPLE_SECONDS = TICK_MS * TICKS_PER_SAMPLE / 1000;

/** Opens it, of something of which nothing is settled yet. */
export function openRateHistory(
  nowMs: () => number = () => performance.now(),
): RateHistory {
  const totals = [{ atMs: nowMs(), totalCount: 0 }];
  const perSecond: number[] = [];
  const lagSeconds: (number | null)[] = [];
  let endedAt = new Date();
  let tickCount = 0;
  let sampled = { atMs: nowMs(), totalCount: 0 };

  return {
    tick({ totalCount, lagSeconds: lag }) {
      const now = { atMs: nowMs(), totalCount };
      totals.push(now);
      if (totals.length > TICKS_PER_MINUTE) totals.shift();
      tickCount++;
      if (tickCount % TICKS_PER_SAMPLE > 0) return;
      perSecond.push(round(rateBetween(sampled, now)));
      lagSeconds.push(lag === undefined ? null : round(lag));
      for (const samples of [perSecond, lagSeconds]) {
        if (samples.length > MAX_SAMPLES) samples.shift();
      }
      sampled = now;
      endedAt = new Date();
    },
    perSecond(totalCount) {
      const [oldest] = totals;
      if (oldest === undefined) return 0;
      return round(rateBetween(oldest, { atMs: nowMs(), totalCount }));
    },
    report: () => ({
      periodSeconds: SAMPLE_SECONDS,
      endedAt: endedAt.toISOString(),
      perSecond: [...perSecond],
      lagSeconds: [...lagSeconds],
    }),
  };
}

/** A moment, and what was settled by then. */
interface Total {
  readonly atMs: number;
  readonly totalCount: number;
}

function rateBetween(from: Total, to: Total): number {
  const seconds = (to.atMs - from.atMs) / 1000;
  return seconds <= 0 ? 0 : (to.totalCount - from.totalCount) / seconds;
}

/** To three digits behind the point. */
export function round(number: number): number {
  return Math.round(number * 1000) / 1000;
}
