import { type Beside, endsAll, followBeside } from "./beside.ts";
import type { Hindrance, Successor } from "./flip.ts";
import type { Log } from "./logging.ts";
import type { Agent } from "./open_pipeline.ts";
import type { LoadState } from "./progress.ts";
import type { Stop } from "./stop.ts";
import type { IndexTelemetry } from "./telemetry.ts";

/** An index that is followed beside the one that is searched, and what is to become of it. */
export interface Companion {
  readonly beside: Beside;
  readonly sinceMs: number;
  /** Resolves when it is not followed any more. */
  readonly ended: Promise<void>;
  readonly stopping: AbortController;
  /** Whether it is to be searched as soon as it has caught up: the next one, or the one that was before. */
  isSuccessor: boolean;
  isWayBack: boolean;
  /** Whether it has had all that there was to follow. */
  hasCaughtUp: boolean;
  /** How far its load is, while it has one. */
  load?: LoadState;
  /** Until when it is not compared again, for how long that is, and why. */
  waitsUntilMs: number;
  waitMs: number;
  hindrance?: Hindrance;
}

/** Those of one name. */
export interface Companions extends AsyncDisposable {
  readonly all: readonly Companion[];
  get(physical: string): Companion | undefined;
  /** Begins to follow an index that was marked at `since`, in ISO 8601. */
  follow(beside: Beside, since: string): Companion;
  /** Ends that; on return nothing of it is on its way. */
  end(companion: Companion): Promise<void>;
  /** Throws what has ended one of them that ends everything. */
  throwIfFailed(): void;
}

/** What stands in the way of a flip may take a while to go, and everything is read for a comparison: each time it waits longer. */
export const COMPARED_AGAIN_MS = { first: 60_000, last: 3_600_000 };

/** Opens the companions of one index of the configuration. */
export function openCompanions(
  agent: Agent,
  { telemetry, log, stop, onLoad, onGivenUp, onCaughtUp }: {
    /** That of the index that they are beside of. */
    telemetry: Pick<IndexTelemetry, "beside" | "awaitBeside">;
    log: Log;
    stop: Stop;
    /** Called now and then while one is loaded. */
    onLoad: (state: LoadState) => void;
    /** Called when one is not followed any more for what time cannot mend. */
    onGivenUp: (companion: Companion, why: string) => void;
    /** Called when one that is to be searched has caught up; returns whether it is searched now. */
    onCaughtUp: (
      companion: Companion,
      successor: Successor,
    ) => Promise<boolean>;
  },
): Companions {
  const followed = new Map<string, Companion>();
  let failure: { readonly error: unknown } | undefined;

  async function run(companion: Companion): Promise<void> {
    const { beside, stopping } = companion;
    const drain = AbortSignal.any([stop.drain, stopping.signal]);
    const running = { drain, kill: stop.kill };
    try {
      await followBeside(agent, {
        ...{ beside, log: log.with({ beside: beside.name }), stop: running },
        isSweeping: () => !companion.isSuccessor,
        onLoad(state) {
          companion.load = state;
          onLoad(state);
        },
        async afterPass({ pipeline, summary, pass }) {
          delete companion.load;
          if (!summary.finished || summary.kind === "load") return false;
          companion.hasCaughtUp = true;
          if (!companion.isSuccessor) return false;
          const { definition } = beside;
          const successor = { pipeline, definition, pass, stop: running };
          return await onCaughtUp(companion, successor);
        },
      });
    } catch (error) {
      if (endsAll(error, stop)) failure ??= { error };
      else giveUp(companion, error);
    } finally {
      followed.delete(beside.name);
    }
  }

  /** What cannot be mended of an index beside does not end the one that is searched. */
  function giveUp(companion: Companion, error: unknown): void {
    const { name, isNext } = companion.beside;
    log.error(
      isNext
        ? "the other index cannot be filled: going on with the one that is searched"
        : "the index that was kept is not followed any more",
      { name, error },
    );
    onGivenUp(
      companion,
      error instanceof Error ? error.message : String(error),
    );
  }

  async function end({ stopping, ended }: Companion): Promise<void> {
    const wait = telemetry.awaitBeside();
    stopping.abort();
    try {
      await ended;
    } finally {
      wait[Symbol.dispose]();
    }
  }

  return {
    get all() {
      return [...followed.values()];
    },
    get: (physical) => followed.get(physical),
    follow(beside, since) {
      const begun = Promise.withResolvers<void>();
      const companion: Companion = {
        beside,
        sinceMs: Date.parse(since),
        ended: begun.promise,
        stopping: new AbortController(),
        isSuccessor: beside.isNext,
        isWayBack: false,
        hasCaughtUp: false,
        waitsUntilMs: 0,
        waitMs: COMPARED_AGAIN_MS.first,
      };
      followed.set(beside.name, companion);
      telemetry.beside(() => run(companion))
        .then(begun.resolve, begun.reject);
      return companion;
    },
    end,
    throwIfFailed() {
      if (failure !== undefined) throw failure.error;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...followed.values()].map(end));
    },
  };
}
