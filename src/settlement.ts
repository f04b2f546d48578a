import type { Checkpoint } from "./checkpoint.ts";
import type { Documents } from "./documents.ts";
import { openFlight } from "./flight.ts";
import type { Key } from "./keys.ts";
import { type Lsn, parseLsn } from "./lsn.ts";
import type { Operations } from "./operations.ts";
import type { IndexPlan, Page } from "./plan.ts";
import type { Position } from "./position.ts";
import type { Rate } from "./rate.ts";
import type { Outcome, Sink } from "./sink.ts";
import type { Stop } from "./stop.ts";
import type { IndexTelemetry } from "./telemetry.ts";
import type { Versions } from "./versions.ts";

/** The stages that settle documents. */
export interface SettlingStages {
  readonly plan: IndexPlan;
  readonly documents: Documents;
  readonly sink: Sink;
  readonly checkpoint: Checkpoint;
  readonly versions: Versions;
  readonly telemetry: IndexTelemetry;
  /** Is told what is on disk. */
  readonly feed?: {
    saved(position: Position): void;
    readonly savedLsn: Lsn | undefined;
  };
  /** Spaces out the reading of documents, over all indexes of the agent. */
  readonly rate: Rate;
  /** How many bytes may be on their way to Elasticsearch. */
  readonly maxBytesInFlight: number;
  /** How many pages are read at once. */
  readonly maxReaders: number;
  /**
   * How often a load saves its position at most: what came since is done again after a crash. Saved after each page, the
   * positions of 200,000 documents took 0.2 of 2.7 s of CPU.
   */
  readonly loadSavePeriodMs: number;
}

/** How documents were settled. */
export interface Settlement {
  /** Documents written or deleted. */
  readonly written: number;
  /** Documents of which a newer reading was there. */
  readonly superseded: number;
  readonly rejected: number;
}

/** How often an idle agent saves its position at most. */
const IDLE_SAVE_MS = 60_000;

/** How often one that follows the log does: what came since is done again after a crash. */
const STREAM_SAVE_MS = 1_000;

/** The log is kept for what is not saved: once it has grown by so much, an idle agent saves, too. */
const STREAM_SAVE_BYTES = 16n * 1024n * 1024n;

/**
 * A page that is not full is what a look has found, or the rest of it: it is read in so many parts, of this many documents at
 * least, so that what was committed first is in the index while the others are read. At 100 changes a second the 99th
 * percentile from commit to acknowledged is 1,033 ms so, and 1,094 ms with one part; `fetch_delay` is a second of both.
 */
const PARTS = { count: 4, minKeys: 25 };

type Numbers = Pick<Position, "document_version" | "source_version">;

/** The numbers to go on from. */
export function numbersOf({ last, latest }: Versions): Numbers {
  const source = latest === undefined ? {} : { source_version: latest };
  return { document_version: last, ...source };
}

/** A page that was read and sent. */
interface SentPage {
  /** Whether all of it was, and it was not drained while it waited for its turn. */
  readonly isWhole: boolean;
  /** What a position that is saved after it says of the numbers; those of the page that was read later count. */
  readonly numbers: Numbers & { readonly order: number };
  readonly outcomes: readonly Outcome[];
}

/**
 * Reads the documents of every page and settles them.
 *
 * Several pages are read at once while requests are out; the position moves in the order of each lane, each time that
 * everything before it is settled. Dying on any line costs the work since the last save, and no document.
 */
