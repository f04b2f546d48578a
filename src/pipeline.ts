import { followKeys, takeMarks } from "./changes.ts";
import type { Position } from "./position.ts";
import { loadKeys } from "./load_keys.ts";
import type { LoadReads } from "./load_reads.ts";
import type { Following } from "./pass_start.ts";
import {
  numbersOf,
  type Settlement,
  settlePages,
  type SettlingStages,
} from "./settlement.ts";
import type { Stop } from "./stop.ts";

/** The stages of one index, and where it stands. */
export interface Pipeline
  extends Omit<Following, "drain" | "kill">, SettlingStages {
  /** Opens what a full load reads with in place of `source` and `documents`, where that is something else. */
  readonly openReads?: (position: Position) => LoadReads;
  /** Which database and which index a new position is of. */
  readonly bound: Pick<Position, "source" | "index">;
  /** Called when a full load has begun: its position is saved. */
  readonly beginLoad: () => Promise<void>;
  /** Called when a full load is done: the index may be searched. */
  readonly finishLoad: () => Promise<void>;
}

/** What one pass did. */
export interface Summary extends Settlement {
  readonly kind: "load" | "follow";
  /** Whether the pass came to its end, and was not drained. */
  readonly finished: boolean;
}

/** One pass: a full load where none is finished, else what changed since the last pass. */
export async function runOnce(
  pipeline: Pipeline,
  stop: Stop,
): Promise<Summary> {
  const { plan, checkpoint, telemetry } = pipeline;
  const saved = checkpoint.load(plan.name);
  const isLoaded = saved !== undefined && saved.load === undefined;
  const kind = isLoaded ? "follow" : "load";
  return await telemetry.pass(kind, () => runPass(pipeline, { kind, stop }));
}

async function runPass(
  pipeline: Pipeline,
  { kind, stop }: { kind: Summary["kind"]; stop: Stop },
): Promise<Summary> {
  const { plan, checkpoint } = pipeline;
  const following: Following = { ...pipeline, ...stop };
  const position = checkpoint.load(plan.name) ??
    await begin(pipeline, following);
  const settlement = kind === "load"
    ? await load(pipeline, { following, position, stop })
    : await settlePages(pipeline, {
      pages: followKeys(following, position),
      stop,
    });
  const last = checkpoint.load(plan.name);
  if (kind === "load" && last?.load === undefined) await pipeline.finishLoad();
  const finished = last?.load === undefined && last?.scan === undefined &&
    !stop.drain.aborted;
  return { kind, ...settlement, finished };
}

/** Settles every key of the root table. */
async function load(
  pipeline: Pipeline,
  { following, position, stop }: {
    following: Following;
    position: Position;
    stop: Stop;
  },
): Promise<Settlement> {
  const reads = pipeline.openReads?.(position);
  try {
    const { source, documents } = reads ?? pipeline;
    const { maxReaders } = pipeline;
    const options = { position, maxReaders };
    const pages = loadKeys({ ...following, source }, options);
    return await settlePages({ ...pipeline, documents }, { pages, stop });
  } finally {
    await reads?.[Symbol.asyncDispose]();
  }
}

/** The position of an index that was never loaded: its marks are on disk before the first page is read. */
async function begin(
  { plan, checkpoint, bound, versions, beginLoad }: Pipeline,
  following: Following,
): Promise<Position> {
  const marks = await takeMarks(following);
  // with the numbers, a load that is begun anew is later than what was kept elsewhere
  const position = { ...bound, ...numbersOf(versions), ...marks, load: {} };
  await checkpoint.save(plan.name, position, following.kill);
  await beginLoad();
  return position;
}
