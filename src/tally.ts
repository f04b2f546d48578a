import type { Step } from "./comparison.ts";

/** What a comparison has found so far. */
export interface Tally {
  /** Documents of the query. */
  documents: number;
  /** Documents of the index, the extra ones too. */
  indexed: number;
  missing: number;
  different: number;
  extra: number;
  /** Documents that changed while they were looked at, again and again. */
  changing: number;
  /** Documents that PostgreSQL cannot make. */
  unreadable: number;
  /** Why nothing is known of what is extra. */
  incomplete?: string;
  /** Why nothing was deleted: so many were extra of all that there are. */
  refused?: { readonly extra: number; readonly documents: number };
}

/** A tally of nothing. */
export function openTally(): Tally {
  return {
    documents: 0,
    indexed: 0,
    missing: 0,
    different: 0,
    extra: 0,
    changing: 0,
    unreadable: 0,
  };
}

/** Counts a step in. */
export function tallyStep(tally: Tally, step: Step): void {
  switch (step.kind) {
    case "documents":
      tally.documents += step.count;
      break;
    case "entries":
      tally.indexed = step.totalCount;
      break;
    case "differences":
      for (const { kind } of step.differences) tally[kind]++;
      break;
    case "changing":
    case "unreadable":
      tally[step.kind] += step.keys.length;
      break;
    case "refused":
      tally.refused = { extra: step.extraCount, documents: step.totalCount };
      break;
    case "incomplete":
      tally.incomplete = step.reason;
  }
}

/**
 * How many documents may be deleted of an index with `totalCount`: the share, but fewer than 100 always.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { maxDeletions } from "./tally.ts";
 * equal(maxDeletions(0.1, 5_000), 500);
 * equal(maxDeletions(0.1, 10), 99);
 * equal(maxDeletions(1, 10), 99);
 * ```
 */
export function maxDeletions(share: number, totalCount: number): number {
  return Math.max(99, Math.floor(share * totalCount));
}
