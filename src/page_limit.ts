/** How many documents are read at once: fewer after a timeout, and more again while there is time to spare. */
export interface PageLimit {
  /** So many at most; there may be no limit. */
  readonly max: number;
  /** Takes in that so many documents were not read in this time. */
  shrink(count: number, tookMs: number): void;
  /** Takes in that so many were. */
  grow(count: number, tookMs: number): void;
}

/** Beyond any page that is asked for. */
const NO_LIMIT_FROM = 10_000;

/**
 * Opens it without a limit.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { openPageLimit } from "./page_limit.ts";
 * const limit = openPageLimit();
 * limit.shrink(1000, 60_000);
 * equal(limit.max, 500);
 * limit.grow(500, 40_000); // twice as many would not be read in time
 * equal(limit.max, 500);
 * limit.grow(500, 20_000);
 * equal(limit.max, 1000);
 * ```
 */
export function openPageLimit(): PageLimit {
  let max = Infinity;
  let timeoutMs = Infinity;
  return {
    get max() {
      return max;
    },
    shrink(count, tookMs) {
      max = Math.ceil(Math.min(max, count) / 2);
      timeoutMs = tookMs;
    },
    grow(count, tookMs) {
      // a smaller page says nothing of one at the limit
      if (count < max || tookMs > timeoutMs / 2) return;
      max = max * 2 < NO_LIMIT_FROM ? max * 2 : Infinity;
    },
  };
}
