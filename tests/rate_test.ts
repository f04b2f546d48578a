import { deepEqual, equal, ok } from "node:assert/strict";
import { openRate } from "../src/rate.ts";

const NEVER = new AbortController().signal;

/** Takes `total` in shares; returns them, and when each was given, in milliseconds. */
async function takeAll(rate: ReturnType<typeof openRate>, total: number) {
  const beganMs = performance.now();
  const shares: { count: number; atMs: number }[] = [];
  for (let rest = total; rest > 0;) {
    const count = await rate.take(rest, NEVER);
    shares.push({ count, atMs: performance.now() - beganMs });
    rest -= count;
  }
  return shares;
}

Deno.test("openRate() lets everything through without a limit", async () => {
  equal(await openRate().take(10_000, NEVER), 10_000);
  equal(await openRate().take(3, AbortSignal.abort()), 3);
});

Deno.test("openRate() spreads what is taken, without a burst", async () => {
  const rate = openRate(200);
  const shares = await takeAll(rate, 110);
  deepEqual(shares.map(({ count }) => count), [20, 20, 20, 20, 20, 10]);
  for (const [place, { atMs }] of shares.entries()) {
    ok(atMs >= place * 100 - 5, `share ${place} after ${atMs} ms`);
  }
});

Deno.test("openRate() holds for all who take together", async () => {
  const rate = openRate(1000);
  const beganMs = performance.now();
  await Promise.all([1, 2, 3, 4].map(() => takeAll(rate, 100)));
  const tookMs = performance.now() - beganMs;
  ok(tookMs >= 295, `400 at 1000 a second in ${tookMs} ms`);
});

Deno.test("openRate() does not make up for time in which nothing was taken", async () => {
  const rate = openRate(100);
  await rate.take(1, NEVER);
  await new Promise((resolve) => setTimeout(resolve, 150));
  const shares = await takeAll(rate, 20);
  deepEqual(shares.map(({ count }) => count), [10, 10]);
  ok((shares[1]?.atMs ?? 0) >= 95);
});

Deno.test("openRate() gives at least one, however slow it is", async () => {
  equal(await openRate(1).take(50, NEVER), 1);
});

Deno.test("take() ends with the signal, and leaves no timer", async () => {
  const rate = openRate(1);
  await rate.take(1, NEVER);
  const stop = new AbortController();
  const taken = rate.take(1, stop.signal);
  stop.abort();
  equal(await taken, 0);
  equal(await rate.take(1, stop.signal), 0);
});
