import { deepEqual, equal } from "node:assert/strict";
import { openRateHistory, TICK_MS } from "../src/rate_history.ts";

function setUp() {
  let nowMs = 0;
  const history = openRateHistory(() => nowMs);
  let totalCount = 0;
  return {
    history,
    perSecond: () => history.perSecond(totalCount),
    /** Lets so many ticks go by, with so much settled in each. */
    tick(times: number, count = 0, lagSeconds?: number) {
      for (let tick = 0; tick < times; tick++) {
        nowMs += TICK_MS;
        totalCount += count;
        history.tick({ totalCount, lagSeconds });
      }
    },
  };
}

Deno.test("openRateHistory() has a sample every 15 s, the newest last", () => {
  const { history, tick } = setUp();
  tick(3, 50, 0.5);
  tick(3, 0, 1.25);
  tick(2, 100);
  const { periodSeconds, perSecond, lagSeconds } = history.report();
  equal(periodSeconds, 15);
  deepEqual(perSecond, [10, 0]);
  deepEqual(lagSeconds, [0.5, 1.25]);
  tick(1, 100);
  deepEqual(history.report().perSecond, [10, 0, 20]);
  deepEqual(history.report().lagSeconds, [0.5, 1.25, null]);
});

Deno.test("openRateHistory() keeps an hour of samples", () => {
  const { history, tick } = setUp();
  tick(3, 1_000, 1);
  tick(3 * 240, 0, 2);
  const { perSecond, lagSeconds } = history.report();
  equal(perSecond.length, 240);
  equal(lagSeconds.length, 240);
  equal(Math.max(...perSecond), 0);
});

Deno.test("openRateHistory() tells the rate of the last minute", () => {
  const { perSecond, tick } = setUp();
  equal(perSecond(), 0);
  tick(4, 100);
  equal(perSecond(), 20);
  tick(12, 0);
  equal(perSecond(), 0);
});
