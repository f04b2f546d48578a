import pLimit from "p-limit";
import {
  type FeedOptions,
  FeedRefusal,
  preparePublication,
} from "./feed_ground.ts";
import { type FeedStream, openFeedStream } from "./feed_stream.ts";
import {
  openSubscriber,
  type Subscriber,
  type Subscription,
} from "./feed_subscription.ts";
import { type Lsn, parseLsn } from "./lsn.ts";
import type { IndexPlan } from "./plan.ts";
import type { Position } from "./position.ts";
import {
  fingerprintOf,
  readPublication,
  type Refusal,
} from "./postgres_publication.ts";
import { dropFreedSlot } from "./postgres_slot.ts";
import type { RetryLimits } from "./retry.ts";
import { watchSlot } from "./slot_watch.ts";
import type { SlotNotice } from "./telemetry.ts";
import { pause } from "./ticks.ts";
import { planWal, type WalPlan } from "./wal_tables.ts";

/** Where the changes come from that PostgreSQL logs: one replication slot for all indexes of an agent. */
export interface ChangeFeed extends AsyncDisposable {
  /** An index that followed the log before, and is waited for: what it needs is not confirmed, and it is not left behind. */
  expect(name: string, wal: Position["wal"]): void;
  /** It is not waited for any more. */
  dismiss(name: string): void;
  /** Has an index join, from where it stands if that is possible; nothing while it is not, with the reason. */
  join(request: JoinRequest, signal: AbortSignal): Promise<Joining>;
}

/** What an index joins with. */
export interface JoinRequest {
  readonly name: string;
  readonly plan: IndexPlan;
  /** Where it stands. */
  readonly wal: Position["wal"];
}

/** What came of it. */
export type Joining =
  | {
    readonly subscription: Subscription;
    /** Whether nothing lies between where the index stands and what the subscription brings. */
    readonly isContiguous: boolean;
  }
  | { readonly refusal: Refusal };

/** A slot waits for every transaction that is open: a pass is not held up for longer. */
const JOIN_LIMIT_MS = 3_000;

const PREPARING: Refusal = {
  reason: "the replication slot is being made",
  remedy: "Wait, or end the transactions that are open for long",
};

const ENDED: Refusal = {
  reason: "the stream of changes has ended",
  remedy: "Wait: it is opened again",
};

