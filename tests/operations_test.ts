import { deepEqual, equal, notEqual } from "node:assert/strict";
import fc from "fast-check";
import {
  halveOperations,
  keepOperations,
  type Operations,
  requestBody,
} from "../src/operations.ts";

/** The texts one behind the other, with some room before and behind. */
function pack(texts: readonly string[]): Operations {
  const encoded = texts.map((text) => new TextEncoder().encode(text));
  const size = encoded.reduce((sum, { length }) => sum + length, 0);
  const buffer = new Uint8Array(size + 6).fill("#".charCodeAt(0));
  let at = 3;
  const entries = encoded.map((bytes, index) => {
    buffer.set(bytes, at);
    const start = at;
    at += bytes.length;
    return { key: String(index), start, end: at };
  });
  return { buffer, entries };
}

function textOf(operations: Operations): string {
  return new TextDecoder().decode(requestBody(operations));
}

const texts = fc.array(fc.string({ unit: "grapheme", minLength: 1 }), {
  minLength: 2,
});

Deno.test("keepOperations() keeps the bytes and the order of what is kept, and nothing else", () => {
  fc.assert(
    fc.property(texts, fc.infiniteStream(fc.boolean()), (texts, stream) => {
      const kept = texts.map(() => stream.next().value === true);
      const operations = keepOperations(
        pack(texts),
        (_, place) => kept[place] === true,
      );
      equal(textOf(operations), texts.filter((_, n) => kept[n]).join(""));
      deepEqual(
        operations.entries.map(({ key }) => key),
        texts.map((_, n) => String(n)).filter((_, n) => kept[n]),
      );
    }),
  );
});

Deno.test("halveOperations() leaves out nothing, and makes both halves smaller", () => {
  fc.assert(fc.property(texts, (texts) => {
    const operations = pack(texts);
    const halves = halveOperations(operations);
    equal(halves.map(textOf).join(""), texts.join(""));
    for (const { entries } of halves) notEqual(entries.length, 0);
    deepEqual(
      halves.flatMap(({ entries }) => entries),
      [...operations.entries],
    );
  }));
});

Deno.test("keepOperations() of one half leaves the other half as it was", () => {
  fc.assert(fc.property(texts, fc.nat(), (texts, chosen) => {
    const [first, second] = halveOperations(pack(texts));
    if (first === undefined || second === undefined) {
      throw new Error("one half is missing");
    }
    const before = textOf(second);
    keepOperations(first, (_, place) => place === chosen % texts.length);
    equal(textOf(second), before);
  }));
});

Deno.test("requestBody() of no operations is empty", () => {
  equal(requestBody({ buffer: new Uint8Array(8), entries: [] }).length, 0);
});
