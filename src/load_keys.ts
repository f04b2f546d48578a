import { loadOf, makeRange, splitKeys } from "./load_ranges.ts";
import type { Following } from "./pass_start.ts";
import type { Page } from "./plan.ts";
import type { KeyRange, Position } from "./position.ts";
import { readKeys } from "./table_scan.ts";

/** More parts than are read at once, so that a large one does not stay behind alone. */
const PARTS_PER_READER = 4;

/** A page that is asked for ahead of its turn. */
interface AskedPage {
  readonly lane: number;
  readonly read: ReturnType<typeof readKeys>;
}

/**
 * Every key of the root table, in ranges of which up to `maxReaders` are read side by side, each a lane in the order of the
 * keys. The next page of each is asked for ahead; a range moves on in the position by itself.
 */
export async function* loadKeys(
  { source, plan, drain, kill }: Pick<
    Following,
    "source" | "plan" | "drain" | "kill"
  >,
  { position, maxReaders }: { position: Position; maxReaders: number },
): AsyncGenerator<Page<Position>> {
  if (position.load === undefined) return;
  const { load, ...followed } = position;
  const { pageSize } = plan;
  // what is left of a range that is the last of its load is split anew
  const ranges = load.ranges ?? await splitKeys(source, plan.root, {
    after: load.after,
    maxCount: maxReaders < 2 ? 1 : maxReaders * PARTS_PER_READER,
    pageSize,
    signal: kill,
  });
  const unsettled: (KeyRange | undefined)[] = [...ranges];
  const asked: AskedPage[] = [];
  let rangeCount = 0;

  function ask(lane: number, after: readonly string[] | undefined): void {
    const upto = ranges[lane]?.upto;
    const options = { after, upto, limit: pageSize, signal: kill };
    const read = readKeys(source, plan.root, options);
    read.catch(() => {}); // thrown in its turn
    asked.push({ lane, read });
  }
  function askNextRange(): void {
    const range = ranges[rangeCount];
    if (range !== undefined) ask(rangeCount++, range.after);
  }
  /** Where the load is once a range is settled up to `after`, or to its end. */
  function moveOn(
    lane: number,
    after: readonly string[] | undefined,
  ): Position {
    unsettled[lane] = after && makeRange(after, ranges[lane]?.upto);
    const left = loadOf(unsettled.filter((range) => range !== undefined));
    return left === undefined ? followed : { ...followed, load: left };
  }

  try {
    while (asked.length < Math.min(maxReaders, ranges.length)) askNextRange();
    while (!drain.aborted) {
      const page = asked.shift();
      if (page === undefined) return;
      const { lane, read } = page;
      const { keys, last } = await read;
      const after = keys.length < pageSize ? undefined : last;
      if (after === undefined) askNextRange();
      else ask(lane, after);
      yield { keys, lane, isUnique: true, next: () => moveOn(lane, after) };
    }
  } finally {
    await Promise.allSettled(asked.map(({ read }) => read));
  }
}
