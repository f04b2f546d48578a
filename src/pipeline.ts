import { followKeys, takeMarks } from "./changes.ts";
import type { Position } from "./position.ts";
import { loadKeys } from "./load_keys.ts";
import type { IndexFeed, Joined } from "./index_feed.ts";
import type { LoadReads } from "./load_reads.ts";
import type { Following } from "./pass_start.ts";
import {
  addSettlements,
  numbersOf,
  type Settlement,
  settlePages,
  type SettlingStages,
} from "./settlement.ts";
import type { Page } from "./plan.ts";
import type { Stop } from "./stop.ts";
import { besideStream, streamKeys } from "./stream_keys.ts";

/** The stages of one index, and where it stands. */
export interface Pipeline
  extends Omit<Following, "drain" | "kill">, SettlingStages {
  /** The stream of changes that PostgreSQL logs, where the index is to be followed by it. */
  readonly feed?: IndexFeed;
  /** How long a pass by the stream waits for more. */
  readonly lingerMs?: number;
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
  const { plan, checkpoint, feed } = pipeline;
  const following: Following = { ...pipeline, ...stop };
  try {
    if (kind === "follow") return await follow(pipeline, { following, stop });
    const saved = checkpoint.load(plan.name);
    // before the marks of a load: what is committed from now on comes by the stream
    const joined = await feed?.join(saved, stop.kill);
    const position = saved ?? await begin(pipeline, { following, joined });
    const isClaimed = joined !== undefined &&
      (saved === undefined || joined.isContiguous);
    // a load that the stream has left behind is caught up with once it is done
    if (!isClaimed) feed?.end();
    const settlement = await load(pipeline, {
      ...{ following, position, stop },
      joined: isClaimed ? joined : undefined,
    });
    const last = checkpoint.load(plan.name);
    if (last?.load === undefined) await pipeline.finishLoad();
    const finished = last?.load === undefined && !stop.drain.aborted;
    return { kind, ...settlement, finished };
  } catch (error) {
    feed?.end();
    throw error;
  }
}

/** Settles what changed: by the stream for as long as it lasts, else by polling, or by both where the stream has just begun. */
async function follow(
  pipeline: Pipeline,
  { following, stop }: { following: Following; stop: Stop },
): Promise<Summary> {
  const { plan, checkpoint, feed, lingerMs = 0 } = pipeline;
  let total: Settlement = { written: 0, superseded: 0, rejected: 0 };
  for (;;) {
    const position = checkpoint.load(plan.name);
    if (position === undefined) {
      throw new TypeError("Cannot follow: not loaded");
    }
    const joined = await feed?.join(position, stop.kill);
    const pages = followed({ following, position, joined, lingerMs });
    const settled = await settlePages(pipeline, { pages, stop });
    total = addSettlements(total, settled);
    const isDrained = stop.drain.aborted;
    // with another stream, or without; or with all ids, now that what was on its way has landed
    const goesOn = joined !== undefined &&
      (joined.subscription.ended.aborted || joined.documents.isAllDue);
    if (goesOn && !isDrained) continue;
    const finished = !isDrained &&
      checkpoint.load(plan.name)?.scan === undefined;
    return { kind: "follow", ...total, finished };
  }
}

function followed(
  { following, position, joined, lingerMs }: {
    following: Following;
    position: Position;
    joined: Joined | undefined;
    lingerMs: number;
  },
): AsyncIterable<Page<Position>> {
  if (joined === undefined) return followKeys(following, position);
  if (joined.isContiguous) {
    return streamKeys(following, { saved: position, joined, lingerMs });
  }
  // a position that is saved on the way says nothing of the stream
  const { wal: _, ...saved } = position;
  const options = { ...following, saved, joined, isClaimed: false };
  return besideStream(followKeys(following, saved), options);
}

/** Settles every key of the root table, with what comes by the stream meanwhile. */
async function load(
  pipeline: Pipeline,
  { following, position, joined, stop }: {
    following: Following;
    position: Position;
    joined: Joined | undefined;
    stop: Stop;
  },
): Promise<Settlement> {
  const { wal: _, ...unclaimed } = position;
  const saved = joined === undefined ? unclaimed : position;
  const reads = pipeline.openReads?.(saved);
  try {
    const { source, documents } = reads ?? pipeline;
    const { maxReaders } = pipeline;
    const options = { position: saved, maxReaders };
    const keys = loadKeys({ ...following, source }, options);
    const pages = joined === undefined
      ? keys
      : besideStream(keys, { ...following, saved, joined, isClaimed: true });
    return await settlePages({ ...pipeline, documents }, { pages, stop });
  } finally {
    await reads?.[Symbol.asyncDispose]();
  }
}

/** The position of an index that was never loaded: its marks are on disk before the first page is read. */
async function begin(
  { plan, checkpoint, bound, versions, beginLoad }: Pipeline,
  { following, joined }: { following: Following; joined: Joined | undefined },
): Promise<Position> {
  const marks = await takeMarks(following);
  if (joined !== undefined) joined.isContiguous = true;
  const position = {
    ...bound,
    // with the numbers, a load that is begun anew is later than what was kept elsewhere
    ...numbersOf(versions),
    ...marks,
    ...(joined === undefined
      ? {}
      : { wal: joined.claim(joined.subscription.from) }),
    load: {},
  };
  await checkpoint.save(plan.name, position, following.kill);
  await beginLoad();
  return position;
}
