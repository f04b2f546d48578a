import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { joinKey, splitKey, transposeKeys } from "../src/keys.ts";

/** Any text, and often one of the signs that mean something in a key. */
const part = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("|", "\\", "a", "\n") }),
);

Deno.test("splitKey() takes apart what joinKey() made, whatever the texts", () => {
  const parts = fc.array(part, { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(parts, (parts) => {
    deepEqual(splitKey(joinKey(parts), parts.length), parts);
  }));
});

Deno.test("joinKey() gives two keys of one table two ids", () => {
  const tuple = fc.tuple(part, part);
  fc.assert(fc.property(tuple, tuple, (one, other) => {
    const isSame = one[0] === other[0] && one[1] === other[1];
    equal(joinKey(one) === joinKey(other), isSame);
  }));
  equal(joinKey(["a|", "b"]) === joinKey(["a", "|b"]), false);
  equal(joinKey(["a\\", "b"]) === joinKey(["a", "\\b"]), false);
});

Deno.test("splitKey() refuses a key of another number of columns", () => {
  throws(() => splitKey("a|b|c", 2), {
    name: "RangeError",
    message: "Cannot split a key: it has 3 columns, not 2",
  });
  throws(() => splitKey("a\\|b", 2), RangeError);
});

Deno.test("transposeKeys() keeps the order of the keys in every column", () => {
  const keys = fc.array(fc.tuple(part, part));
  fc.assert(fc.property(keys, (keys) => {
    deepEqual(transposeKeys(keys.map(joinKey), 2), [
      keys.map(([first]) => first),
      keys.map(([, second]) => second),
    ]);
  }));
});
