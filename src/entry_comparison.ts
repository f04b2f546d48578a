import {
  type ComparisonOptions,
  MAX_SUSPECTS,
  type Sides,
  type Step,
} from "./comparison.ts";
import { readEntries } from "./index_entries.ts";
import { readIndexed } from "./indexed_documents.ts";
import { findStrays, type Stray } from "./shown_documents.ts";

const ENTRY_PAGE_SIZE = 5_000;

/**
 * Holds every document of the index against the query: `extra` ones are found.
 *
 * With a `limit`, given how many documents there are, all are counted before the first is told; if more than that are extra,
 * none is.
 */
export async function* compareEntries(
  sides: Sides,
  { lookCount, limit }: Pick<ComparisonOptions, "lookCount"> & {
    limit?: (totalCount: number) => number;
  },
): AsyncGenerator<Step> {
  let maxCount = Infinity;
  if (limit !== undefined) {
    const held: Stray[] = [];
    let extraCount = 0;
    for await (const page of scanEntries(sides)) {
      yield page.step;
      if (page.step.kind !== "entries") return;
      const { totalCount } = page.step;
      maxCount = limit(totalCount);
      extraCount += page.strays.length;
      if (extraCount > maxCount) {
        yield { kind: "refused", extraCount, totalCount };
        return;
      }
      held.push(...page.strays.slice(0, MAX_SUSPECTS - held.length));
    }
    if (extraCount === held.length) {
      return yield* confirmStrays(sides, held, { lookCount });
    }
  }
  let confirmedCount = 0;
  for await (const strays of batchStrays(sides)) {
    if ("kind" in strays) {
      yield strays;
      continue;
    }
    for await (
      const step of confirmStrays(sides, strays.batch, { lookCount })
    ) {
      if (step.kind === "differences") {
        // the table may have been emptied since all were counted
        confirmedCount += step.differences.length;
        if (confirmedCount > maxCount) {
          const { totalCount } = strays;
          yield { kind: "refused", extraCount: confirmedCount, totalCount };
          return;
        }
      }
      yield step;
    }
  }
}

/** The index page by page, each with what of it the query does not show. */
async function* scanEntries(
  sides: Sides,
): AsyncGenerator<{ step: Step; strays: readonly Stray[] }> {
  const { cluster, index, signal } = sides;
  const pageSize = ENTRY_PAGE_SIZE;
  const pages = readEntries(cluster, { index, pageSize, signal });
  for await (const page of pages) {
    if (page.kind === "incomplete") {
      yield { step: page, strays: [] };
      return;
    }
    const { entries, totalCount } = page;
    const strays = await findStrays(sides, entries, signal);
    const count = entries.length;
    yield { step: { kind: "entries", count, totalCount }, strays };
  }
}

/** The steps of a scan, and between them its strays, gathered up. */
async function* batchStrays(
  sides: Sides,
): AsyncGenerator<Step | { batch: readonly Stray[]; totalCount: number }> {
  let batch: Stray[] = [];
  let totalCount = 0;
  for await (const { step, strays } of scanEntries(sides)) {
    yield step;
    // what was found before stays found, but nothing is deleted after an incomplete reading
    if (step.kind !== "entries") return;
    totalCount = step.totalCount;
    batch.push(...strays);
    if (batch.length < MAX_SUSPECTS) continue;
    yield { batch, totalCount };
    batch = [];
  }
  if (batch.length > 0) yield { batch, totalCount };
}

/** Looks again at strays: those that are still there, and still not shown, are extra. */
async function* confirmStrays(
  { source, plan, brief, cluster, index, signal }: Sides,
  strays: readonly Stray[],
  { lookCount }: Pick<ComparisonOptions, "lookCount">,
): AsyncGenerator<Step> {
  let open = strays;
  for (let round = 0; open.length > 0 && round < lookCount; round++) {
    yield { kind: "pause" };
    const still: Stray[] = [];
    for (let start = 0; start < open.length; start += plan.pageSize) {
      const entries = open.slice(start, start + plan.pageSize)
        .map(({ entry }) => entry);
      const withSource = false;
      const indexed = await readIndexed(cluster, {
        ...{ index, entries, withSource, signal },
      });
      const left = entries.filter((_, place) => indexed[place]?.isFound);
      const found = await findStrays({ source, plan, brief }, left, signal);
      if (round < lookCount - 1) still.push(...found);
      else {
        const differences = found.map((stray) =>
          ({ kind: "extra", ...stray }) as const
        );
        yield { kind: "differences", differences };
      }
    }
    open = still;
  }
}
