import { deepEqual, equal, ok } from "node:assert/strict";
import { openStatus } from "../src/status.ts";
import { recordLog } from "./recorded_log.ts";

const PASS = {
  kind: "follow",
  written: 3,
  superseded: 2,
  rejected: 1,
  finished: true,
} as const;

/** A log that tells when a line comes. */
function awaitLines() {
  const { log, lines } = recordLog();
  let wake = () => {};
  const info: typeof log.info = (message, fields) => {
    log.info(message, fields);
    wake();
  };
  return {
    log: { ...log, info },
    lines,
    next() {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      return promise;
    },
  };
}

Deno.test("openStatus() tells the sums since its last line, and begins anew", async () => {
  const { log, lines, next } = awaitLines();
  using status = openStatus(log, 10);
  status.add(PASS, performance.now());
  status.add({ ...PASS, written: 4 }, performance.now());
  await next();
  await next();
  const [first, second] = lines;
  deepEqual(first, {
    level: "info",
    message: "all is well",
    fields: {
      passes: 2,
      written: 7,
      superseded: 4,
      rejected: 2,
      lagSeconds: 0,
    },
  });
  deepEqual(second?.fields, {
    passes: 0,
    written: 0,
    superseded: 0,
    rejected: 0,
    lagSeconds: 0,
  });
});

Deno.test("openStatus() counts the lag from the beginning of the last pass that came to its end", async () => {
  const { log, lines, next } = awaitLines();
  using status = openStatus(log, 10);
  const now = performance.now();
  status.add(PASS, now - 10_000);
  status.add({ ...PASS, finished: false }, now - 1_000);
  await next();
  equal(lines[0]?.message, "all is well");
  const lag = Number(lines[0]?.fields.lagSeconds);
  ok(lag >= 10 && lag <= 12, `${lag} s`);
});

Deno.test("openStatus() does not say that all is well before the first load is done", async () => {
  const { log, lines, next } = awaitLines();
  using status = openStatus(log, 10);
  status.add({ ...PASS, kind: "load" }, performance.now());
  status.add({ ...PASS, finished: false }, performance.now());
  await next();
  deepEqual(lines[0], {
    level: "info",
    message: "loading",
    fields: { passes: 2, written: 6, superseded: 4, rejected: 2 },
  });
});

Deno.test("openStatus() says that an index is paused in place of that all is well", async () => {
  const { log, lines, next } = awaitLines();
  using status = openStatus(log, 10);
  status.add(PASS, performance.now());
  status.pause("2026-11-23T08:00:00.000Z");
  await next();
  status.resume();
  await next();
  const { kind: _, finished: __, ...done } = PASS;
  deepEqual(lines[0], {
    level: "info",
    message: "paused",
    fields: { passes: 1, ...done, since: "2026-11-23T08:00:00.000Z" },
  });
  equal(lines[1]?.message, "all is well");
});
