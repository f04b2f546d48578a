import {
  type Companion,
  COMPARED_AGAIN_MS,
  openCompanions,
} from "./companions.ts";
import type { IndexDefinition } from "./config.ts";
import { openFlipAttempts } from "./flip_attempt.ts";
import {
  type Generation,
  listGenerations,
  markGeneration,
} from "./generations.ts";
import type { Log } from "./logging.ts";
import { asMade, compareMadeFrom, fingerprint } from "./made_from.ts";
import type { Agent, OpenedIndex } from "./open_pipeline.ts";
import type { ReindexRequests } from "./reindex_requests.ts";
import type { Stop } from "./stop.ts";
import type { BesideNotice } from "./telemetry.ts";
import { makeSuccessor, removeGeneration } from "./successor_index.ts";
import { openTurns } from "./turns.ts";

/**
 * The indexes of one name over time: the one that is searched, one that is filled to take its place, and those that it took
 * the place of, which are followed for as long as they are kept.
 */
export interface Succession extends AsyncDisposable {
  /** Takes in the index that is searched, each time that it was opened; what is to be beside it is begun, or gone on with. */
  begin(opened: OpenedIndex): Promise<void>;
  /** Runs what writes to the searched index while its alias is not flipped; nothing where another is searched by now. */
  write<Result>(action: () => Promise<Result>): Promise<Result | undefined>;
  /** Whether the searched index may be swept: not while another is compared, which is to find the same. */
  readonly isSweeping: boolean;
  /** Whether an index is on its way to take the place of the searched one, or a kept one has not caught up. */
  readonly isChanging: boolean;
  /** Does what is asked for by hand, and removes what was kept for long enough. */
  attend(): Promise<void>;
}

