import type { Difference, Step } from "./comparison.ts";
import { peekDeadIds } from "./dead_letters.ts";
import { compareDocuments } from "./document_comparison.ts";
import { compareEntries } from "./entry_comparison.ts";
import {
  type Hand,
  type HandledIndex,
  openIndexes,
  openStages,
} from "./hand_tools.ts";
import { mend, type Mending } from "./mending.ts";
import { addSettlements, type Settlement } from "./settlement.ts";
import { maxDeletions, openTally, type Tally, tallyStep } from "./tally.ts";

/** How indexes are verified. */
export interface VerifyOptions {
  /** One index of the configuration; all without it. */
  readonly index?: string;
  /** Settles what differs. */
  readonly repair: boolean;
  /** Deletes however many documents are extra. */
  readonly force: boolean;
  /** How many ids of each kind are told. */
  readonly showCount: number;
  /** Called at every step. */
  readonly onProgress: (index: string, tally: Readonly<Tally>) => void;
}

/** What came of comparing one index. */
export interface Verification extends Tally {
  readonly index: string;
  /** The index by its own name. */
  readonly name: string;
  /** Whether nothing differs, or nothing any more. */
  readonly equal: boolean;
  readonly compared: "content" | "ids";
  /** Why only ids were compared. */
  readonly reason?: string;
  /** Some of the ids of each kind. */
  readonly ids: Readonly<Record<Difference["kind"], readonly string[]>>;
  /** How many of what is missing or different are dead letters, where any is. */
  readonly deadLetters?: number;
  /** How the differences were settled. */
  readonly repaired?: Settlement;
  readonly seconds: number;
}

/** A difference counts once it was there for so many more looks, with a pause before each: an agent may be running. */
const LOOK_COUNT = 3;

/** What is changed is in the index after the next pass; with a longer `fetch_delay` nobody would wait for it. */
const PAUSE_MS = { min: 500, max: 2_000 };

/** Compares indexes with their queries, one after the other; changes nothing unless it is to repair. */
export async function verifyIndexes(
  hand: Hand,
  options: VerifyOptions,
): Promise<Verification[]> {
  const verifications: Verification[] = [];
  for (const index of await openIndexes(hand, options.index)) {
    verifications.push(await verifyIndex(hand, { index, options }));
  }
  return verifications;
}

/** Waits for as long as an agent takes to follow a change. */
export async function awaitAgent({ config }: Hand): Promise<void> {
  const { min, max } = PAUSE_MS;
  const pauseMs = Math.min(Math.max(2 * config.fetchDelayMs, min), max);
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}

async function verifyIndex(
  hand: Hand,
  { index, options }: { index: HandledIndex; options: VerifyOptions },
): Promise<Verification> {
  const { plan, found: { name, unfaithful }, sides } = index;
  const startedMs = performance.now();
  const tally = openTally();
  const ids = {
    missing: [] as string[], // the elements that an empty list does not tell
    different: [] as string[], // as above
    extra: [] as string[], // as above
  };
  const { repair, showCount, onProgress } = options;
  const dead = await peekDeadIds(hand.config.rejections.file, plan.name);
  let deadLetters = 0;
  const mending: Mending | undefined = repair
    ? {
      stages: await openStages(hand, index),
      sides,
      stop: hand.stop,
    }
    : undefined;
  let repaired: Settlement | undefined = repair
    ? { written: 0, superseded: 0, rejected: 0 }
    : undefined;
  for await (const step of compare(index, options)) {
    tallyStep(tally, step);
    onProgress(plan.name, tally);
    if (step.kind === "pause") await awaitAgent(hand);
    if (step.kind !== "differences") continue;
    for (const difference of step.differences) {
      if (dead.has(nameDifference(difference))) deadLetters++;
      const list = ids[difference.kind];
      if (list.length < showCount) list.push(nameDifference(difference));
    }
    if (mending === undefined || repaired === undefined) continue;
    repaired = addSettlements(repaired, await mend(mending, step.differences));
  }
  const { missing, different, extra, incomplete, refused } = tally;
  const isMended = repaired === undefined
    ? missing + different + extra === 0
    : repaired.rejected === 0;
  return {
    index: plan.name,
    name,
    equal: isMended && incomplete === undefined && refused === undefined,
    compared: unfaithful === undefined ? "content" : "ids",
    ...(unfaithful === undefined ? {} : { reason: unfaithful }),
    ...tally,
    ids,
    ...(deadLetters === 0 ? {} : { deadLetters }),
    ...(repaired === undefined ? {} : { repaired }),
    seconds: Math.round(performance.now() - startedMs) / 1000,
  };
}

async function* compare(
  { definition, found, sides }: HandledIndex,
  { repair, force }: VerifyOptions,
): AsyncGenerator<Step> {
  const byContent = found.unfaithful === undefined;
  const options = { byContent, lookCount: LOOK_COUNT };
  yield* compareDocuments(sides, options);
  const share = definition.maxDeleteShare;
  const limit = (totalCount: number) =>
    force ? Infinity : maxDeletions(share, totalCount);
  yield* compareEntries(sides, repair ? { ...options, limit } : options);
}

function nameDifference(difference: Difference): string {
  return difference.kind === "extra" ? difference.entry.id : difference.key;
}
