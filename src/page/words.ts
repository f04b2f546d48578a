const COUNT = new Intl.NumberFormat("en");

/**
 * A count for people.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { formatCount } from "./words.ts";
 * equal(formatCount(1_234_567), "1,234,567");
 * ```
 */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/**
 * A count with its noun, which is regular.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { countOf } from "./words.ts";
 * deepEqual([countOf(1, "document"), countOf(0, "document")], ["1 document", "0 documents"]);
 * deepEqual([countOf(1, "index", "indexes"), countOf(2, "index", "indexes")], ["1 index", "2 indexes"]);
 * ```
 */
export function countOf(
  count: number,
  noun: string,
  plural = `${noun}s`,
): string {
  return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

/**
 * So many a second; slow ones with a digit behind the point.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { formatRate } from "./words.ts";
 * const texts = [0, 0.04, 0.26, 9.96, 12.4, 3_400].map(formatRate);
 * deepEqual(texts, ["0/s", "under 0.1/s", "0.3/s", "10/s", "12/s", "3,400/s"]);
 * ```
 */
export function formatRate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.05) return "under 0.1/s";
  const digits = perSecond < 9.95 ? 1 : 0;
  return `${COUNT.format(Number(perSecond.toFixed(digits)))}/s`;
}

const SIZE_UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/**
 * A size for people, in the largest unit that it has one of.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { formatSize } from "./words.ts";
 * deepEqual([0, 900, 16_777_216, 1e9].map(formatSize), ["0 byte", "900 byte", "16.8 MB", "1 GB"]);
 * ```
 */
export function formatSize(bytes: number): string {
  const power = Math.min(
    Math.floor(Math.log10(Math.max(bytes, 1)) / 3),
    SIZE_UNITS.length - 1,
  );
  return new Intl.NumberFormat("en", {
    style: "unit",
    unit: SIZE_UNITS[power],
    maximumFractionDigits: 1,
  }).format(bytes / 1_000 ** power);
}

/**
 * A share of 1 in whole percent, rounded down: what is not done is never said to be.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { formatShare } from "./words.ts";
 * deepEqual([0, 0.29, 0.999, 1].map(formatShare), ["0 %", "29 %", "99 %", "100 %"]);
 * ```
 */
export function formatShare(share: number): string {
  return `${Math.floor(share * 100 + 1e-9)} %`;
}

/**
 * A duration in its two largest units; below ten seconds with a digit behind the point.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { formatDuration } from "./words.ts";
 * const texts = [0, 0.04, 0.44, 9.96, 59.6, 65, 3_599.9, 3_600, 90_061].map(formatDuration);
 * deepEqual(texts, [
 *   "0 s", "under 0.1 s", "0.4 s", "10 s", "1 min", "1 min 5 s", "1 h", "1 h", "1 d 1 h",
 * ]);
 * ```
 */
export function formatDuration(seconds: number): string {
  if (seconds > 0 && seconds < 0.05) return "under 0.1 s";
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    const isFirst = parts.length === 0;
    if (isFirst && count === 0) continue;
    parts.push(count === 0 ? "" : `${count} ${unit}`);
    if (!isFirst) break;
  }
  return parts.filter((part) => part !== "").join(" ");
}

const UNITS = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]] as const;

/**
 * A moment of ISO 8601 as the log writes it, in UTC: the time, with the date where it is not that of `today`.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { formatMoment } from "./words.ts";
 * equal(formatMoment("2026-01-02T03:04:05.678Z", "2026-01-02T23:59:59Z"), "03:04:05");
 * equal(formatMoment("2026-01-01T03:04:05.678Z", "2026-01-02T00:00:00Z"), "2026-01-01 03:04:05");
 * ```
 */
export function formatMoment(moment: string, today: string): string {
  const text = new Date(moment).toISOString();
  const [date = "", time = ""] = text.slice(0, 19).split("T");
  return new Date(today).toISOString().startsWith(date)
    ? time
    : `${date} ${time}`;
}

/**
 * A watermark with all its digits: a moment as {@linkcode formatMoment} writes it, or a number as it is.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { formatWatermark } from "./words.ts";
 * equal(formatWatermark("2026-01-02T03:04:05.000600Z", "2026-01-02T03:05:00Z"), "03:04:05.000600");
 * equal(formatWatermark("90071992547409930", "2026-01-02T03:05:00Z"), "90071992547409930");
 * ```
 */
export function formatWatermark(watermark: string, today: string): string {
  const [, fraction] = /^\d{4}-.*(\.\d+)Z$/.exec(watermark) ?? [];
  return fraction === undefined
    ? watermark
    : formatMoment(watermark, today) + fraction;
}

/**
 * The seconds between two moments of ISO 8601, never less than none.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { secondsBetween } from "./words.ts";
 * equal(secondsBetween("2026-01-01T00:00:00Z", "2026-01-01T00:01:30.5Z"), 90.5);
 * equal(secondsBetween("2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z"), 0);
 * ```
 */
export function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1_000);
}

/**
 * The text with what cannot be seen, or turns the direction of what follows, as escapes: it is what it looks like.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { showInvisible } from "./words.ts";
 * const texts = ["a b", "a\tb\u202e", "\u{e0041}"].map(showInvisible);
 * deepEqual(texts, ["a b", "a\\u{9}b\\u{202e}", "\\u{e0041}"]);
 * ```
 */
export function showInvisible(text: string): string {
  return text.toWellFormed().replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
}
