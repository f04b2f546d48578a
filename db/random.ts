/** A source of numbers that a seed fixes for ever, on every machine. */
export type Random = {
  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number;
  /** One of `choices`, each equally likely; throws RangeError where there is none. */
  pick<Item>(choices: readonly Item[]): Item;
  /** `true` in `percent` of 100 calls. */
  chance(percent: number): boolean;
  /** A version 4 UUID, in lower case. */
  uuid(): string;
};

/**
 * Numbers that depend on `seed` alone: the splitmix32 generator. Not for secrets.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { seedRandom } from "./random.ts";
 * equal(seedRandom(7).uuid(), seedRandom(7).uuid());
 * ```
 */
export function seedRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
  const below = (limit: number) => Math.floor(next() / 2 ** 32 * limit);
  const hex = () => next().toString(16).padStart(8, "0");
  return {
    below,
    pick: (choices) => {
      for (const choice of choices.slice(below(choices.length))) return choice;
      throw new RangeError("Cannot pick a choice: there is none");
    },
    chance: (percent) => below(100) < percent,
    uuid: () => {
      const [a, b, c, d] = [hex(), hex(), hex(), hex()];
      const variant = "89ab"[below(4)];
      return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-` +
        `${variant}${c.slice(1, 4)}-${c.slice(4)}${d}`;
    },
  };
}
