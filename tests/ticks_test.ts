import { deepEqual, equal, ok } from "node:assert/strict";
import { getEventListeners } from "node:events";
import { ticks } from "../src/ticks.ts";

Deno.test("ticks() ticks at once, and then each period after the work is done", async () => {
  const stopping = new AbortController();
  const startMs = performance.now();
  const timesMs: number[] = [];
  for await (const _ of ticks(20, stopping.signal)) {
    timesMs.push(performance.now() - startMs);
    if (timesMs.length === 3) stopping.abort();
  }
  equal(timesMs.length, 3);
  const [first = NaN, second = NaN, third = NaN] = timesMs;
  ok(second - first >= 15, `${second - first} ms`);
  ok(third - second >= 15, `${third - second} ms`);
});

Deno.test("ticks() ends during the wait when it is aborted", async () => {
  const stopping = new AbortController();
  const ticking = ticks(3_600_000, stopping.signal);
  equal((await ticking.next()).done, false);
  const next = ticking.next();
  stopping.abort();
  equal((await next).done, true);
});

Deno.test("ticks() never ticks when it was aborted before", async () => {
  const { done } = await ticks(1, AbortSignal.abort()).next();
  equal(done, true);
});

Deno.test("ticks() leaves no listener on its signal", async () => {
  const stopping = new AbortController();
  const { signal } = stopping;
  let count = 0;
  for await (const _ of ticks(0, signal)) if (++count === 20) break;
  deepEqual(getEventListeners(signal, "abort"), []);
});
