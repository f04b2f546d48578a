import { EtlError } from "./failure.ts";
import { type FeedOptions, prepareSlot } from "./feed_ground.ts";
import type { StreamItem, Subscriber } from "./feed_subscription.ts";
import type { Lsn } from "./lsn.ts";
import { openWalReader } from "./pgoutput.ts";
import { openReplication, type Received } from "./postgres_replication.ts";
import { pause } from "./ticks.ts";
import { untilVisible } from "./visible_commits.ts";

/** The stream of a slot, and the indexes that it is told to. */
export interface FeedStream {
  /** Where it began: what was confirmed before. */
  readonly start: Lsn;
  /** Aborted when it has ended, and with it every subscription. */
  readonly ended: AbortSignal;
  /** Whether it ended at what was logged while there was no publication: it would again. */
  readonly isStuck: boolean;
  /** Whether it has come beyond where it began. */
  readonly hasMoved: boolean;
  readonly subscribers: ReadonlySet<Subscriber>;
  /** Whether nothing that is committed behind `lsn` has come yet. */
  isBefore(lsn: Lsn): boolean;
  /** Waits for the end of a transaction, behind `least` where that is given; returns where that is. */
  untilBoundary(least: Lsn | undefined, signal: AbortSignal): Promise<Lsn>;
  /** Has a subscriber told of all that comes; to be called at a boundary. */
  add(subscriber: Subscriber): void;
  hurry(): void;
  /** Ends it; on return the slot is free. */
  end(why: string): Promise<void>;
}

/** Those that followed before are waited for so long before anything is read. */
const GATHERING_MS = 1_000;

/** An index that holds up the others for longer leaves. */
const STALL_MS = 5_000;

const LOOK_MS = 10;

/** The first letter of the message by which a transaction begins. */
const BEGIN = "B".charCodeAt(0);

/** SQLSTATE undefined_object; PostgreSQL 18 passes over what it has no publication for. */
const NO_PUBLICATION = "42704";

/**
 * Opens the stream of the slot, which is made where it is not there.
 * @throws {FeedRefusal} or {EtlError} what keeps it from being opened.
 */
export async function openFeedStream(
  options: FeedOptions,
  { awaited, signal }: {
    /** What indexes need that have not joined yet. */
    awaited: ReadonlyMap<string, Lsn>;
    signal: AbortSignal;
  },
): Promise<FeedStream> {
  const { wal, source, secrets, log } = options;
  const start = await prepareSlot(options, signal);
  const subscribers = new Set<Subscriber>();
  const reader = openWalReader(({ schema, name }, column) =>
    [...subscribers].some(({ tables }) =>
      tables.some((table) =>
        table.name.schema === schema && table.name.name === name &&
        [...table.plan.key, ...table.formerColumns].some((one) =>
          one.name === column
        )
      )
    )
  );
  const connection = await openReplication(options.postgres, {
    ...{ slot: wal.slot, publication: wal.publication, start },
    ...{ secrets, log, signal },
  });
  const ending = new AbortController();
  let received = start;
  let isInTransaction = false;
  let isStuck = false;

  function dispatch(item: StreamItem): void {
    if (item.kind === "begin") isInTransaction = true;
    else if (item.kind === "commit") isInTransaction = false;
    for (const subscriber of subscribers) subscriber.push(item);
    const lsn = item.kind === "commit"
      ? item.endLsn
      : item.kind === "reached" && !isInTransaction
      ? item.lsn
      : received;
    if (lsn > received) received = lsn;
  }

  /** What nobody needs again is confirmed. */
  function confirm(): void {
    let least = received;
    const needs = [...subscribers].map(({ needed }) => needed);
    for (const lsn of [...needs, ...awaited.values()]) {
      if (lsn < least) least = lsn;
    }
    connection.confirm(least);
  }

  /** Waits until every index has room. */
  async function makeRoom(): Promise<void> {
    for (;;) {
      const full = [...subscribers].filter(({ isFull }) => isFull);
      if (full.length === 0 || ending.signal.aborted) return;
      const taken = full.map((subscriber) => subscriber.untilTaken());
      if (full.length === subscribers.size) {
        await Promise.race(taken);
        continue;
      }
      const late = new AbortController();
      const isLate = pause(STALL_MS, late.signal).then(() => "late");
      const first = await Promise.race([isLate, ...taken]);
      late.abort();
      if (first !== "late") continue;
      for (const subscriber of full.filter(({ isFull }) => isFull)) {
        log.info("the index is behind the others: it goes on by polling", {
          index: subscriber.name,
        });
        subscriber.end();
      }
    }
  }

  /** The transaction that begins with a message. */
  function beginningIn(item: Received): number[] {
    if (!("message" in item) || item.message[0] !== BEGIN) return [];
    const begin = reader.read(item.message);
    return begin?.kind === "begin" ? [begin.xid] : [];
  }

  function leave(subscriber: Subscriber): void {
    subscribers.delete(subscriber);
  }

  async function pump(): Promise<void> {
    const until = performance.now() + GATHERING_MS;
    while (
      (subscribers.size === 0 || awaited.size > 0) &&
      performance.now() < until && !ending.signal.aborted
    ) await pause(LOOK_MS, ending.signal);
    while (!ending.signal.aborted) {
      const items = await connection.take();
      await untilVisible(source, items.flatMap(beginningIn), ending.signal);
      // read only now: whoever has joined meanwhile wants columns of his own
      for (const item of items) {
        const told = "message" in item
          ? reader.read(item.message)
          : { kind: "reached" as const, lsn: item.reached };
        if (told !== undefined) dispatch(told);
      }
      confirm();
      await makeRoom();
    }
  }

  const pumping = pump().catch(async (error) => {
    if (ending.signal.aborted) return;
    const code = error instanceof EtlError && "code" in error.failure
      ? error.failure.code
      : undefined;
    isStuck = code === NO_PUBLICATION;
    log.warning("the stream of changes has ended: opening it again", { error });
    ending.abort();
    // whatever ended it: a connection that stays keeps the slot from the next one
    await connection[Symbol.asyncDispose]();
  });
  ending.signal.addEventListener("abort", () => {
    for (const subscriber of subscribers) subscriber.end();
  });
  // what is needed changes with time alone, too
  const confirming = setInterval(confirm, GATHERING_MS);
  const closed = ending.signal;
  closed.addEventListener("abort", () => clearInterval(confirming));

  return {
    start,
    ended: ending.signal,
    get isStuck() {
      return isStuck;
    },
    get hasMoved() {
      return received > start;
    },
    subscribers,
    isBefore: (lsn) => received <= lsn && !isInTransaction,
    async untilBoundary(least, signal) {
      while (
        (isInTransaction || least !== undefined && received < least) &&
        !ending.signal.aborted
      ) {
        connection.hurry();
        await pause(LOOK_MS, signal);
        signal.throwIfAborted();
      }
      return received;
    },
    add(subscriber) {
      subscribers.add(subscriber);
      reader.refresh();
      subscriber.ended.addEventListener("abort", () => leave(subscriber));
      if (ending.signal.aborted) subscriber.end();
    },
    hurry: () => connection.hurry(),
    async end(why) {
      log.debug("the stream of changes ends", { why });
      ending.abort();
      await connection[Symbol.asyncDispose]();
      await pumping;
    },
  };
}
