import type { Log } from "./logging.ts";
import {
  readReindexEntry,
  type ReindexEntry,
  reindexFileOf,
  writeReindexEntry,
} from "./reindex_file.ts";

/** What somebody asks of the indexes of one name by hand. */
export type ReindexRequest = Pick<ReindexEntry, "kind" | "forced">;

/** What becomes of a request. */
export type ReindexOutcome = NonNullable<ReindexEntry["outcome"]>;

/** What is asked for by hand. */
export interface ReindexRequests {
  /** What is asked of the indexes of `index` and has no answer yet, or is being done. */
  find(index: string): ReindexRequest | undefined;
  /** Answers what is asked of them, if anything is. */
  answer(index: string, outcome: ReindexOutcome): void;
}

/** The control files are looked at this often. */
const LOOK_MS = 1_000;

/**
 * Opens the control files of these indexes. What cannot be read is told, and is no request.
 *
 * One that was begun by an agent that has ended since is taken up again.
 */
export function openReindexRequests(
  stateFile: string,
  { names, log, lookMs = LOOK_MS }: {
    names: readonly string[];
    log: Log;
    lookMs?: number;
  },
): ReindexRequests & AsyncDisposable {
  const entries = new Map<string, ReindexEntry>();
  const faults = new Map<string, string>();
  const fileOf = (index: string) => reindexFileOf(stateFile, index);
  let working: Promise<void> = lookAtAll();
  let isLooking = true;
  let writtenMs = -Infinity;
  working.finally(() => {
    isLooking = false;
  });

  async function lookAtAll(): Promise<void> {
    for (const index of names) await look(index);
  }

  async function look(index: string): Promise<void> {
    try {
      const entry = await readReindexEntry(fileOf(index));
      faults.delete(index);
      const known = entries.get(index);
      if (entry === undefined) entries.delete(index);
      else if (known?.asked !== entry.asked) entries.set(index, entry);
    } catch (error) {
      tell(index, error);
    }
  }

  async function write(index: string, answered: ReindexEntry): Promise<void> {
    try {
      const file = fileOf(index);
      // who asked may have gone, or asked anew
      const there = await readReindexEntry(file);
      if (there?.asked === answered.asked) {
        await writeReindexEntry(file, answered);
      }
    } catch (error) {
      tell(index, error);
    }
  }

  function tell(index: string, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    if (faults.get(index) !== text) {
      log.error("cannot tell what is asked for by hand", { index, error });
    }
    faults.set(index, text);
  }

  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    working = working.then(lookAtAll).finally(() => {
      isLooking = false;
    });
  }, lookMs);

  return {
    find(index) {
      const entry = entries.get(index);
      const state = entry?.outcome?.state;
      return state === "done" || state === "refused" ? undefined : entry;
    },
    answer(index, outcome) {
      const entry = entries.get(index);
      if (entry === undefined) return;
      const answered = { ...entry, outcome };
      entries.set(index, answered);
      const now = performance.now();
      const isProgress = outcome.state === "begun" &&
        entry.outcome?.state === "begun";
      if (isProgress && now - writtenMs < lookMs) return;
      writtenMs = now;
      working = working.then(() => write(index, answered));
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await working;
    },
  };
}

/** One request that is not asked for by a file; `onAnswer` gets what becomes of it. */
export function requestByHand(
  name: string,
  request: ReindexRequest,
  onAnswer: (outcome: ReindexOutcome) => void,
): ReindexRequests {
  let isAnswered = false;
  return {
    find: (index) => index === name && !isAnswered ? request : undefined,
    answer(index, outcome) {
      if (index !== name || isAnswered) return;
      isAnswered = outcome.state !== "begun";
      onAnswer(outcome);
    },
  };
}
