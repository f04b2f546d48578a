import { BATCH_KEYS } from "./changes.ts";
import type { ChangeBatch } from "./feed_subscription.ts";
import { openGathering } from "./gathering.ts";
import type { Joined } from "./index_feed.ts";
import type { Key } from "./keys.ts";
import { type Lsn, parseLsn } from "./lsn.ts";
import { type Following, startPass } from "./pass_start.ts";
import type { Page } from "./plan.ts";
import type { Position } from "./position.ts";
import { readFlushed } from "./postgres_slot.ts";
import { lsnOf } from "./versions.ts";

/** What a pass by the stream goes by, beside what every pass does. */
export interface Streaming {
  readonly joined: Joined;
  /** Where the index stands. */
  readonly saved: Position;
}

/** Pages of the stream are settled in their order, beside those of other lanes. */
const STREAM_LANE = -1;

/** How often it is looked whether the stream has come to where a pass is to end. */
const LOOK_MS = 20;

/** So many documents are read and sent by one page that waits for no more of them. */
type StreamedPage = { readonly keys: readonly Key[]; readonly lsn?: Lsn };

/**
 * The documents that the log tells of: what was committed before the pass began, and what comes while it lingers.
 *
 * The marks of polling move along, so that it can take over at any time: a pass begins with a notice of the open
 * transactions, and once the stream is past what was committed before that, a scan would begin there. Nothing of it holds
 * where the publication was changed meanwhile, which is looked at last.
 */
export async function* streamKeys(
  following: Following,
  { saved, joined, lingerMs }: Streaming & {
    /** How long the pass waits for more once it has found everything. */
    lingerMs: number;
  },
): AsyncGenerator<Page<Position>> {
  const { source, drain, kill } = following;
  const { scan: _, ...stood } = saved;
  const startedMs = performance.now();
  const { position, scan, now, complete } = await startPass(following, stood);
  if (position !== stood) {
    // PostgreSQL failed over or went back: the next pass looks back as far as polling does
    joined.subscription.end();
    const { wal: __, ...marks } = position;
    yield { keys: [], next: () => marks };
    return;
  }
  const { subscription } = joined;
  if (joined.hasBrought && joined.unmarked === undefined) {
    joined.unmarked = now;
    joined.hasBrought = false;
  }
  let current: Position = stood;
  let target = lsnOf(following.versions.latest ?? "0");
  let isLowered = false;
  let reached: Lsn | undefined;

  /** Waits for more; says whether the pass has found all that it was to find. */
  async function isOver(): Promise<boolean> {
    const tookMs = performance.now() - startedMs;
    if (subscription.received >= target) {
      if (tookMs >= lingerMs) {
        reached = subscription.received;
        return true;
      }
      await subscription.untilNews(lingerMs - tookMs, drain);
      return false;
    }
    if (!isLowered) {
      // what others have written and not committed may stay in memory for long
      const { lsn, delayMs } = await readFlushed(source, kill);
      isLowered = tookMs > delayMs;
      if (isLowered && lsn < target) target = lsn;
    }
    subscription.hurry();
    await subscription.untilNews(LOOK_MS, drain);
    return false;
  }

  const out = openGathering();
  for await (
    const { keys, lsn } of streamPages({
      ...{ joined, isOver, gather: out.untilLanded, defersAll: true },
      ...following,
    })
  ) {
    joined.hasBrought ||= keys.length > 0;
    if (lsn !== undefined) out.add();
    yield lsn === undefined ? { keys } : {
      keys,
      next() {
        out.land();
        return current = { ...current, wal: claim(joined, { lsn, current }) };
      },
    };
    // where changes come without an end a pass has one all the same
    const isEnough = lsn !== undefined && lsn >= target &&
      performance.now() - startedMs >= lingerMs;
    if (!isEnough) continue;
    reached = lsn;
    break;
  }
  const lsn = reached;
  if (lsn === undefined || !await subscription.verify(kill)) return;
  complete();
  const { unmarked } = joined;
  const isDue = unmarked !== undefined && scan.low >= unmarked;
  if (isDue) joined.unmarked = undefined;
  const seen = Object.entries(scan.tables).flatMap(([label, { seen }]) =>
    seen === undefined ? [] : [[label, seen] as const]
  );
  yield {
    keys: [],
    isDue,
    next: () => ({
      ...current,
      low: scan.low,
      seen: Object.fromEntries(seen),
      wal: claim(joined, { lsn, current }),
    }),
  };
}

/**
 * The pages of a load, or of a pass of polling, with those of the stream in between, so that the stream moves on.
 *
 * With `isClaimed` the position says all along how far the stream is: nothing is to be missed before. Without, it says so
 * only at the end of a pass that began after the stream did, and which found what came before; what polling cannot see of
 * that is then to be found by comparing everything.
 */
