import { type FaultKind, KILLS } from "./schedule.ts";
import type { WriterTally } from "./writer.ts";

/** What a soak did, for its last lines. */
export interface Summary {
  readonly seed: number;
  readonly minutes: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** Requests that a fault of the HTTP proxy was put upon. */
  readonly struck: number;
  readonly checks: number;
  /** Documents that were accounted for by a dead letter, over all checks. */
  readonly refused: number;
  readonly tally: Readonly<WriterTally>;
  readonly rssBytes: number;
  readonly files: number;
}

/** How many faults there were, and how many of them were kills. */
export function countFaults(
  counts: ReadonlyMap<FaultKind, number>,
): { faults: number; kills: number } {
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  return {
    faults: sum([...counts.values()]),
    kills: sum(
      [...counts].filter(([kind]) => kind in KILLS).map(([, count]) => count),
    ),
  };
}

/** The lines of a summary: a table, a number and what it counts. */
export function summaryLines(summary: Summary): string[] {
  const { tally } = summary;
  const { faults, kills } = countFaults(summary.faults);
  const rows: [number | string, string][] = [
    ...[...summary.faults]
      .sort(([a], [b]) => a < b ? -1 : 1)
      .map(([kind, count]): [number, string] => [count, kind]),
    [faults, "faults in all"],
    [kills, "kills among them"],
    [summary.struck, "requests that the HTTP proxy spoilt"],
    [summary.checks, "checks by content"],
    [summary.refused, "refused documents accounted for, over all checks"],
    [tally.committed, "transactions committed"],
    [tally.rolledBack, "transactions rolled back"],
    [tally.prepared, "transactions prepared"],
    [tally.failed, "transactions failed"],
    [tally.rows, "rows written"],
    [Math.ceil(summary.rssBytes / 1e6), "MB of memory of the agent, at most"],
    [summary.files, "files and sockets of the agent, at most"],
    [summary.minutes.toFixed(1), "minutes"],
    [summary.seed, "seed"],
  ];
  const width = Math.max(...rows.map(([count]) => String(count).length));
  return rows.map(([count, what]) =>
    `${String(count).padStart(width)}  ${what}`
  );
}
