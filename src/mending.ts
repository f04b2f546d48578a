import type { Difference, Sides } from "./comparison.ts";
import type { Key } from "./keys.ts";
import {
  addSettlements,
  type Settlement,
  settlePages,
  type SettlingStages,
} from "./settlement.ts";
import type { Page } from "./plan.ts";
import type { Position } from "./position.ts";
import type { Stop } from "./stop.ts";
import { openStrayDeletions } from "./stray_deletions.ts";

/** What differs is settled by this. */
export interface Mending {
  readonly stages: SettlingStages;
  readonly sides: Sides;
  readonly stop: Stop;
}

/**
 * Settles what differs: each document is read anew and indexed or deleted, whatever it was taken for, so that a comparison need
 * never be right.
 */
export async function mend(
  { stages, sides: { source, plan, brief }, stop }: Mending,
  differences: readonly Difference[],
): Promise<Settlement> {
  const strays = differences.filter((found) => found.kind === "extra");
  const { versions } = stages;
  const documents = openStrayDeletions({
    ...{ source, plan, brief, versions, strays },
  });
  const ids = new Set(strays.map(({ entry: { id } }) => id));
  const deleted = await settleKeys({ ...stages, documents }, [...ids], stop);
  // on an index of one shard the copy was the document itself
  const copies = strays.filter(({ isCopy }) => isCopy)
    .map(({ entry: { id } }) => id);
  const keys = differences.filter((found) => found.kind !== "extra")
    .map(({ key }) => key);
  const written = await settleKeys(stages, [...keys, ...new Set(copies)], stop);
  return addSettlements(deleted, written);
}

/** Reads these documents anew and settles them; no position moves. */
export async function settleKeys(
  stages: SettlingStages,
  keys: readonly Key[],
  stop: Stop,
): Promise<Settlement> {
  async function* paginate(): AsyncGenerator<Page<Position>> {
    const size = stages.plan.pageSize;
    for (let start = 0; start < keys.length; start += size) {
      yield await Promise.resolve({ keys: keys.slice(start, start + size) });
    }
  }
  return await settlePages(stages, { pages: paginate(), stop });
}
