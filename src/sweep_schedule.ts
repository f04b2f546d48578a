import { z } from "zod";
import type { Checkpoint } from "./checkpoint.ts";
import type { IndexDefinition } from "./config.ts";
import { type Time, timeText } from "./horizon.ts";
import type { Position } from "./position.ts";
import type { Source, Statement } from "./postgres.ts";

/** What a sweep compares: everything by content, everything by ids, or, after a load, only what is extra. */
export type SweepKind = "content" | "ids" | "extra";

/** When each index is swept: what is saved are times of the database's clock. */
export interface SweepSchedule {
  /** What is to be swept now. */
  next(signal: AbortSignal): Promise<SweepKind | undefined>;
  /** Takes in that a load, begun at `start`, is finished: it has compared everything but what was deleted meanwhile. */
  takeLoad(start: Time, signal: AbortSignal): Promise<void>;
  /** Takes in that a sweep is finished. */
  finish(kind: SweepKind, signal: AbortSignal): Promise<void>;
  /** Takes in that a sweep was of no use: it is made again in a while. */
  postpone(kind: SweepKind): void;
}

const NOW: Statement<{ now: string }> = {
  label: "clock_timestamp",
  sql: `select ${timeText("clock_timestamp()")} as now`,
  row: z.object({ now: z.string() }),
};

/** What made a sweep useless, such as an index that was not whole, may be over by then. */
const POSTPONED_MS = 60_000;

/** Opens the schedule of index `name`. */
export function openSweepSchedule(
  { name, checkpoint, source, periods, lastVersion }: {
    name: string;
    checkpoint: Checkpoint;
    source: Source;
    periods: IndexDefinition["sweep"];
    /** The highest number of a reading so far. */
    lastVersion: () => string;
  },
): SweepSchedule {
  const { contentMs } = periods;
  const idsMs = periods.idsMs ?? contentMs;
  const earliestMs = { content: -Infinity, ids: -Infinity };
  /** The gap that the sweep under way closes. */
  let closing: string | undefined;
  let clock: { readonly atMs: number; readonly timeMs: number } | undefined;

  async function readClock(signal: AbortSignal): Promise<Time> {
    const [row] = await source.query(NOW, { signal });
    if (row === undefined) {
      throw new RangeError("Cannot read the clock: no row");
    }
    clock = { atMs: performance.now(), timeMs: parseTime(row.now) };
    return row.now;
  }

  async function isDue(
    last: Time | undefined,
    { periodMs, signal }: { periodMs: number; signal: AbortSignal },
  ): Promise<boolean> {
    if (last === undefined) return true;
    if (clock === undefined) await readClock(signal);
    const { atMs = 0, timeMs = 0 } = clock ?? {};
    return timeMs + performance.now() - atMs - parseTime(last) >= periodMs;
  }

  async function save(
    swept: { ids?: Time; content?: Time },
    signal: AbortSignal,
  ): Promise<void> {
    const position = checkpoint.load(name);
    if (position === undefined) return;
    const { wal, ...others } = position;
    await checkpoint.save(name, {
      ...others,
      ...(wal === undefined ? {} : { wal: closeGap(wal) }),
      document_version: lastVersion(),
      swept: { ...position.swept, ...swept },
    }, signal);
  }

  /** What polling could not see before a place is found, where all was compared since. */
  function closeGap(
    { gap, ...wal }: NonNullable<Position["wal"]>,
  ): Position["wal"] {
    return gap === undefined || gap === closing ? wal : { ...wal, gap };
  }

  return {
    async next(signal) {
      closing = undefined;
      const gap = checkpoint.load(name)?.wal?.gap;
      if (gap !== undefined && performance.now() >= earliestMs.content) {
        closing = gap;
        return "content";
      }
      if (idsMs === undefined) return undefined;
      const { ids, content } = checkpoint.load(name)?.swept ?? {};
      const now = performance.now();
      if (contentMs !== undefined && now >= earliestMs.content) {
        const periodMs = contentMs;
        if (await isDue(content, { periodMs, signal })) return "content";
      }
      if (now < earliestMs.ids) return undefined;
      // a load has just compared all that there is
      if (ids === undefined && content !== undefined) return "extra";
      if (periods.idsMs === undefined) return undefined;
      const periodMs = periods.idsMs;
      return await isDue(ids, { periodMs, signal }) ? "ids" : undefined;
    },
    takeLoad: (start, signal) => save({ content: start }, signal),
    async finish(kind, signal) {
      const now = await readClock(signal);
      const both = { ids: now, content: now };
      await save(kind === "content" ? both : { ids: now }, signal);
    },
    postpone(kind) {
      const againMs = performance.now() + POSTPONED_MS;
      earliestMs.ids = againMs;
      if (kind === "content") earliestMs.content = againMs;
    },
  };
}

/** Milliseconds since 1970 of a {@linkcode Time}. */
function parseTime(time: Time): number {
  return Date.parse(`${time.slice(0, 23).replace(" ", "T")}Z`);
}