export async function* besideStream(
  pages: AsyncIterable<Page<Position>>,
  { saved, joined, isClaimed, ...following }:
    & Pick<Following, "plan" | "drain" | "kill">
    & Streaming
    & { isClaimed: boolean },
): AsyncGenerator<Page<Position>> {
  const { drain } = following;
  const { subscription } = joined;
  const { wal: _, ...marks } = saved;
  const stood = saved.wal?.lsn;
  let settled = isClaimed && stood !== undefined
    ? parseLsn(stood)
    : subscription.from;
  let latest: Position = isClaimed ? saved : marks;
  const isFresh = saved.scan === undefined;
  let gap = isClaimed ? saved.wal?.gap : undefined;

  function compose(next: Position): Position {
    const { wal: _, ...rest } = next;
    const isSaid = isClaimed || gap !== undefined;
    const wal = isSaid ? { wal: joined.claim(settled, gap) } : {};
    return latest = { ...rest, ...wal };
  }
  /** A part of what has come: where changes come without an end the load goes on all the same. */
  async function* streamed(): AsyncGenerator<Page<Position>> {
    const isOver = () => Promise.resolve(true);
    for await (
      const { keys, lsn } of streamPages({
        ...{ joined, isOver, maxBatches: 1 },
        ...following,
      })
    ) {
      yield {
        keys,
        lane: STREAM_LANE,
        ...(lsn === undefined ? {} : {
          next: () => {
            settled = lsn;
            return compose(latest);
          },
        }),
      };
    }
  }

  for await (const { next, ...page } of pages) {
    yield {
      ...page,
      isUnique: false,
      ...(next === undefined ? {} : { next: () => compose(next()) }),
    };
    yield* streamed();
  }
  if (isClaimed || drain.aborted || !isFresh) return;
  if (!await subscription.verify(following.kill)) return;
  yield {
    keys: [],
    next() {
      if (latest.scan === undefined) {
        joined.isContiguous = true;
        // pages of the stream may land after this one
        gap = joined.claim(subscription.from).lsn;
      }
      return compose(latest);
    },
  };
}

function claim(
  joined: Joined,
  { lsn, current }: { lsn: Lsn; current: Position },
): NonNullable<Position["wal"]> {
  return joined.claim(lsn, current.wal?.gap);
}

/** The documents of what comes; with the place that is settled once they are, where they are all that comes before it. */
async function* streamPages(
  {
    joined,
    isOver,
    gather = () => Promise.resolve(),
    maxBatches = Infinity,
    defersAll = false,
    ...following
  }:
    & Pick<Following, "plan" | "drain" | "kill">
    & {
      readonly joined: Joined;
      /** Called when nothing is there. */
      readonly isOver: () => Promise<boolean>;
      /** Waited for before what has come is taken. */
      readonly gather?: () => Promise<void>;
      readonly maxBatches?: number;
      /** Whether all ids wait for the next call, before which all that was read by this one has landed. */
      readonly defersAll?: boolean;
    },
): AsyncGenerator<StreamedPage> {
  function* empty(lsn: Lsn | undefined): Generator<StreamedPage> {
    const keys = documents.take();
    let start = 0;
    for (; start + plan.pageSize < keys.length; start += plan.pageSize) {
      yield { keys: keys.slice(start, start + plan.pageSize) };
    }
    const rest = keys.slice(start);
    yield lsn === undefined ? { keys: rest } : { keys: rest, lsn };
  }
  async function* emptyAll(): AsyncGenerator<StreamedPage> {
    for await (const _ of documents.addAll(kill)) {
      yield* empty(undefined);
      if (drain.aborted) return;
    }
    yield* empty(undefined);
  }
  const { plan, drain, kill } = following;
  const { subscription, documents } = joined;
  if (documents.isAllDue) yield* emptyAll();
  for (let batchCount = 0; batchCount < maxBatches; batchCount++) {
    if (drain.aborted || subscription.ended.aborted) return;
    await gather();
    const batch: ChangeBatch | undefined = subscription.take();
    if (batch === undefined) {
      if (await isOver()) return;
      continue;
    }
    for await (const _ of documents.add(batch, kill)) {
      yield* empty(undefined);
      if (drain.aborted) return;
    }
    if (documents.isAllDue && defersAll) return yield* empty(undefined);
    if (documents.isAllDue) yield* emptyAll();
    const { lsn } = batch;
    if (lsn !== undefined || documents.count >= BATCH_KEYS) yield* empty(lsn);
  }
}
