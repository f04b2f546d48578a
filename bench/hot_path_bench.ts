/**
 * The pure functions that every document passes through:
 *
 *     deno bench bench/hot_path_bench.ts
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { arrayText } from "../src/array_text.ts";
import { transposeKeys } from "../src/keys.ts";
import {
  type Entry,
  keepOperations,
  requestBody,
  splitOperations,
} from "../src/operations.ts";
import { readFrame } from "../src/transform.ts";

const PAGE = 1_000;
const DOCUMENT_BYTES = 1_650;

const keys = Array.from(
  { length: PAGE },
  (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
);
const pairs = keys.map((key, n) => `${key}|${n}`);

/** A row of COPY as PostgreSQL sends it: two fields, the ordinal and the operation. */
function rowMessage(ordinal: number): Uint8Array {
  const message = Buffer.alloc(2 + 4 + 4 + 4 + DOCUMENT_BYTES, "x");
  message.writeInt16BE(2, 0);
  message.writeInt32BE(4, 2);
  message.writeInt32BE(ordinal, 6);
  message.writeInt32BE(DOCUMENT_BYTES, 10);
  message.write("{", 14);
  return message;
}

const messages = keys.map((_, n) => rowMessage(n + 1));

const entries: Entry[] = keys.map((key, n) => ({
  key,
  start: n * DOCUMENT_BYTES,
  end: (n + 1) * DOCUMENT_BYTES,
}));
const operations = { buffer: new Uint8Array(PAGE * DOCUMENT_BYTES), entries };

// what a function gives is kept, so that nothing is found to be of no use
let _kept: unknown;

Deno.bench("readFrame(), 1,000 rows", () => {
  for (const message of messages) _kept = readFrame(message);
});

Deno.bench("transposeKeys() and arrayText(), 1,000 keys of a column", () => {
  _kept = transposeKeys(keys, 1).map(arrayText);
});

Deno.bench("transposeKeys() and arrayText(), 1,000 keys of two columns", () => {
  _kept = transposeKeys(pairs, 2).map(arrayText);
});

Deno.bench("keepOperations(), all of 1,000", () => {
  _kept = keepOperations(operations, () => true);
});

Deno.bench("keepOperations(), every second of 1,000", () => {
  _kept = keepOperations(operations, (_, place) => place % 2 === 0);
});

Deno.bench("splitOperations() and requestBody(), 1,000 in two", () => {
  const parts = splitOperations(operations, PAGE * DOCUMENT_BYTES / 2);
  _kept = parts.map(requestBody);
});

Deno.bench("nothing, for comparison", () => {
  _kept = undefined;
});
