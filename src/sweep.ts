import {
  type ComparisonOptions,
  openSides,
  type Sides,
  type Step,
} from "./comparison.ts";
import { inspectIndex } from "./compared_index.ts";
import type { IndexDefinition } from "./config.ts";
import { compareDocuments } from "./document_comparison.ts";
import type { Cluster } from "./elasticsearch.ts";
import { compareEntries } from "./entry_comparison.ts";
import { mend, settleKeys } from "./mending.ts";
import { addSettlements, type Settlement } from "./settlement.ts";
import type { Pipeline, Summary } from "./pipeline.ts";
import type { Stop } from "./stop.ts";
import { openSweepSchedule, type SweepKind } from "./sweep_schedule.ts";
import { maxDeletions, openTally, type Tally, tallyStep } from "./tally.ts";

/** The sweep of one index: what polling cannot see is found by comparing everything, a slice after each pass. */
export interface Sweep extends AsyncDisposable {
  /**
   * Works for about `budgetMs` after a pass of following. Returns whether the sweep goes on after the next one: what differs
   * counts once that has been followed too.
   */
  advance(
    options: { summary: Summary; budgetMs: number; stop: Stop },
  ): Promise<boolean>;
}

/** A sweep that is under way; it is in memory only: after a restart it begins anew. */
interface Running {
  readonly kind: SweepKind;
  readonly sides: Sides;
  readonly steps: AsyncGenerator<Step>;
  readonly startedMs: number;
  readonly byContent: boolean;
  readonly tally: Tally;
  settlement: Settlement;
}

const NOTHING: Settlement = { written: 0, superseded: 0, rejected: 0 };

/** Opens the sweep that goes with `pipeline`; nothing is read before it is due. */
export function openSweep(
  { pipeline, cluster, definition }: {
    pipeline: Pipeline;
    cluster: Cluster;
    definition: IndexDefinition;
  },
): Sweep {
  const { plan, source, checkpoint, versions, log, bound } = pipeline;
  const schedule = openSweepSchedule({
    name: plan.name,
    checkpoint,
    source,
    periods: definition.sweep,
    lastVersion: () => versions.last,
  });
  let running: Running | undefined;
  let told: string | undefined;

  async function begin(
    kind: SweepKind,
    signal: AbortSignal,
  ): Promise<Running> {
    const { name } = bound.index;
    const { ingestPipeline, maxDeleteShare } = definition;
    const inspected = { name, ingestPipeline, signal };
    const { unfaithful } = await inspectIndex(cluster, inspected);
    if (unfaithful !== undefined && unfaithful !== told) {
      told = unfaithful;
      log.info("documents are compared by their ids only", {
        reason: unfaithful,
      });
    }
    const sides = openSides({ source, cluster, plan, index: name, signal });
    const byContent = kind === "content" && unfaithful === undefined;
    const steps = compare(sides, { kind, byContent, maxDeleteShare });
    const startedMs = performance.now();
    const tally = openTally();
    const settlement = NOTHING;
    return { kind, sides, steps, startedMs, byContent, tally, settlement };
  }

  /** Takes in one step; says whether it is one that a pass has to follow. */
  async function take(
    sweep: Running,
    { step, stop }: { step: Step; stop: Stop },
  ): Promise<boolean> {
    tallyStep(sweep.tally, step);
    if (step.kind === "differences" && step.differences.length > 0) {
      const { sides } = sweep;
      const mending = { stages: pipeline, sides, stop };
      const settlement = await mend(mending, step.differences);
      sweep.settlement = addSettlements(sweep.settlement, settlement);
    }
    // not counted, since its changes may be on their way, but they may be such as nobody follows
    if (step.kind === "changing") await settleKeys(pipeline, step.keys, stop);
    return step.kind === "pause";
  }

  async function finish(
    { kind, byContent, startedMs, tally, settlement }: Running,
    signal: AbortSignal,
  ): Promise<void> {
    const { missing, different, extra, incomplete, refused } = tally;
    if (incomplete !== undefined) {
      log.warning(
        "the index could not be read to its end: nothing is deleted",
        {
          reason: incomplete,
        },
      );
    }
    if (refused !== undefined) {
      log.error(
        "too many documents are not in PostgreSQL: nothing is deleted",
        {
          extra: refused.extra,
          of: refused.documents,
          remedy:
            `where this is right, run pg2es verify --index ${definition.name} --repair --force`,
        },
      );
    }
    if (incomplete !== undefined) schedule.postpone(kind);
    else await schedule.finish(kind, signal);
    const seconds = Math.round(performance.now() - startedMs) / 1000;
    const isQuiet = missing + different + extra === 0;
    log[isQuiet ? "debug" : "info"]("sweep finished", {
      compared: byContent ? "content" : "ids",
      ...{ missing, different, extra, ...settlement, seconds },
    });
  }

  return {
    async advance({ summary, budgetMs, stop }) {
      const signal = stop.kill;
      if (!summary.finished) return false;
      if (summary.kind === "load") {
        const low = checkpoint.load(plan.name)?.low;
        if (low !== undefined) await schedule.takeLoad(low, signal);
      }
      const endMs = performance.now() + budgetMs;
      while (!stop.drain.aborted) {
        if (running === undefined) {
          const kind = await schedule.next(signal);
          if (kind === undefined) return false;
          running = await begin(kind, signal);
          log.debug("sweep started", { kind });
        }
        const { value: step, done } = await running.steps.next();
        if (done) {
          await finish(running, signal);
          running = undefined;
        } else if (await take(running, { step, stop })) return true;
        if (performance.now() >= endMs) return true;
      }
      return false;
    },
    async [Symbol.asyncDispose]() {
      try {
        await running?.steps.return(undefined);
      } catch {
        // the server forgets by itself what it keeps for a reading
      }
    },
  };
}

async function* compare(
  sides: Sides,
  { kind, byContent, maxDeleteShare }: {
    kind: SweepKind;
    byContent: boolean;
    maxDeleteShare: number;
  },
): AsyncGenerator<Step> {
  const options: ComparisonOptions = { byContent, lookCount: 1 };
  if (kind !== "extra") yield* compareDocuments(sides, options);
  const limit = (totalCount: number) =>
    maxDeletions(maxDeleteShare, totalCount);
  yield* compareEntries(sides, { ...options, limit });
}
