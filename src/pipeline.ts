import { type Following, followKeys, loadKeys, takeMarks } from "./changes.ts";
import type { Checkpoint, Position } from "./checkpoint.ts";
import type { Documents } from "./documents.ts";
import { openFlight } from "./flight.ts";
import { type Operations, requestBody } from "./operations.ts";
import type { IndexPlan, Page } from "./plan.ts";
import type { Horizon } from "./horizon.ts";
import type { Source } from "./postgres.ts";
import type { Outcome, Sink } from "./sink.ts";
import type { Stop } from "./stop.ts";

/** The stages of one index, and where it stands. */
export interface Pipeline {
  readonly plan: IndexPlan;
  readonly source: Source;
  readonly horizon: Horizon;
  readonly documents: Documents;
  readonly sink: Sink;
  readonly checkpoint: Checkpoint;
  /** Which database and which index a new position is of. */
  readonly bound: Pick<Position, "source" | "index">;
  /** How many bytes may be on their way to Elasticsearch. */
  readonly maxBytesInFlight: number;
}

/** What one pass did. */
export interface Summary {
  readonly kind: "load" | "follow";
  /** Documents written or deleted. */
  readonly written: number;
  /** Documents of which a newer reading was there. */
  readonly superseded: number;
  readonly rejected: number;
  /** Whether the pass came to its end, and was not drained. */
  readonly finished: boolean;
}

/**
 * One pass: a full load where none is finished, else what changed since the last pass.
 *
 * Pages are read ahead while requests are out; the position moves in their order, each time that everything before it is
 * settled. Dying on any line costs the work since the last save, and no document.
 */
export async function runOnce(
  pipeline: Pipeline,
  stop: Stop,
): Promise<Summary> {
  const { plan, checkpoint, documents, sink } = pipeline;
  const following: Following = { ...pipeline, ...stop };
  const position = checkpoint.load(plan.name) ??
    await begin(pipeline, following);
  const kind = position.load === undefined ? "follow" : "load";
  const generate = kind === "load" ? loadKeys : followKeys;
  const total = { written: 0, superseded: 0, rejected: 0 };
  let last = position;

  const flight = openFlight(pipeline.maxBytesInFlight, stop.kill);
  try {
    for await (const page of generate(following, position)) {
      await sendPage(page);
    }
    await flight.landed();
  } finally {
    await flight[Symbol.asyncDispose]();
  }
  const finished = last.load === undefined && last.scan === undefined &&
    !stop.drain.aborted;
  return { kind, ...total, finished };

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
    flight.close({ keys, sent }, (outcomes) => land(outcomes, next));
  }

  function send(request: Operations): Promise<Outcome> {
    return flight.carry(requestBody(request).length, async () => {
      const outcome = await sink.settle(request, flight.signal);
      documents.recycle(request);
      return outcome;
    });
  }

  async function land(
    outcomes: readonly Outcome[],
    next?: Position,
  ): Promise<void> {
    let isIdle = kind === "follow" && next?.scan === undefined;
    for (const { written, superseded, rejections } of outcomes) {
      total.written += written;
      total.superseded += superseded;
      total.rejected += rejections.length;
      if (written + superseded + rejections.length > 0) isIdle = false;
    }
    if (next === undefined) return;
    last = next;
    await checkpoint[isIdle ? "keep" : "save"](plan.name, next, stop.kill);
  }
}

/** The position of an index that was never loaded: its marks are on disk before the first page is read. */
async function begin(
  { plan, checkpoint, bound }: Pipeline,
  following: Following,
): Promise<Position> {
  const position: Position = {
    ...bound,
    ...await takeMarks(following),
    load: {},
  };
  await checkpoint.save(plan.name, position, following.kill);
  return position;
}
