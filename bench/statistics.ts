/** What was measured, in the order of the rounds. */
export interface Measure {
  /** What was measured, for people; the same text is the same measure. */
  readonly name: string;
  /** `s`, `ms`, `µs`, `MiB`, or `×` for a ratio. */
  readonly unit: string;
  readonly values: readonly number[];
}

/** A measure in short. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** How far apart the extremes are, as a share of the median. */
  readonly spread: number;
}

/** Takes in what is measured. */
export interface Results {
  add(name: string, unit: string, value: number): void;
  /** Takes in what has to be known of the measures, and was not measured. */
  note(name: string, value: number): void;
  readonly notes: Readonly<Record<string, number>>;
  /** Everything so far, in the order of each measure's first value. */
  list(): Measure[];
}

/** An empty collection of results. */
export function openResults(): Results {
  const measures = new Map<string, { unit: string; values: number[] }>();
  const notes: Record<string, number> = {};
  return {
    notes,
    note: (name, value) => notes[name] = value,
    add(name, unit, value) {
      const measure = measures.get(name) ?? { unit, values: [] };
      measure.values.push(value);
      measures.set(name, measure);
    },
    list: () =>
      Array.from(measures, ([name, measure]) => ({ name, ...measure })),
  };
}

/**
 * The value in the middle; of an even count the mean of the two.
 * @throws {RangeError} when there are no values.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { median } from "./statistics.ts";
 * equal(median([30, 10, 20]), 20);
 * equal(median([4, 1, 2, 3]), 2.5);
 * ```
 */
export function median(values: readonly number[]): number {
  return (percentile(values, 0.5, Math.floor) +
    percentile(values, 0.5, Math.ceil)) / 2;
}

/**
 * The value that this share of the values does not exceed; `round` says which neighbour is taken between two.
 * @throws {RangeError} when there are no values.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { percentile } from "./statistics.ts";
 * const values = Array.from({ length: 101 }, (_, n) => n);
 * equal(percentile(values, 0.99), 99);
 * equal(percentile([7], 0.99), 7);
 * ```
 */
export function percentile(
  values: readonly number[],
  share: number,
  round: (place: number) => number = Math.ceil,
): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[round(share * (sorted.length - 1))];
  if (value === undefined) {
    throw new RangeError("Cannot tell a percentile: there are no values");
  }
  return value;
}

/**
 * A measure's values in short.
 * @throws {RangeError} when there are no values.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { summarize } from "./statistics.ts";
 * deepEqual(summarize([9, 10, 12]), { median: 10, min: 9, max: 12, spread: 0.3 });
 * ```
 */
export function summarize(values: readonly number[]): Summary {
  const middle = median(values);
  const min = Math.min(...values);
  const max = Math.max(...values);
  return {
    median: middle,
    min,
    max,
    spread: middle === 0 ? 0 : (max - min) / middle,
  };
}

/** The measures as a table for people: one line each, and a line of titles. */
export function formatTable(measures: readonly Measure[]): string {
  const titles = ["Measure", "Unit", "Median", "Min", "Max", "Spread", "Runs"];
  const rows = measures.map(({ name, unit, values }) => {
    const { median, min, max, spread } = summarize(values);
    return [
      name,
      unit,
      ...[median, min, max].map(formatNumber),
      values.length > 1 ? `${Math.round(100 * spread)} %` : "",
      String(values.length),
    ];
  });
  const lines = [titles, ...rows];
  const widths = titles.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0))
  );
  return lines.map((line) =>
    line.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column < 2 ? cell.padEnd(width) : cell.padStart(width);
    }).join("  ").trimEnd()
  ).join("\n");
}

/**
 * A number with three digits that count, and never fewer than those before the point.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { formatNumber } from "./statistics.ts";
 * equal(formatNumber(14.237), "14.2");
 * equal(formatNumber(0.97134), "0.971");
 * equal(formatNumber(14237.4), "14237");
 * equal(formatNumber(0), "0");
 * ```
 */
export function formatNumber(value: number): string {
  if (value === 0) return "0";
  const before = Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toFixed(Math.min(6, Math.max(0, 3 - Math.max(before, 0))));
}