/** Opens the feed; nothing is asked of PostgreSQL before an index joins. */
export function openChangeFeed(
  options: FeedOptions & {
    readonly retry: RetryLimits;
    readonly onSlot: (notice: SlotNotice | undefined) => void;
  },
): ChangeFeed {
  const { wal, source, log, retry } = options;
  const inTurn = pLimit(1);
  const closing = new AbortController();
  const plans = new WeakMap<IndexPlan, WalPlan>();
  const pending = new Set<string>();
  const awaited = new Map<string, Lsn>();
  let stream: FeedStream | undefined;
  let opening: Promise<FeedStream> | undefined;
  let freeing: Promise<void> | undefined;
  let failureCount = 0;
  let notBeforeMs = -Infinity;
  let last: Refusal = PREPARING;
  // from now on: an index that cannot join keeps the log as well
  const watch = watchSlot(options, {
    signal: closing.signal,
    onNotice: options.onSlot,
    async onFull(drop) {
      await stream?.end("its slot is given up");
      await drop();
      wait();
    },
  });

  function wait(): void {
    const delayMs = retry.minDelayMs * retry.multiplier ** failureCount++;
    notBeforeMs = performance.now() + Math.min(delayMs, retry.maxDelayMs);
  }

  /** Gives up a slot that cannot be read on; another one is made by whoever joins next. */
  async function free(): Promise<void> {
    const { secrets, postgres } = options;
    const { signal } = closing;
    try {
      const dropping = { name: wal.slot, secrets, log, signal };
      await dropFreedSlot(postgres, dropping);
    } catch (error) {
      log.debug("the replication slot cannot be dropped", { error });
    }
  }

  /** The stream that runs, or one that is opened from where the slot is. */
  async function run(): Promise<FeedStream> {
    if (stream !== undefined && !stream.ended.aborted) return stream;
    await freeing;
    opening ??= openFeedStream(options, {
      awaited,
      signal: closing.signal,
    }).finally(() => {
      opening = undefined;
    });
    stream = await opening;
    const { ended } = stream;
    const current = stream;
    ended.addEventListener("abort", () => {
      if (current.hasMoved) failureCount = 0;
      if (current.isStuck) freeing = free();
      last = ENDED;
      wait();
    }, { once: true });
    return stream;
  }

  async function subscribe(
    { name, plan, wal: stood }: JoinRequest,
    signal: AbortSignal,
  ): Promise<Joining> {
    const walPlan = plans.get(plan) ?? await planWal(source, plan, signal);
    if (!plans.has(plan)) tellBlindSpots(name, walPlan);
    plans.set(plan, walPlan);
    if (walPlan.refusal !== undefined) throw new FeedRefusal(walPlan.refusal);
    const tables = walPlan.tables.map(({ plan: { from } }) => from);
    const publishing = { tables, signal };
    const { fingerprint, changedLsn } = await preparePublication(
      options,
      publishing,
    );
    const lsn = stood?.slot === wal.slot && stood.publication === fingerprint
      ? parseLsn(stood.lsn)
      : undefined;
    let current = await run();
    if (lsn !== undefined && lsn >= current.start && !current.isBefore(lsn)) {
      // it went on without this one, which can be given what it needs
      for (const subscriber of current.subscribers) {
        awaited.set(subscriber.name, subscriber.needed);
      }
      awaited.set(name, lsn);
      await current.end("another index joins");
      current = await run();
    }
    const isContiguous = lsn !== undefined && lsn >= current.start &&
      current.isBefore(lsn);
    const from = isContiguous
      ? lsn
      : await current.untilBoundary(changedLsn, signal);
    const subscriber: Subscriber = openSubscriber({
      ...{ name, tables: walPlan.tables, from, publication: fingerprint },
      hurry: () => current.hurry(),
      async verify(signal) {
        const found = await readPublication(source, wal.publication, signal);
        const isSame = found?.isWhole === true &&
          fingerprintOf(found, tables) === fingerprint;
        if (!isSame && !subscriber.ended.aborted) {
          log.warning(
            "the publication was changed: changes are looked for by polling",
            { index: name, publication: wal.publication },
          );
          subscriber.end();
          plans.delete(plan);
        }
        return !subscriber.ended.aborted;
      },
      onUntold({ plan: { from: table } }) {
        if (subscriber.ended.aborted) return;
        log.warning(
          "the log does not tell the key of a row: changes are looked for by polling",
          { index: name, table },
        );
        subscriber.end();
        plans.delete(plan);
      },
    });
    current.add(subscriber);
    awaited.delete(name);
    return { subscription: subscriber, isContiguous };
  }

  function tellBlindSpots(name: string, { blindSpots }: WalPlan): void {
    for (const { table, columns, remedy } of blindSpots) {
      log.warning(
        "what rows were before a change is not in the log: what depends on it waits for the sweep",
        { index: name, table, columns, remedy },
      );
    }
  }

  async function attempt(
    request: JoinRequest,
    signal: AbortSignal,
  ): Promise<Joining> {
    if (performance.now() < notBeforeMs) return { refusal: last };
    try {
      return await subscribe(request, signal);
    } catch (error) {
      // such as where the writer lock is lost, which ends what was asked for
      signal.throwIfAborted();
      last = error instanceof FeedRefusal ? error.refusal : {
        reason: error instanceof Error ? error.message : String(error),
        remedy: "See the log of PostgreSQL",
      };
      wait();
      return { refusal: last };
    }
  }

  return {
    expect(name, stood) {
      if (stood?.slot === wal.slot) awaited.set(name, parseLsn(stood.lsn));
    },
    dismiss(name) {
      awaited.delete(name);
    },
    async join(request, signal) {
      // one that is waited for already: a slot may wait for hours
      if (pending.has(request.name)) return { refusal: PREPARING };
      pending.add(request.name);
      const late = new AbortController();
      const until = AbortSignal.any([signal, closing.signal]);
      const joining = inTurn(() => attempt(request, until))
        .finally(() => pending.delete(request.name));
      const refused = pause(JOIN_LIMIT_MS, late.signal)
        .then((): Joining => ({ refusal: PREPARING }));
      try {
        const first = await Promise.race([joining, refused]);
        if ("refusal" in first) {
          // one that comes later has nobody who takes it
          joining.then((joined) => {
            if ("subscription" in joined) joined.subscription.end();
          }, () => {});
        }
        return first;
      } finally {
        late.abort();
      }
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await watch[Symbol.asyncDispose]();
      await freeing;
      await opening?.catch(() => {});
      await stream?.end("the agent stops");
      options.onSlot(undefined);
    },
  };
}
