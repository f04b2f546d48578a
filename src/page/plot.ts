/** What a chart is drawn from: values at even distances, the last of them at 1 of the width. */
export interface Series {
  /** The newest last; null where there is none. */
  readonly values: readonly (number | null)[];
  /** How many there would be over the whole width. */
  readonly capacity: number;
}

/** A point in the unit square, y upwards. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The lines of a series, one for each stretch without a gap, in the unit square: `top` is the value at its top.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { plotLines } from "./plot.ts";
 * const series = { values: [2, null, 4, 0], capacity: 5 };
 * deepEqual(plotLines(series, 4), [
 *   [{ x: 0.25, y: 0.5 }],
 *   [{ x: 0.75, y: 1 }, { x: 1, y: 0 }],
 * ]);
 * ```
 */
export function plotLines(series: Series, top: number): Point[][] {
  const lines: Point[][] = [];
  let line: Point[] | undefined;
  for (const [place, value] of series.values.entries()) {
    if (value === null) {
      line = undefined;
      continue;
    }
    if (line === undefined) lines.push(line = []);
    line.push({ x: placeToX(series, place), y: Math.min(value / top, 1) });
  }
  return lines;
}

/** How far to the right the value at `place` is, from 0 to 1. */
export function placeToX(
  { values, capacity }: Series,
  place: number,
): number {
  const steps = Math.max(capacity, values.length, 2) - 1;
  return 1 - (values.length - 1 - place) / steps;
}

/**
 * The place of the value that is nearest to `x`, from 0 to 1; none where there is no value.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { xToPlace } from "./plot.ts";
 * const series = { values: [1, 2, 3], capacity: 5 };
 * equal(xToPlace(series, 0.8), 1);
 * equal(xToPlace(series, 0), 0);
 * equal(xToPlace({ values: [], capacity: 5 }, 0.8), undefined);
 * ```
 */
export function xToPlace(series: Series, x: number): number | undefined {
  const { values, capacity } = series;
  if (values.length === 0) return undefined;
  const steps = Math.max(capacity, values.length, 2) - 1;
  const place = values.length - 1 - Math.round((1 - x) * steps);
  return Math.min(Math.max(place, 0), values.length - 1);
}

/**
 * The next round number: 1, 2, 4, 5 or 6 and zeros.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { roundUp } from "./plot.ts";
 * deepEqual([0.3, 1, 3, 4_100, 700].map(roundUp), [0.4, 1, 4, 5_000, 1_000]);
 * ```
 */
export function roundUp(value: number): number {
  const scale = 10 ** Math.floor(Math.log10(value));
  const step = ROUND_STEPS.find((step) => step * scale >= value) ?? 10;
  return Number((step * scale).toPrecision(1));
}

const ROUND_STEPS = [1, 2, 4, 5, 6];

/**
 * The next duration in seconds that people take for round.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { roundUpSeconds } from "./plot.ts";
 * deepEqual([0.3, 3, 61, 4_000, 1e6].map(roundUpSeconds), [0.4, 4, 120, 7_200, 1_036_800]);
 * ```
 */
export function roundUpSeconds(seconds: number): number {
  if (seconds <= 10) return roundUp(seconds);
  const round = ROUND_SECONDS.find((round) => round >= seconds);
  return round ?? Math.ceil(seconds / 86_400) * 86_400;
}

const ROUND_SECONDS = [
  ...[15, 20, 30, 40, 60, 120, 300, 600, 900, 1_200, 1_800, 2_400],
  ...[3_600, 7_200, 14_400, 21_600, 43_200, 86_400],
];

/** What a stretch of a series comes to; null where it has no value. */
export interface Stretch {
  /** How long ago it began and ended, in steps of the series. */
  readonly from: number;
  readonly to: number;
  readonly mean: number | null;
  readonly most: number | null;
}

/**
 * The series in stretches of `length` values, the newest first; the oldest may be shorter.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { summarize } from "./plot.ts";
 * deepEqual(summarize([null, 1, 2, 6], 3), [
 *   { from: 3, to: 0, mean: 3, most: 6 },
 *   { from: 4, to: 3, mean: null, most: null },
 * ]);
 * ```
 */
export function summarize(
  values: readonly (number | null)[],
  length: number,
): Stretch[] {
  const stretches: Stretch[] = [];
  for (let end = values.length; end > 0; end -= length) {
    const start = Math.max(0, end - length);
    const known = values.slice(start, end).filter((value) => value !== null);
    const sum = known.reduce((sum, value) => sum + value, 0);
    stretches.push({
      from: values.length - start,
      to: values.length - end,
      mean: known.length === 0 ? null : sum / known.length,
      most: known.length === 0 ? null : Math.max(...known),
    });
  }
  return stretches;
}
