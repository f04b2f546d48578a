import type { Key } from "./keys.ts";

/** Bulk operations of one request, in a row: what is sent is the bytes from the first's start to the last's end. */
export interface Operations {
  readonly buffer: Uint8Array;
  readonly entries: readonly Entry[];
  /** When they were read, by `performance.now()`; unknown counts as now. */
  readonly readAtMs?: number;
  /** The number of the reading, which each of them bears. */
  readonly version?: string;
}

/** One operation: the key of its document, and where it stands in the buffer. */
export interface Entry {
  readonly key: Key;
  readonly start: number;
  readonly end: number;
}

/** A document that is refused for good: what of it may be logged. */
export interface Rejection {
  readonly key: Key;
  readonly type: string;
  readonly field?: string;
}

/** A document that is refused for good, with what quotes its values: for the dead letters alone, never for the log. */
export interface RefusedDocument extends Rejection {
  /** Elasticsearch's own words. */
  readonly reason?: string;
  /** The number of the reading that was refused. */
  readonly version?: string;
  /** Its source as JSON text, as it was sent; none where it could not be read, or was to be deleted. */
  readonly document?: string;
}

/** What of a refused document may be logged. */
export function rejectionOf(
  { key, type, field }: RefusedDocument,
): Rejection {
  return field === undefined ? { key, type } : { key, type, field };
}

/** The body of the request. */
export function requestBody({ buffer, entries }: Operations): Uint8Array {
  return buffer.subarray(entries[0]?.start ?? 0, entries.at(-1)?.end ?? 0);
}

/**
 * The operations for which `isKept` holds, moved together at the buffer's beginning.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { keepOperations, requestBody } from "./operations.ts";
 * const buffer = new TextEncoder().encode("aabbcc");
 * const entries = ["a", "b", "c"].map((key, n) => ({ key, start: 2 * n, end: 2 * n + 2 }));
 * const kept = keepOperations({ buffer, entries }, ({ key }) => key !== "b");
 * equal(new TextDecoder().decode(requestBody(kept)), "aacc");
 * ```
 */
export function keepOperations(
  { buffer, entries, ...rest }: Operations,
  isKept: (entry: Entry, index: number) => boolean,
): Operations {
  const kept: Entry[] = [];
  let used = 0;
  for (const [index, entry] of entries.entries()) {
    if (!isKept(entry, index)) continue;
    const length = entry.end - entry.start;
    buffer.copyWithin(used, entry.start, entry.end);
    kept.push({ key: entry.key, start: used, end: used + length });
    used += length;
  }
  return { ...rest, buffer, entries: kept };
}

/** The two halves of operations that are at least two. */
export function halveOperations(operations: Operations): Operations[] {
  const { entries } = operations;
  const middle = Math.ceil(entries.length / 2);
  return [
    { ...operations, entries: entries.slice(0, middle) },
    { ...operations, entries: entries.slice(middle) },
  ];
}

/**
 * The first operations that are at most `maxBytes` together, at least one, and the others.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { splitOperations } from "./operations.ts";
 * const entries = ["a", "b", "c"].map((key, n) => ({ key, start: 2 * n, end: 2 * n + 2 }));
 * const parts = splitOperations({ buffer: new Uint8Array(6), entries }, 5);
 * deepEqual(parts.map(({ entries }) => entries.map(({ key }) => key)), [["a", "b"], ["c"]]);
 * ```
 */
export function splitOperations(
  operations: Operations,
  maxBytes: number,
): [Operations, Operations] {
  const { entries } = operations;
  const start = entries[0]?.start ?? 0;
  const over = entries.findIndex(({ end }) => end - start > maxBytes);
  const count = over < 0 ? entries.length : Math.max(over, 1);
  return [
    { ...operations, entries: entries.slice(0, count) },
    { ...operations, entries: entries.slice(count) },
  ];
}

/**
 * The source in an operation, as it is sent: the line after the action; none for a delete.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { sourceOf } from "./operations.ts";
 * const buffer = new TextEncoder().encode('{"index":{}}\n{"a":1}\n');
 * const entry = { key: "k", start: 0, end: buffer.length };
 * equal(sourceOf({ buffer, entries: [entry] }, entry), '{"a":1}');
 * ```
 */
export function sourceOf(
  { buffer }: Operations,
  { start, end }: Entry,
): string | undefined {
  const text = new TextDecoder().decode(buffer.subarray(start, end));
  const source = text.slice(text.indexOf("\n") + 1).trimEnd();
  return source === "" ? undefined : source;
}
