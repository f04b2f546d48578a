import { equal } from "node:assert/strict";
import { openProgressWatch } from "../src/progress_watch.ts";

const LIMITS = { stalledAfterMs: 1_000, restMs: 5_000, retryMs: 20_000 };

function setUp() {
  let nowMs = 0;
  const watch = openProgressWatch(LIMITS, () => nowMs);
  return {
    watch,
    /** For how long nothing has moved, once so much time has gone by. */
    after(ms: number) {
      nowMs += ms;
      return watch.stalledMs();
    },
  };
}

Deno.test("openProgressWatch() says nothing while it is off", () => {
  const { watch, after } = setUp();
  equal(after(1_000_000), undefined);
  watch.turn(true);
  equal(after(6_000), undefined);
  equal(after(1), 6_001);
  watch.turn(false);
  equal(after(1_000_000), undefined);
});

Deno.test("openProgressWatch() waits for a beat during a pass, and by the rest longer between two", () => {
  const { watch, after } = setUp();
  watch.turn(true);
  watch.work(true);
  equal(after(1_000), undefined);
  equal(after(1), 1_001);
  watch.beat();
  equal(after(1_000), undefined);
  watch.work(false);
  equal(after(6_000), undefined);
  equal(after(1), 6_001);
});

Deno.test("openProgressWatch() gives a try that follows a failed one its time, once", () => {
  const { watch, after } = setUp();
  watch.turn(true);
  watch.work(true);
  watch.retry();
  equal(after(21_000), undefined);
  equal(after(1), 21_001);
  watch.retry();
  equal(after(20_000), undefined);
  watch.beat();
  equal(after(1_001), 1_001);
});

Deno.test("openProgressWatch() begins anew when it is turned on", () => {
  const { watch, after } = setUp();
  watch.turn(true);
  watch.work(true);
  watch.turn(false);
  equal(after(100_000), undefined);
  watch.turn(true);
  equal(after(1_000), undefined);
  equal(after(1), 1_001);
});
