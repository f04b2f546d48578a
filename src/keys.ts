/**
 * A document's key as text, which is the document's `_id` as well.
 *
 * A key of one column is that column's text. A key of several columns is their texts joined by `|`,
 * where a `|` or `\` inside is preceded by `\`, so that two keys never share an id.
 */
export type Key = string;

/** A column that a key is made of: its name, and its type as PostgreSQL's `format_type` gives it. */
export interface KeyColumn {
  readonly name: string;
  readonly type: string;
}

/**
 * The key made of the texts of its columns.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { joinKey } from "./keys.ts";
 * equal(joinKey(["a|b"]), "a|b");
 * equal(joinKey(["a|b", "7"]), "a\\|b|7");
 * ```
 */
export function joinKey(parts: readonly string[]): Key {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return parts.map((part) => part.replaceAll(/[\\|]/g, "\\$&")).join("|");
}

/**
 * The texts of the `columnCount` columns that `key` was made of.
 * @throws {RangeError} if the key has another number of columns.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { splitKey } from "./keys.ts";
 * deepEqual(splitKey("a|b", 1), ["a|b"]);
 * deepEqual(splitKey("a\\|b|7", 2), ["a|b", "7"]);
 * ```
 */
export function splitKey(key: Key, columnCount: number): string[] {
  if (columnCount === 1) return [key];
  const parts = [""];
  for (const [text] of key.matchAll(/\\[\\|]|[^\\]/gs)) {
    if (text === "|") parts.push("");
    else parts.push(parts.pop() + text.slice(-1));
  }
  if (parts.length !== columnCount) {
    throw new RangeError(
      `Cannot split a key: it has ${parts.length} columns, not ${columnCount}`,
    );
  }
  return parts;
}

/**
 * The columns of `keys`, one array of texts for each, as PostgreSQL's `unnest` takes them.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { transposeKeys } from "./keys.ts";
 * deepEqual(transposeKeys(["1|a", "2|b"], 2), [["1", "2"], ["a", "b"]]);
 * ```
 */
export function transposeKeys(
  keys: readonly Key[],
  columnCount: number,
): string[][] {
  if (columnCount === 1) return [[...keys]];
  const rows = keys.map((key) => splitKey(key, columnCount));
  return Array.from(
    { length: columnCount },
    (_, column) => rows.map((row) => row[column] ?? ""),
  );
}
