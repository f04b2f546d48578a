import type { Key } from "./keys.ts";

/** Bulk operations of one request, in a row: what is sent is the bytes from the first's start to the last's end. */
export interface Operations {
  readonly buffer: Uint8Array;
  readonly entries: readonly Entry[];
  /** When they were read, by `performance.now()`; unknown counts as now. */
  readonly readAtMs?: number;
}

/** One operation: the key of its document, and where it stands in the buffer. */
export interface Entry {
  readonly key: Key;
  readonly start: number;
  readonly end: number;
}

/** A document that is refused for good: its key, and the type and field of the error, never its reason, which quotes values. */
export interface Rejection {
  readonly key: Key;
  readonly type: string;
  readonly field?: string;
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
