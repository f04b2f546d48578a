import { type Companion, COMPARED_AGAIN_MS } from "./companions.ts";
import type { IndexDefinition } from "./config.ts";
import { EtlError } from "./failure.ts";
import {
  findDifferent,
  findRefused,
  flip,
  type Hindrance,
  type Successor,
} from "./flip.ts";
import type { Log } from "./logging.ts";
import { fingerprint } from "./made_from.ts";
import type { Agent } from "./open_pipeline.ts";
import type { ReindexRequests } from "./reindex_requests.ts";

/** Has indexes searched that are to be, once nothing stands in the way. */
export interface FlipAttempts {
  /** Whether an index is compared just now: what the other one loses meanwhile by a sweep, it would not. */
  readonly isComparing: boolean;
  /** Has the index searched if nothing stands in the way; returns whether it is. What does is told, and answered. */
  make(companion: Companion, successor: Successor): Promise<boolean>;
}

/** Opens the attempts for one index of the configuration. */
export function openFlipAttempts(
  agent: Agent,
  { definition, requests, log, write, from, isStreaming, onFlipped }: {
    definition: IndexDefinition;
    requests: ReindexRequests;
    log: Log;
    /** Runs something while nothing writes to the index that is searched. */
    write: <Result>(action: () => Result | Promise<Result>) => Promise<Result>;
    /** The index that is searched, by its own name; none where another is by now. */
    from: () => string | undefined;
    /** Whether it has its changes by the log just now. */
    isStreaming: () => boolean;
    onFlipped: () => void;
  },
): FlipAttempts {
  const { name } = definition;
  let isComparing = false;

  /** Deletions that the log has brought to the searched one alone would come back with the other one. */
  function isBehind({ pipeline }: Successor): boolean {
    return isStreaming() && pipeline.feed?.isStreaming !== true;
  }

  function hinder(companion: Companion, hindrance: Hindrance): false {
    companion.waitsUntilMs = performance.now() + companion.waitMs;
    companion.waitMs = Math.min(2 * companion.waitMs, COMPARED_AGAIN_MS.last);
    const isTold = companion.hindrance?.why === hindrance.why;
    companion.hindrance = hindrance;
    if (!isTold) {
      const told = { name: companion.beside.name, ...hindrance };
      log.warning("the other index does not take the place yet", told);
    }
    requests.answer(name, { state: "refused", why: hindrance.why });
    return false;
  }

  async function compareAndTake(
    companion: Companion,
    successor: Successor,
  ): Promise<boolean> {
    const startedMs = performance.now();
    const refused = await findRefused(agent, successor);
    if (refused !== undefined) return hinder(companion, refused);
    // a sweep that is at work on the searched index comes to an end first
    await write(() => {
      isComparing = true;
    });
    try {
      log.info("the other index is full: comparing it with PostgreSQL", {
        name: companion.beside.name,
      });
      const { tally, hindrance } = await findDifferent(agent, successor);
      if (successor.stop.drain.aborted) return false;
      const found = hindrance ?? await findRefused(agent, successor);
      if (found !== undefined) return hinder(companion, found);
      const { documents, missing, different, extra } = tally;
      const compared = { documents, missing, different, extra };
      return await take(companion, { successor, compared, startedMs });
    } finally {
      isComparing = false;
    }
  }

  /** Flips the alias in its turn. */
  function take(
    companion: Companion,
    { successor, compared, startedMs }: {
      successor: Successor;
      compared: Readonly<Record<string, number>>;
      startedMs: number;
    },
  ): Promise<boolean> {
    return write(async () => {
      const searched = from();
      if (searched === undefined) return false;
      try {
        const isFlipped = await flip(agent, {
          successor,
          from: { name: searched },
          isReplacing: requests.find(name)?.forced ?? false,
          isBehind: () => isBehind(successor),
          stays: companion.isWayBack ? fingerprint(definition) : undefined,
        });
        if (!isFlipped) return false;
      } catch (error) {
        const isHindered = error instanceof EtlError &&
          error.failure.kind === "index-unusable";
        if (!isHindered) throw error;
        const hint = "see pg2es reindex --help";
        return hinder(companion, { why: error.message, hint });
      }
      onFlipped();
      const to = companion.beside.name;
      const seconds = Math.round(performance.now() - startedMs) / 1000;
      const told = { from: searched, to, ...compared, seconds };
      log.info("the alias was flipped", told);
      requests.answer(name, { state: "done", name: to });
      return true;
    });
  }

  return {
    get isComparing() {
      return isComparing;
    },
    async make(companion, successor) {
      if (performance.now() < companion.waitsUntilMs) return false;
      if (isBehind(successor)) return false;
      if (!companion.isWayBack) {
        return await compareAndTake(companion, successor);
      }
      const startedMs = performance.now();
      return await take(companion, { successor, compared: {}, startedMs });
    },
  };
}
