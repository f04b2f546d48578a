import { z } from "zod";

/** The place of a row in the order of changes: its stamp, then the columns of its key, as PostgreSQL's text. */
export type Place = z.infer<typeof Place>;
const Place = z.array(z.string()).min(2).readonly();

/** How far the scan of one table is within a pass. */
export type TableScan = z.infer<typeof TableScan>;
const TableScan = z.strictObject({
  /** The table's next `seen`, once the pass is done: the oldest transaction that was not finished at the pass's notice. */
  seen: z.string().regex(/^\d+$/).optional(),
  /** The last row whose documents are settled. */
  after: Place.optional(),
  /** The last row of the page whose documents are being settled, and the last of these documents. */
  upto: Place.optional(),
  after_id: z.string().optional(),
  done: z.boolean().optional(),
});

/**
 * Keys of the root table that are not settled: those after `after`, up to `upto` and with it, in the order that
 * PostgreSQL has them in; from the first, or to the last, where there is none.
 */
export type KeyRange = z.infer<typeof KeyRange>;
const KeyRange = z.strictObject({
  after: z.array(z.string()).optional(),
  upto: z.array(z.string()).optional(),
});

/** Where one index stands: everything before it is settled. */
export type Position = z.infer<typeof Position>;
export const Position = z.strictObject({
  /** The database that was read: its cluster's system identifier and its name. */
  source: z.strictObject({ system: z.string(), database: z.string() }),
  /** The index that was written. */
  index: z.strictObject({ name: z.string(), uuid: z.string() }),
  /**
   * There while the full load is not finished: the key of the last document settled, none at its beginning; or, where
   * several parts of the table are loaded side by side, what is left of them.
   */
  load: z.strictObject({
    after: z.array(z.string()).optional(),
    ranges: z.array(KeyRange).min(1).optional(),
  }).optional(),
  /** The highest number that a reading had. */
  document_version: z.string().regex(/^\d+$/).optional(),
  /** The last number that PostgreSQL gave: it goes down, or to another timeline, only when PostgreSQL fails over or goes back. */
  source_version: z.string().regex(/^\d+$/).optional(),
  /** Changes are looked for from this time on, by the database's clock. */
  low: z.string(),
  /** For each watched table: rows written by transactions older than this were seen. */
  seen: z.record(z.string(), z.string().regex(/^\d+$/)),
  /** For each watched table whose changes are ordered by a number: the highest one that was seen. */
  high: z.record(z.string(), z.string()).optional(),
  /** When all ids, and all contents, were compared last. */
  swept: z.strictObject({
    ids: z.string().optional(),
    content: z.string().optional(),
  }).optional(),
  /** Where the index follows the log, once it does. */
  wal: z.strictObject({
    /** The replication slot, and what tells its publication from others of the name. */
    slot: z.string(),
    publication: z.string(),
    /** All that was committed before this place in the log is settled. */
    lsn: z.string(),
    /** There until everything is compared: before this place changes may be missing that polling cannot see. */
    gap: z.string().optional(),
  }).optional(),
  /** There while a pass is under way. */
  scan: z.strictObject({
    /** Where the pass began to look. */
    from: z.string(),
    /** The next `low`, once the pass is done. */
    low: z.string(),
    tables: z.record(z.string(), TableScan),
  }).optional(),
});

/**
 * What a record says of a table or an index; nothing of one that is called as something that every object has.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { entryOf } from "./position.ts";
 * equal(entryOf({ film: "7" }, "film"), "7");
 * equal(entryOf({ film: "7" }, "constructor"), undefined);
 * ```
 */
export function entryOf<Value>(
  record: Readonly<Record<string, Value>> | undefined,
  name: string,
): Value | undefined {
  if (record === undefined || !Object.hasOwn(record, name)) return undefined;
  return record[name];
}
