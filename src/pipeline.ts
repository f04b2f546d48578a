import { followKeys, loadKeys, takeMarks } from "./changes.ts";
import type { Checkpoint, Position } from "./checkpoint.ts";
import type { Documents } from "./documents.ts";
import { openFlight } from "./flight.ts";
import type { Key } from "./keys.ts";
import type { Operations } from "./operations.ts";
import type { Following } from "./pass_start.ts";
import type { Page } from "./plan.ts";
import type { Outcome, Sink } from "./sink.ts";
import type { Stop } from "./stop.ts";
import type { Versions } from "./versions.ts";

/** The stages of one index, and where it stands. */
export interface Pipeline extends Omit<Following, "drain" | "kill"> {
  readonly documents: Documents;
  readonly sink: Sink;
  readonly checkpoint: Checkpoint;
  /** Which database and which index a new position is of. */
  readonly bound: Pick<Position, "source" | "index">;
  /** Called when a full load is done: the index may be searched. */
  readonly finishLoad: () => Promise<void>;
  /** How many bytes may be on their way to Elasticsearch. */
  readonly maxBytesInFlight: number;
}

/** The stages that settle documents. */
export type SettlingStages = Pick<
  Pipeline,
  "plan" | "documents" | "sink" | "checkpoint" | "versions" | "maxBytesInFlight"
>;

/** How documents were settled. */
export interface Settlement {
  /** Documents written or deleted. */
  readonly written: number;
  /** Documents of which a newer reading was there. */
  readonly superseded: number;
  readonly rejected: number;
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
  const { plan, checkpoint } = pipeline;
  const following: Following = { ...pipeline, ...stop };
  const position = checkpoint.load(plan.name) ??
    await begin(pipeline, following);
  const kind = position.load === undefined ? "follow" : "load";
  const generate = kind === "load" ? loadKeys : followKeys;
  const pages = generate(following, position);
  const settlement = await settlePages(pipeline, { pages, stop });
  const last = checkpoint.load(plan.name);
  if (kind === "load" && last?.load === undefined) await pipeline.finishLoad();
  const finished = last?.load === undefined && last?.scan === undefined &&
    !stop.drain.aborted;
  return { kind, ...settlement, finished };
}

/** The position of an index that was never loaded: its marks are on disk before the first page is read. */
async function begin(
  { plan, checkpoint, bound }: Pipeline,
  following: Following,
): Promise<Position> {
  const position = { ...bound, ...await takeMarks(following), load: {} };
  await checkpoint.save(plan.name, position, following.kill);
  return position;
}

/** The numbers to go on from. */
function numbersOf(
  { last, latest }: Versions,
): Pick<Position, "document_version" | "source_version"> {
  const source = latest === undefined ? {} : { source_version: latest };
  return { document_version: last, ...source };
}

/**
 * Reads the documents of every page and settles them.
 *
 * Pages are read ahead while requests are out; the position moves in their order, each time that everything before it is
 * settled. Dying on any line costs the work since the last save, and no document.
 */
export async function settlePages(
  pipeline: SettlingStages,
  { pages, stop }: { pages: AsyncIterable<Page<Position>>; stop: Stop },
): Promise<Settlement> {
  const { plan, checkpoint, documents, sink, versions } = pipeline;
  const total = { written: 0, superseded: 0, rejected: 0 };
  const flight = openFlight(pipeline.maxBytesInFlight, stop.kill);
  try {
    for await (const page of pages) await sendPage(page);
    await flight.landed();
    return total;
  } finally {
    await flight[Symbol.asyncDispose]();
  }

  async function sendPage({ keys, next }: Page<Position>): Promise<void> {
    await flight.keepApart(keys);
    const sent: Promise<Outcome>[] = [];
    let rest = keys;
    while (rest.length > 0) {
      await flight.makeRoom();
      const reading = await documents.read(rest, stop.kill);
      sent.push(...reading.requests.map(send), sink.record(reading.rejections));
      rest = reading.rest;
    }
    const settled = next === undefined
      ? undefined
      : { ...next, ...numbersOf(versions) };
    flight.close({ keys, sent }, (outcomes) => land(outcomes, settled));
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
      await sink.record(reading.rejections);
      rejections.push(...reading.rejections);
      rest = again;
    }
    return { written, superseded, rejections };
  }

  async function land(
    outcomes: readonly Outcome[],
    next: Position | undefined,
  ): Promise<void> {
    for (const { written, superseded, rejections } of outcomes) {
      total.written += written;
      total.superseded += superseded;
      total.rejected += rejections.length;
    }
    if (next === undefined) return;
    const isIdle = outcomes.length === 0 && next.load === undefined &&
      next.scan === undefined &&
      checkpoint.load(plan.name)?.load === undefined;
    const save = isIdle ? checkpoint.keep : checkpoint.save;
    await save(plan.name, next, stop.kill);
  }
}