/** Opens the succession of one index of the configuration. */
export function openSuccession(
  agent: Agent,
  { definition, requests, log, stop }: {
    definition: IndexDefinition;
    requests: ReindexRequests;
    log: Log;
    stop: Stop;
  },
): Succession {
  const { cluster, checkpoint } = agent;
  const { name } = definition;
  const signal = stop.kill;
  const telemetry = agent.telemetry.of(name);
  const turns = openTurns(telemetry);
  const companions = openCompanions(agent, {
    ...{ telemetry, log, stop },
    onLoad({ documents, total }) {
      requests.answer(name, {
        ...{ state: "begun", documents },
        ...(total === undefined ? {} : { total }),
      });
      tell();
    },
    onGivenUp({ isSuccessor }, why) {
      if (!isSuccessor) return;
      hasGivenUp = true;
      requests.answer(name, { state: "refused", why });
    },
    onCaughtUp: (companion, successor) => attempts.make(companion, successor),
  });
  const attempts = openFlipAttempts(agent, {
    ...{ definition, requests, log },
    write: turns.beside,
    from: () => isOpen ? current() : undefined,
    isStreaming: () => searched?.pipeline.feed?.isStreaming ?? false,
    onFlipped: () => {
      isOpen = false;
    },
  });
  let searched: OpenedIndex | undefined;
  let isOpen = false;
  /** Whether what the configuration says cannot be had for now: it is tried again by another start, or by hand. */
  let hasGivenUp = false;

  /** The index that is searched, by its own name. */
  function current(): string | undefined {
    return searched?.pipeline.bound.index.name;
  }

  /** Has it known what is followed beside. */
  function tell(): void {
    telemetry.accompanied(companions.all.map(noticeOf));
  }

  /** Begins what is to be beside the searched index, and goes on with what is there. */
  async function arrange({ outdated }: OpenedIndex): Promise<void> {
    const physical = current();
    const generations = await listGenerations(cluster, name, signal);
    const own = generations.find((one) => one.name === physical);
    const isRefused = own?.mark?.stays === fingerprint(definition);
    const isAlias = physical !== name;
    const isWanted = outdated !== undefined && !isRefused && isAlias &&
      definition.onChange === "reload";
    const others = generations.filter((found) => found.name !== physical);
    for (const found of others) await goOn(found, { isWanted });
    if (outdated === undefined) return;
    const { differences } = outdated;
    if (!isWanted) {
      const hint = isAlias
        ? "run pg2es reindex, or write on_change: reload"
        : "run pg2es reindex --force, which puts an alias in its place";
      log.warning(
        "the index stays as it is: what index_config.json says now needs another one",
        { name: physical, differences, hint },
      );
      return;
    }
    const isUnderWay = companions.all.some((companion) =>
      companion.isSuccessor
    );
    if (isUnderWay || hasGivenUp) return;
    log.info("another index is made beside the one that is searched", {
      name: physical,
      differences,
    });
    await succeed({ generations, isByHand: false });
  }

  /** Goes on with an index that is there. */
  async function goOn(
    { name: physical, madeFrom, mark }: Generation,
    { isWanted }: { isWanted: boolean },
  ): Promise<void> {
    if (companions.get(physical) !== undefined || mark === undefined) return;
    const { role, by_hand: isByHand = false } = mark;
    let { since } = mark;
    if (role === "searched") {
      // somebody else has moved the alias
      since = new Date().toISOString();
      const old = { role: "old", since } as const;
      await markGeneration(cluster, { name: physical, mark: old, signal });
    }
    if (role !== "next") {
      const kept = asMade(definition, madeFrom);
      const beside = { name: physical, definition: kept, isNext: false };
      companions.follow(beside, since);
      return;
    }
    const { remedy } = compareMadeFrom(madeFrom, definition);
    if ((isWanted || isByHand) && remedy !== "reload") {
      log.info("going on with the other index", { name: physical });
      const beside = { name: physical, definition, isNext: true };
      companions.follow(beside, since);
      return;
    }
    log.info("the other index is given up: the configuration is another", {
      name: physical,
    });
    await removeGeneration(agent, { name, physical });
  }

  /** Begins an index to come; one that is kept and would be the same is taken. */
  async function succeed(
    { generations, isByHand }: {
      generations: readonly Generation[];
      isByHand: boolean;
    },
  ): Promise<void> {
    const same = generations.find(({ name: physical, madeFrom }) => {
      const { remedy, isOtherQuery } = compareMadeFrom(madeFrom, definition);
      return companions.get(physical) !== undefined && remedy === undefined &&
        !isOtherQuery;
    });
    const kept = isByHand || same === undefined
      ? undefined
      : companions.get(same.name);
    if (kept !== undefined) {
      kept.isSuccessor = true;
      return;
    }
    const since = new Date().toISOString();
    const mark = {
      ...{ role: "next", since } as const,
      ...(isByHand ? { by_hand: true } : {}),
    };
    const made = await makeSuccessor(agent, { definition, mark, log });
    const beside = { name: made.name, definition, isNext: true };
    companions.follow(beside, since);
  }

  async function answerRequest(): Promise<void> {
    const request = requests.find(name);
    if (request === undefined) return;
    const successor = companions.all.find((companion) => companion.isSuccessor);
    if (request.kind === "reindex") {
      if (current() === name && !request.forced) {
        const why = "an index has the name that is to be an alias; with " +
          "--force it is deleted when the alias takes its place";
        return requests.answer(name, { state: "refused", why });
      }
      if (successor === undefined) {
        const generations = await listGenerations(cluster, name, signal);
        hasGivenUp = false;
        log.info("another index is made, as somebody asked for by hand", {
          name: current(),
        });
        await succeed({ generations, isByHand: true });
      } else if (successor.hindrance !== undefined) {
        // asked for again: perhaps what stood in the way is mended
        successor.waitsUntilMs = 0;
        successor.waitMs = COMPARED_AGAIN_MS.first;
        delete successor.hindrance;
      } else return;
      return requests.answer(name, { state: "begun" });
    }
    if (successor?.isWayBack) return;
    if (successor !== undefined) {
      await drop(successor);
      log.info("the other index is given up, as somebody asked for by hand", {
        name: successor.beside.name,
      });
      return requests.answer(name, { state: "done", name: current() ?? name });
    }
    const olds = companions.all.filter(({ beside }) => !beside.isNext);
    const last = olds.toSorted((one, other) => one.sinceMs - other.sinceMs)
      .at(-1);
    if (last === undefined) {
      const why = "no index is kept that was searched before";
      return requests.answer(name, { state: "refused", why });
    }
    Object.assign(last, { isSuccessor: true, isWayBack: true });
    requests.answer(name, { state: "begun" });
  }

  /** Stops with an index that was to come. */
  async function drop(companion: Companion): Promise<void> {
    if (!companion.beside.isNext) {
      companion.isSuccessor = false;
      return;
    }
    await companions.end(companion);
    await removeGeneration(agent, { name, physical: companion.beside.name });
  }

  async function removeExpired(): Promise<void> {
    for (const companion of companions.all) {
      const { beside, sinceMs, isSuccessor } = companion;
      const isKept = Date.now() < sinceMs + definition.keepOldMs;
      if (beside.isNext || isSuccessor || isKept) continue;
      await companions.end(companion);
      await removeGeneration(agent, { name, physical: beside.name });
      log.info("the index was kept for long enough, and is deleted", {
        name: beside.name,
      });
    }
  }

  return {
    async begin(opened) {
      searched = opened;
      isOpen = true;
      // where the one that was searched is gone, that may be one that was beside it
      const same = companions.get(opened.pipeline.bound.index.name);
      if (same !== undefined) await companions.end(same);
      await arrange(opened);
      tell();
    },
    write: (action) =>
      turns.own(async () => isOpen ? await action() : undefined),
    get isSweeping() {
      return !attempts.isComparing;
    },
    get isChanging() {
      return !isOpen ||
        companions.all.some((companion) =>
          companion.isSuccessor
            ? companion.hindrance === undefined
            : !companion.hasCaughtUp
        );
    },
    async attend() {
      companions.throwIfFailed();
      if (!isOpen || checkpoint.load(name)?.load !== undefined) return;
      await answerRequest();
      await removeExpired();
      tell();
    },
    [Symbol.asyncDispose]: () => companions[Symbol.asyncDispose](),
  };
}

function noticeOf(
  { beside, sinceMs, isSuccessor, load }: Companion,
): BesideNotice {
  return {
    name: beside.name,
    role: isSuccessor ? "next" : "old",
    since: new Date(sinceMs).toISOString(),
    ...(load === undefined ? {} : { load }),
  };
}
