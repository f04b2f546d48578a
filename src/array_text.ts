/**
 * `items` as the text of an array, PostgreSQL manual 8.15.2.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { arrayText } from "./array_text.ts";
 * equal(arrayText(["a", 'b"', "c\\"]), '{"a","b\\"","c\\\\"}');
 * ```
 */
export function arrayText(items: readonly string[]): string {
  if (items.length === 0) return "{}";
  const isPlain = !/["\\]/.test(items.join()); // most are: one look in place of one each
  const quoted = isPlain
    ? items
    : items.map((item) => item.replaceAll(/["\\]/g, "\\$&"));
  return `{"${quoted.join('","')}"}`;
}
