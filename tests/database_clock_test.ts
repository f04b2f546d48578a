import { equal } from "node:assert/strict";
import { isoOf, openDatabaseClock, secondsOf } from "../src/database_clock.ts";

Deno.test("openDatabaseClock() tells ages by the database's clock, whatever the agent's says", () => {
  let nowMs = 1_000;
  const clock = openDatabaseClock(() => nowMs);
  equal(clock.ageSeconds("1999-12-31 23:59:50.000000+00"), undefined);
  clock.observe("2000-01-01 00:00:00.000000+00", nowMs);
  nowMs += 2_500;
  equal(clock.ageSeconds("1999-12-31 23:59:50.000000+00"), 12.5);
  equal(clock.ageSeconds("2000-01-01 00:01:00.000000+00"), 0);
  clock.observe("infinity", nowMs);
  equal(clock.ageSeconds("1999-12-31 23:59:50.000000+00"), 12.5);
  equal(clock.ageSeconds("2000-01-01"), undefined);
});

Deno.test("secondsOf() and isoOf() take a time in UTC, and nothing else", () => {
  equal(isoOf("2026-11-23 05:00:00+00"), "2026-11-23T05:00:00.000000Z");
  equal(secondsOf("2026-11-23 05:00:00.000001+00"), 1795410000.000001);
  for (
    const text of [
      "2026-11-23",
      "2026-11-23 05:00:00",
      "2026-11-23 05:00:00+01",
      "-infinity",
      "44 BC",
      "10000-01-01 00:00:00+00",
      "2026-13-23 05:00:00+00",
    ]
  ) equal(secondsOf(text), undefined, text);
});
