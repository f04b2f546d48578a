import { equal } from "node:assert/strict";
import { stopAfter } from "../src/stop.ts";

/** When `signal` is aborted, in milliseconds from now. */
async function abortedAfterMs(signal: AbortSignal): Promise<number> {
  const startMs = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  // the timer of the grace period alone keeps no program alive
  const alive = setInterval(() => {}, 1_000);
  await promise;
  clearInterval(alive);
  return performance.now() - startMs;
}

Deno.test("stopAfter() kills when the grace period is over, for the reason of the drain", async () => {
  const drain = new AbortController();
  const stop = stopAfter(drain.signal, 30);
  equal(stop.drain, drain.signal);
  const reason = new Error("stopped by the operator");
  const after = abortedAfterMs(stop.kill);
  drain.abort(reason);
  equal(stop.kill.aborted, false);
  const ms = await after;
  equal(stop.kill.reason, reason);
  equal(ms >= 25, true, `killed after ${ms} ms`);
});

Deno.test("stopAfter() kills nothing that is not drained", () => {
  const { kill } = stopAfter(new AbortController().signal, 0);
  equal(kill.aborted, false);
});

Deno.test("stopAfter() follows a drain that was there before it", async () => {
  const { kill } = stopAfter(AbortSignal.abort(), 1);
  if (!kill.aborted) await abortedAfterMs(kill);
  equal(kill.aborted, true);
});
