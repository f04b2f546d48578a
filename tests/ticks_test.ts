import { deepEqual, equal } from "node:assert/strict";
import { getEventListeners } from "node:events";
import { ticks } from "../src/ticks.ts";

Deno.test("ticks() ticks at once, and then each period, whatever part of it the work takes", async () => {
  const stopping = new AbortController();
  const events: string[] = [];
  const timers: ReturnType<typeof setTimeout>[] = [];
  for await (const _ of ticks(200, stopping.signal)) {
    events.push("tick");
    if (events.filter((event) => event === "tick").length === 2) break;
    timers.push(setTimeout(() => events.push("before"), 190));
    // a period after the work would be later still
    timers.push(setTimeout(() => events.push("after"), 290));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  timers.forEach((timer) => clearTimeout(timer));
  deepEqual(events, ["tick", "before", "tick"]);
});

Deno.test("ticks() ticks at once after work that took longer than a period", async () => {
  const stopping = new AbortController();
  let count = 0;
  for await (const _ of ticks(5, stopping.signal)) {
    if (++count === 3) break;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  equal(count, 3);
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