export async function settlePages(
  pipeline: SettlingStages,
  { pages, stop }: { pages: AsyncIterable<Page<Position>>; stop: Stop },
): Promise<Settlement> {
  const { plan, checkpoint, documents, sink, versions, rate, telemetry } =
    pipeline;
  const total = { written: 0, superseded: 0, rejected: 0 };
  const flight = openFlight(pipeline.maxBytesInFlight, stop.kill);
  const readers = new Set<Promise<void>>();
  const brokenLanes = new Set<number>();
  let isDrained = false;
  let readCount = 0;
  let landed = { order: 0, ...numbersOf(versions) };
  let fit = Infinity;
  let unsaved: Position | undefined;
  try {
    for await (const page of pages) {
      await flight.keepApart(keysApart(page));
      while (readers.size >= pipeline.maxReaders) await Promise.race(readers);
      if (isDrained) break;
      startPage(page);
    }
    await flight.landed();
    await saveRest();
    return total;
  } catch (error) {
    // what was settled is saved whatever ended the rest; what is cut off has no time for it
    if (!stop.kill.aborted) await saveRest();
    throw error;
  } finally {
    await flight[Symbol.asyncDispose]();
  }

  /** Has a page read and sent. */
  function startPage(page: Page<Position>): void {
    const { keys, lane = 0, isDue = false, next } = page;
    // its failure is noticed while the next pages are read
    const reading = flight.carry(0, () => sendPage(keys));
    const reader = reading.then(({ isWhole }) => {
      isDrained ||= !isWhole;
    }, () => {}).finally(() => readers.delete(reader));
    readers.add(reader);
    const sent = reading.then(async (page): Promise<SentPage> => {
      return { ...page, outcomes: await Promise.all(page.sent) };
    });
    const closed = { keys: keysApart(page), lane, sent: [sent] };
    flight.close(closed, async ([page]) => {
      if (page === undefined) return;
      add(page.outcomes);
      if (page.numbers.order > landed.order) landed = page.numbers;
      // what comes after a page that was not read to its end is not safe
      if (!page.isWhole) brokenLanes.add(lane);
      if (next !== undefined && !brokenLanes.has(lane)) {
        await save(next(), page.outcomes.length === 0 && !isDue);
      }
    });
  }

  /** Reads the documents of `keys` and sends them. */
  async function sendPage(keys: readonly Key[]) {
    const sent: Promise<Outcome>[] = [];
    const part = sizeOfParts(keys.length);
    let rest = keys;
    while (rest.length > 0) {
      await flight.makeRoom();
      const wanted = Math.min(rest.length, fit, part);
      const count = await rate.take(wanted, stop.drain);
      if (count === 0) break;
      const reading = await documents.read(rest.slice(0, count), flight.signal);
      const left = reading.rest.length;
      // what a reading leaves out is read twice
      if (left > 0) fit = Math.max(1, count - left);
      else if (count >= fit) fit += Math.ceil(fit / 8);
      sent.push(
        ...reading.requests.map(send),
        flight.carry(0, () => sink.record(reading.rejections, flight.signal)),
      );
      rest = [...reading.rest, ...rest.slice(count)];
    }
    const numbers = { order: ++readCount, ...numbersOf(versions) };
    return { isWhole: rest.length === 0, numbers, sent };
  }

  /** How many documents of a page one statement reads. */
  function sizeOfParts(keyCount: number): number {
    if (keyCount >= plan.pageSize) return keyCount;
    return Math.max(Math.ceil(keyCount / PARTS.count), PARTS.minKeys);
  }

  function send(request: Operations): Promise<Outcome> {
    // what its buffer takes of the memory, however little of it is used
    return flight.carry(request.buffer.length, async () => {
      const outcome = await sink.settle(request, flight.signal);
      documents.recycle(request);
      const { stale } = outcome;
      return stale === undefined ? outcome : await settleAnew(outcome, stale);
    });
  }

  /** Settles documents whose reading has become too old to be sent: a deletion since then may be forgotten. */
  async function settleAnew(
    settled: Outcome,
    stale: readonly Key[],
  ): Promise<Outcome> {
    let { written, superseded } = settled;
    const rejections = [...settled.rejections];
    let rest = stale;
    while (rest.length > 0) {
      const reading = await documents.read(rest, flight.signal);
      const again = [...reading.rest];
      for (const request of reading.requests) {
        const outcome = await sink.settle(request, flight.signal);
        documents.recycle(request);
        written += outcome.written;
        superseded += outcome.superseded;
        rejections.push(...outcome.rejections);
        again.push(...outcome.stale ?? []);
      }
      const { rejections: refused } = await sink.record(
        reading.rejections,
        flight.signal,
      );
      rejections.push(...refused);
      rest = again;
    }
    return { written, superseded, rejections };
  }

  function add(outcomes: readonly Outcome[]): void {
    for (const { written, superseded, rejections } of outcomes) {
      const rejected = rejections.length;
      total.written += written;
      total.superseded += superseded;
      total.rejected += rejected;
      telemetry.settled({ written, superseded, rejected });
    }
  }

  /** Saves what a load has settled since the last time. */
  async function saveRest(): Promise<void> {
    const rest = unsaved;
    unsaved = undefined;
    if (rest === undefined) return;
    await checkpoint.save(plan.name, rest, stop.kill);
    pipeline.feed?.saved(rest);
  }

  async function save(safe: Position, isEmpty: boolean): Promise<void> {
    const { order: _, ...numbers } = landed;
    const next = { ...safe, ...numbers };
    telemetry.moved(next);
    const maxAgeMs = ageOf(next, isEmpty);
    // what is kept in memory alone is saved at the end, where it was work
    unsaved = maxAgeMs === undefined ||
        maxAgeMs === IDLE_SAVE_MS && unsaved === undefined
      ? undefined
      : next;
    if (maxAgeMs === undefined) {
      await checkpoint.save(plan.name, next, stop.kill);
      return pipeline.feed?.saved(next);
    }
    const options = { maxAgeMs, signal: stop.kill };
    if (!await checkpoint.keep(plan.name, next, options)) return;
    pipeline.feed?.saved(next);
    // another lane may have come meanwhile
    if (unsaved === next) unsaved = undefined;
  }

  /** How long ago the last save may be for a position to be kept in memory alone; nothing where it may not. */
  function ageOf(
    { load, scan, wal }: Position,
    isEmpty: boolean,
  ): number | undefined {
    if (load !== undefined) return pipeline.loadSavePeriodMs;
    const before = checkpoint.load(plan.name);
    if (before?.load !== undefined || scan !== undefined) return undefined;
    const isStreaming = wal !== undefined && wal.gap === before?.wal?.gap;
    const lsn = pipeline.feed?.savedLsn;
    const grownBytes = wal === undefined || lsn === undefined
      ? 0n
      : parseLsn(wal.lsn) - lsn;
    if (isEmpty && grownBytes <= STREAM_SAVE_BYTES) return IDLE_SAVE_MS;
    return isStreaming ? STREAM_SAVE_MS : undefined;
  }
}

/** The keys of a page that another page may have as well. */
function keysApart({ keys, isUnique }: Page<Position>): readonly Key[] {
  return isUnique === true ? [] : keys;
}

/**
 * The counts of both.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { addSettlements } from "./settlement.ts";
 * const one = { written: 1, superseded: 0, rejected: 2 };
 * equal(addSettlements(one, one).rejected, 4);
 * ```
 */
export function addSettlements(one: Settlement, other: Settlement): Settlement {
  return {
    written: one.written + other.written,
    superseded: one.superseded + other.superseded,
    rejected: one.rejected + other.rejected,
  };
}
