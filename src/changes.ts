import { entryOf, type Position, type TableScan } from "./position.ts";
import type { Key } from "./keys.ts";
import { type Following, startPass } from "./pass_start.ts";
import type { Page, TablePlan } from "./plan.ts";
import { readDocumentKeys } from "./reached_documents.ts";
import { type ChangeRange, readChanges, readHighest } from "./table_scan.ts";

/**
 * Changed documents are gathered up to this many before they are read, so that many changes of one document cost
 * one reading, and a change that reaches very many documents costs this much memory (100 bytes a key) and no more.
 */
export const BATCH_KEYS = 10_000;

/**
 * Where following goes on from once a load is finished that begins now: taken before the load's first page, so
 * that whatever is written during the load is found again.
 */
export async function takeMarks(
  { source, plan, horizon, versions, kill }: Following,
): Promise<Pick<Position, "low" | "seen" | "high">> {
  const notice = await horizon.note(source, { signal: kill });
  versions.observe(notice.version);
  notice.complete();
  const seen = plan.tables.map(({ label }) => [label, notice.seen] as const);
  const high: Record<string, string> = {};
  for (
    const table of plan.tables.filter(({ stamp }) => stamp.kind === "number")
  ) {
    const highest = await readHighest(source, table, kill);
    if (highest !== undefined) high[table.label] = highest;
  }
  return { low: notice.low, seen: Object.fromEntries(seen), high };
}

/**
 * The documents changed since `position`, table by table in turn, so that a table with many changes does not hold
 * up the others. The last page of each batch carries the position that is safe once it and those before it are settled.
 *
 * A pass that was interrupted goes on where it was; what was committed meanwhile is found by the next one, since a
 * pass ends with the marks of its own beginning.
 */
export async function* followKeys(
  following: Following,
  saved: Position,
): AsyncGenerator<Page<Position>> {
  const { source, plan, probe, drain, kill } = following;
  const { position, scan, lookbackMs, complete } = await startPass(
    following,
    saved,
  );
  const { from, low, tables } = scan;
  const cursors = plan.tables.map((table): Cursor => ({
    table,
    state: { ...tables[table.label] },
  }));
  if (position.scan === undefined) await passOverQuiet();
  const batch = new Set<Key>();
  let open = cursors.filter(({ state }) => !state.done);
  while (open.length > 0 && !drain.aborted) {
    for (const cursor of open) {
      const keys = await advance(cursor);
      for (const key of keys) batch.add(key);
      if (batch.size >= BATCH_KEYS) yield* emptyBatch();
    }
    open = open.filter(({ state }) => !state.done);
  }
  yield* emptyBatch();
  if (open.length === 0) complete();

  /** Ends the scans before they begin that would find nothing. */
  async function passOverQuiet(): Promise<void> {
    const looks = cursors.map(({ table }) => ({
      table,
      range: rangeOf(table),
    }));
    const quiet = await probe.findQuiet(source, looks, { signal: kill });
    for (const { table, state } of cursors) {
      if (quiet.has(table)) state.done = true;
    }
  }

  function rangeOf({ label }: TablePlan): ChangeRange {
    return {
      from,
      lookbackMs,
      high: entryOf(position.high, label),
      seen: entryOf(position.seen, label),
    };
  }

  /** Takes one step of a table: a page of its changes, or more of the documents that its last page reaches. */
  async function advance(cursor: Cursor): Promise<readonly Key[]> {
    cursor.page ??= await readPage(cursor);
    const { table, state, page } = cursor;
    if (table.documentIds === undefined) {
      finishPage(cursor);
      return page.keys;
    }
    if (page.keys.length === 0) {
      finishPage(cursor);
      return [];
    }
    const keys = await readDocumentKeys(source, { table, root: plan.root }, {
      keys: page.keys,
      after: state.after_id,
      limit: BATCH_KEYS,
      signal: kill,
    });
    const last = keys.at(-1);
    if (keys.length < BATCH_KEYS || last === undefined) finishPage(cursor);
    else state.after_id = last;
    return keys;
  }

  async function readPage({ table, state }: Cursor): Promise<ChangedPage> {
    const startedMs = performance.now();
    const rows = await readChanges(source, table, {
      ...rangeOf(table),
      after: state.after,
      upto: state.upto,
      limit: plan.pageSize,
      signal: kill,
    });
    if (state.after === undefined) {
      const tookMs = performance.now() - startedMs;
      probe.learn(table, { isEmpty: rows.length === 0, tookMs });
    }
    // a page that was interrupted ends where it ended: what has left it since is found by the next pass
    const isLast = state.upto === undefined && rows.length < plan.pageSize;
    const last = rows.at(-1);
    if (last !== undefined) state.upto ??= last.place;
    return { keys: rows.map(({ key }) => key), isLast };
  }

  function finishPage(cursor: Cursor): void {
    const { state, page } = cursor;
    if (state.upto !== undefined) state.after = state.upto;
    if (page?.isLast) state.done = true;
    delete state.upto;
    delete state.after_id;
    delete cursor.page;
  }

  /** Empties the batch into pages; the last one carries the position. */
  function* emptyBatch(): Generator<Page<Position>> {
    const keys = [...batch];
    batch.clear();
    let start = 0;
    for (; start + plan.pageSize < keys.length; start += plan.pageSize) {
      yield { keys: keys.slice(start, start + plan.pageSize) };
    }
    const next = safePosition();
    yield { keys: keys.slice(start), next: () => next };
  }

  /** What is safe once the batch is settled; a copy, since the cursors move on while it is. */
  function safePosition(): Position {
    const states = cursors.map(({ table: { label }, state }) =>
      [label, { ...state }] as const
    );
    const { scan: _, ...rest } = position;
    if (states.some(([, { done }]) => !done)) {
      return {
        ...rest,
        scan: { from, low, tables: Object.fromEntries(states) },
      };
    }
    // a table that is watched since the pass began has none: all its rows count
    const seen = states.flatMap(([label, { seen }]) =>
      seen === undefined ? [] : [[label, seen] as const]
    );
    const high = { ...rest.high };
    for (const { table: { label, stamp }, state: { after } } of cursors) {
      const last = after?.[0];
      if (stamp.kind === "number" && last !== undefined) high[label] = last;
    }
    return { ...rest, low, seen: Object.fromEntries(seen), high };
  }
}

/** Where the scan of a table is, and its page at hand. */
interface Cursor {
  readonly table: TablePlan;
  readonly state: TableScan;
  page?: ChangedPage;
}

/** The keys of a page of changed rows; `isLast` when the table has no more. */
interface ChangedPage {
  readonly keys: readonly Key[];
  readonly isLast: boolean;
}
