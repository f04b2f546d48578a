/**
 * A time of the database's clock as its sessions write it, `2026-11-23 05:00:00.123456+00`, in seconds since 1970; nothing
 * for another text, or a year that has not four digits.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { secondsOf } from "./database_clock.ts";
 * equal(secondsOf("1970-01-01 00:01:00.5+00"), 60.5);
 * equal(secondsOf("infinity"), undefined);
 * ```
 */
export function secondsOf(time: string): number | undefined {
  const [, date, clock, fraction = ""] = TIME.exec(time) ?? [];
  if (date === undefined || clock === undefined) return undefined;
  const ms = Date.parse(`${date}T${clock}Z`);
  return Number.isNaN(ms) ? undefined : ms / 1000 + Number(`0${fraction}`);
}

/**
 * The same time in ISO 8601 with six digits.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { isoOf } from "./database_clock.ts";
 * equal(isoOf("2026-11-23 05:00:00.12+00"), "2026-11-23T05:00:00.120000Z");
 * ```
 */
export function isoOf(time: string): string | undefined {
  const [, date, clock, fraction = "."] = TIME.exec(time) ?? [];
  if (date === undefined || clock === undefined) return undefined;
  return `${date}T${clock}${fraction.padEnd(7, "0")}Z`;
}

const TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d{1,6})?\+00$/;

/** The database's clock, as far as it is known without asking again. */
export interface DatabaseClock {
  /** Takes in a time that was asked for at `askedMs`, of `performance.now()`. */
  observe(time: string, askedMs: number): void;
  /**
   * How long ago `time` was, in seconds, 0 at least: by the time that was read last and what has gone by since it was asked for, so
   * that it is rather too much than too little by the way of the answer. Nothing before the first time was read.
   */
  ageSeconds(time: string): number | undefined;
}

/** Opens a clock that knows no time yet. */
export function openDatabaseClock(
  nowMs: () => number = () => performance.now(),
): DatabaseClock {
  let last: { readonly seconds: number; readonly askedMs: number } | undefined;
  return {
    observe(time, askedMs) {
      const seconds = secondsOf(time);
      if (seconds !== undefined) last = { seconds, askedMs };
    },
    ageSeconds(time) {
      const seconds = secondsOf(time);
      if (last === undefined || seconds === undefined) return undefined;
      const now = last.seconds + (nowMs() - last.askedMs) / 1000;
      return Math.max(0, now - seconds);
    },
  };
}
