import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { EtlError, type Failure } from "../src/failure.ts";
import { createPersister, type RetryLimits } from "../src/retry.ts";
import { NO_TELEMETRY } from "../src/telemetry.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, QUICK } from "./servers.ts";

const LOST: Failure = {
  kind: "server-unavailable",
  server: "PostgreSQL",
  code: "ECONNREFUSED",
};
const REFUSED: Failure = {
  kind: "server-refused",
  server: "PostgreSQL",
  code: "28P01",
  hint: "Check postgres.password",
};
const BLOCKED: Failure = {
  kind: "index-blocked",
  index: "movies",
  type: "cluster_block_exception",
};

function setUp({ limits = QUICK }: { limits?: RetryLimits } = {}) {
  const { log, lines } = recordLog();
  const draining = new AbortController();
  const { signal: drain } = draining;
  const persister = createPersister("PostgreSQL", { limits, log, drain });
  return { persister, draining, lines };
}

/** An action that fails so often, and then succeeds. */
function failTimes(count: number, failure: Failure = LOST) {
  const action = async () => {
    await Promise.resolve();
    if (action.tries++ < count) throw new EtlError(failure);
    return "done";
  };
  action.tries = 0;
  return action;
}

/** Resolves when `condition` holds; looked at between two turns of the event loop. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("createPersister() tries again what time can mend, and says one line at its beginning and one at its end", async () => {
  const { persister, lines } = setUp();
  const action = failTimes(6);
  equal(await persister.persist(action, NEVER), "done");
  equal(action.tries, 7);
  deepEqual(lines.map(({ level, message }) => [level, message]), [
    ["warning", "connection lost, trying again"],
    ["info", "connection is back"],
  ]);
  equal(lines[0]?.fields.server, "PostgreSQL");
  ok(lines[0]?.fields.error instanceof EtlError);
  equal(lines[1]?.fields.seconds, 0);
});

Deno.test("createPersister() says a fault once, however many calls suffer from it", async () => {
  const { persister, lines } = setUp();
  await Promise.all(
    Array.from({ length: 5 }, () => persister.persist(failTimes(3), NEVER)),
  );
  equal(lines.filter(({ level }) => level === "warning").length, 1);
  equal(lines.filter(({ level }) => level === "info").length, 1);
});

Deno.test("createPersister() tells the fault of one index apart from another's", async () => {
  const { persister, lines } = setUp();
  await Promise.all([
    persister.persist(failTimes(2, BLOCKED), NEVER),
    persister.persist(failTimes(2, { ...BLOCKED, index: "books" }), NEVER),
  ]);
  deepEqual(lines.map(({ message }) => message).sort(), [
    "cannot go on, trying again",
    "cannot go on, trying again",
    "goes on",
    "goes on",
  ]);
});

Deno.test("createPersister() says nothing where nothing failed", async () => {
  const { persister, lines } = setUp();
  await persister.persist(failTimes(0), NEVER);
  deepEqual(lines, []);
});

Deno.test("createPersister() gives up on a refusal before the server has answered once, and not after", async () => {
  const { persister } = setUp();
  const atStart = failTimes(1, REFUSED);
  await rejects(persister.persist(atStart, NEVER), { failure: REFUSED });
  equal(atStart.tries, 1);
  await persister.persist(failTimes(2), NEVER);
  const later = failTimes(3, REFUSED);
  equal(await persister.persist(later, NEVER), "done");
  equal(later.tries, 4);
});

Deno.test("createPersister() throws at once what no time mends, as it is", async () => {
  const { persister, lines } = setUp();
  const failures: Failure[] = [
    { kind: "document-failed", query: "document", code: "22012" },
    { kind: "index-missing", index: "movies" },
    { kind: "checkpoint-invalid", file: "state.yaml", detail: "broken" },
  ];
  for (const failure of failures) {
    const action = failTimes(1, failure);
    await rejects(persister.persist(action, NEVER), { failure });
    equal(action.tries, 1);
  }
  const fault = new TypeError("a fault of the program");
  await rejects(
    persister.persist(() => Promise.reject(fault), NEVER),
    (error) => error === fault,
  );
  deepEqual(lines, []);
});

Deno.test("createPersister() ends the wait when the run is drained", async () => {
  const hour = { minDelayMs: 3_600_000, maxDelayMs: 3_600_000, multiplier: 1 };
  const { persister, draining, lines } = setUp({ limits: hour });
  const action = failTimes(1);
  const waiting = persister.persist(action, NEVER);
  await until(() => lines.length > 0);
  const reason = new Error("stopped by the operator");
  draining.abort(reason);
  await rejects(waiting, (error) => error === reason);
  equal(action.tries, 1);
});

Deno.test("createPersister() does once what a drained run still has to do", async () => {
  const { persister, draining } = setUp();
  draining.abort();
  equal(await persister.persist(failTimes(0), NEVER), "done");
  const action = failTimes(1);
  await rejects(persister.persist(action, NEVER), { failure: LOST });
  equal(action.tries, 1);
});

Deno.test("createPersister() throws the reason of a signal that ends the wait", async () => {
  const hour = { minDelayMs: 3_600_000, maxDelayMs: 3_600_000, multiplier: 1 };
  const { persister, lines } = setUp({ limits: hour });
  const killing = new AbortController();
  const waiting = persister.persist(failTimes(1), killing.signal);
  await until(() => lines.length > 0);
  const reason = new Error("killed");
  killing.abort(reason);
  await rejects(waiting, (error) => error === reason);
});

Deno.test("createPersister() throws the reason of a signal that is aborted during a try that fails", async () => {
  const { persister } = setUp();
  const killing = new AbortController();
  const reason = new Error("killed");
  const action = () => {
    killing.abort(reason);
    return Promise.reject(new EtlError(LOST));
  };
  await rejects(
    persister.persist(action, killing.signal),
    (error) => error === reason,
  );
});

Deno.test("createPersister() tries nothing for a signal that is aborted already", async () => {
  const { persister } = setUp();
  const action = failTimes(0);
  const reason = new Error("killed");
  await rejects(
    persister.persist(action, AbortSignal.abort(reason)),
    (error) => error === reason,
  );
  equal(action.tries, 0);
});

Deno.test("createPersister() lets the delay grow up to its limit", async () => {
  const limits = { minDelayMs: 8, maxDelayMs: 64, multiplier: 2 };
  const { persister } = setUp({ limits });
  const triedMs: number[] = [];
  const action = failTimes(6);
  await persister.persist(() => {
    triedMs.push(performance.now());
    return action();
  }, NEVER);
  const delaysMs = triedMs.slice(1).map((ms, n) => ms - (triedMs[n] ?? 0));
  // half of each delay is certain: 8, 16, 32, 64, 64, 64
  for (const [n, leastMs] of [4, 8, 16, 32, 32, 32].entries()) {
    const delayMs = delaysMs[n] ?? 0;
    ok(delayMs >= leastMs - 1, `delay ${n} is ${delayMs} ms`);
  }
});

Deno.test("createPersister() tells of each try that failed, of each answer, and of the end of a fault", async () => {
  const told: string[] = [];
  const { log } = recordLog();
  const persister = createPersister("PostgreSQL", {
    ...{ limits: QUICK, log, drain: NEVER },
    telemetry: {
      ...NO_TELEMETRY,
      answered: (server) => told.push(`${server} answered`),
      failed: (server, { kind }) => told.push(`${server} failed ${kind}`),
      recovered: (server, { kind }) => told.push(`${server} recovered ${kind}`),
    },
  });
  await persister.persist(failTimes(2), NEVER);
  await persister.persist(failTimes(0), NEVER);
  await rejects(
    persister.persist(
      failTimes(1, { kind: "index-missing", index: "movies" }),
      NEVER,
    ),
  );
  deepEqual(told, [
    "PostgreSQL failed server-unavailable",
    "PostgreSQL failed server-unavailable",
    "PostgreSQL answered",
    "PostgreSQL recovered server-unavailable",
    "PostgreSQL answered",
    "PostgreSQL answered", // that there is no such index is an answer
  ]);
});
