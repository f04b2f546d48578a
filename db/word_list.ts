/**
 * The words of `lines`, which are separated by spaces.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { listWords } from "./word_list.ts";
 * deepEqual(listWords("dawn dusk", "noon"), ["dawn", "dusk", "noon"]);
 * ```
 */
export function listWords(...lines: string[]): readonly string[] {
  return lines.join(" ").split(" ");
}
