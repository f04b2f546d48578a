import { switchAlias } from "./aliases.ts";
import { inspectIndex } from "./compared_index.ts";
import { openSides, type Step } from "./comparison.ts";
import { compareDocuments } from "./document_comparison.ts";
import { compareEntries } from "./entry_comparison.ts";
import { exchangePositions, type Standings } from "./flip_positions.ts";
import { markGeneration } from "./generations.ts";
import { refreshIndex } from "./index_requests.ts";
import type { IndexDefinition } from "./config.ts";
import { mend, settleKeys } from "./mending.ts";
import type { Pipeline, Summary } from "./pipeline.ts";
import type { Stop } from "./stop.ts";
import { maxDeletions, openTally, type Tally, tallyStep } from "./tally.ts";

/** An index that is to take the place of the one that is searched. */
export interface Successor {
  readonly pipeline: Pipeline;
  readonly definition: IndexDefinition;
  /** Follows what changed since the last time. */
  readonly pass: () => Promise<Summary>;
  readonly stop: Stop;
}

/** Why an index may not take the place of the one that is searched: what is wrong, and what to do about it. */
export interface Hindrance {
  readonly why: string;
  readonly hint: string;
}

/**
 * Documents that the successor refuses and the searched index does not: nobody would find them any more.
 */
export async function findRefused(
  { deadLetters, stop }: Pick<Standings, "deadLetters" | "stop">,
  { pipeline: { plan }, definition }: Successor,
): Promise<Hindrance | undefined> {
  const letters = await deadLetters.list(stop.kill);
  const known = new Set(
    letters.filter(({ index }) => index === definition.name)
      .map(({ id }) => id),
  );
  const refused = letters.filter(({ index, id }) =>
    index === plan.name && !known.has(id)
  );
  const [first] = refused;
  if (first === undefined) return undefined;
  const field = first.field === undefined ? "" : ` of field ${first.field}`;
  return {
    why: `it refuses ${refused.length} documents that the other one has, ` +
      `the first for ${first.type}${field}`,
    hint: "mend these rows, or take the change of index_config.json back",
  };
}

/**
 * Holds every document of the query against the successor, by content where it keeps that, and the other way round; what
 * differs is settled. Returns what stands in the way of the flip after that.
 */
export async function findDifferent(
  { cluster }: Pick<Standings, "cluster">,
  { pipeline, definition, pass, stop }: Successor,
): Promise<{ readonly tally: Tally; readonly hindrance?: Hindrance }> {
  const { plan, source, checkpoint, bound } = pipeline;
  const { name } = bound.index;
  const signal = stop.kill;
  const { ingestPipeline } = definition;
  const found = await inspectIndex(cluster, { name, ingestPipeline, signal });
  const byContent = found.unfaithful === undefined;
  const sides = openSides({ source, cluster, plan, index: name, signal });
  const limit = (totalCount: number) =>
    maxDeletions(definition.maxDeleteShare, totalCount);
  async function* compare(): AsyncGenerator<Step> {
    const options = { byContent, lookCount: 1 };
    yield* compareDocuments(sides, options);
    yield* compareEntries(sides, { ...options, limit });
  }
  const tally = openTally();
  const start = checkpoint.load(plan.name)?.low;
  for await (const step of compare()) {
    signal.throwIfAborted();
    if (stop.drain.aborted) break;
    tallyStep(tally, step);
    if (step.kind === "pause") await pass();
    if (step.kind === "changing") await settleKeys(pipeline, step.keys, stop);
    if (step.kind !== "differences" || step.differences.length === 0) continue;
    await mend({ stages: pipeline, sides, stop }, step.differences);
  }
  const { incomplete, refused } = tally;
  if (incomplete !== undefined) {
    const hint = "it is compared again in a while";
    return { tally, hindrance: { why: incomplete, hint } };
  }
  if (refused !== undefined) {
    const why = `${refused.extra} of its ${refused.documents} documents are ` +
      "not in PostgreSQL, more than max_delete allows";
    const hint = "look at the document query, then raise max_delete";
    return { tally, hindrance: { why, hint } };
  }
  const position = checkpoint.load(plan.name);
  if (position !== undefined && start !== undefined) {
    const swept = { ids: start, content: start };
    await checkpoint.save(plan.name, { ...position, swept }, signal);
  }
  return { tally };
}

/**
 * Lets people search the successor in place of `from`, while nobody writes to that. What was acknowledged there can be
 * searched here before the alias is flipped; returns false where that is stopped before.
 *
 * Dying on any line, the alias tells the next run which of the two is searched, and both are as they have to be.
 * @throws {EtlError} `lock-lost` right before the flip, which no version protects; `index-unusable` when somebody else has
 * changed the alias.
 */
export async function flip(
  standings: Standings,
  { successor, from, isReplacing = false, isBehind = () => false, stays }: {
    successor: Successor;
    from: { readonly name: string };
    /** Whether an index that has the plain name is deleted in the same step. */
    isReplacing?: boolean;
    /** Whether the last pass may not have seen all that the searched one has by the log. */
    isBehind?: () => boolean;
    /** For a way back: what is not to take its place in turn, as the fingerprint of what that is made from. */
    stays?: string | undefined;
  },
): Promise<boolean> {
  const { cluster, checkpoint, deadLetters } = standings;
  const { pipeline, definition, pass, stop } = successor;
  const { name } = definition;
  const target = pipeline.bound.index;
  const signal = stop.kill;
  // this sees whatever the searched one has, since its last pass is over
  for (;;) {
    const { finished } = await pass();
    if (finished) break;
    if (stop.drain.aborted) return false;
  }
  if (isBehind()) return false;
  await refreshIndex(cluster, { name: target.name, signal });
  const since = new Date().toISOString();
  const position = checkpoint.load(name);
  const beside = checkpoint.load(target.name);
  if (position === undefined || beside === undefined) return false;
  if (from.name !== name) {
    const letters = await deadLetters.list(signal);
    const copies = letters.filter(({ index }) => index === name)
      .map(({ id, ...letter }) => ({ key: id, ...letter }));
    await deadLetters.of(from.name).record(copies, signal);
    const mark = { role: "old", since } as const;
    await markGeneration(cluster, { name: from.name, mark, signal });
  }
  await switchAlias(cluster, {
    ...{ name, target, from: from.name, isReplacing, signal },
  });
  // the way back is not compared before: what a sweep found in the other one alone is found after it
  const { swept = {}, ...others } = beside;
  const next = stays === undefined ? { ...others, swept } : others;
  await exchangePositions(standings, { name, position, beside: next });
  const mark = { role: "searched", since } as const;
  await markGeneration(cluster, {
    name: target.name,
    mark: stays === undefined ? mark : { ...mark, stays },
    signal,
  });
  return true;
}
