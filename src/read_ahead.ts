/**
 * The items of `source`, each asked for while the one before is worked on.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { readAhead } from "./read_ahead.ts";
 * async function* count() {
 *   for (let n = 0; n < 3; n++) yield await Promise.resolve(n);
 * }
 * deepEqual(await Array.fromAsync(readAhead(count())), [0, 1, 2]);
 * ```
 */
export async function* readAhead<Item>(
  source: AsyncGenerator<Item>,
): AsyncGenerator<Item> {
  let next = source.next();
  try {
    for (;;) {
      const { value, done } = await next;
      if (done) return;
      next = source.next();
      next.catch(() => {}); // thrown when it is awaited
      yield value;
    }
  } finally {
    await next.catch(() => {});
    await source.return(undefined);
  }
}
