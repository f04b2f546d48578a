import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { EtlError } from "../src/failure.ts";
import { lockKeys, openLockSession } from "../src/postgres_lock.ts";
import type { PostgresOptions } from "../src/postgres_session.ts";
import { createPersister } from "../src/retry.ts";
import { openWriterLocks, type WriterLock } from "../src/writer_lock.ts";
import { startFaultProxy } from "./integration/fault_proxy.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, openDatabase, QUICK, type TestDatabase } from "./servers.ts";

const WAITING = "waiting as a standby: another agent writes";

const LOCK_SESSIONS = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name = 'pg2es writer lock'`;

Deno.test("lockKeys() tells clusters and indexes apart", () => {
  const keys = [["a", "movies"], ["b", "movies"], ["a", "books"], [
    "am",
    "ovies",
  ]]
    .flatMap(([uuid = "", index = ""]) => lockKeys(uuid, [index]));
  equal(new Set(keys).size, 4);
  for (const key of keys) match(key, /^-?\d{1,19}$/);
});

Deno.test("take() waits for who has one of the keys, and has all of them at once", async () => {
  await using database = await openDatabase();
  const one = openLocks(database, { keys: ["1", "2"] });
  const other = openLocks(database, { keys: ["2", "3"] });
  const lock = await one.take();
  const taking = other.take();
  while (other.messages().length === 0) await pause(10);
  deepEqual(other.messages(), [WAITING]);
  // nothing is held while it waits
  const third = openLocks(database, { keys: ["3"] });
  await (await third.take()).release();
  await lock.release();
  const taken = await taking;
  equal(taken.hasWaited, true);
  taken.assertHeld();
  await taken.release();
});

Deno.test("take() ends without a lock when it is told to stop", async () => {
  await using database = await openDatabase();
  const lock = await openLocks(database).take();
  const stop = new AbortController();
  const waiting = openLocks(database);
  const taking = waiting.locks.take(stop.signal);
  while (waiting.messages().length === 0) await pause(10);
  stop.abort();
  equal(await taking, undefined);
  await lock.release();
});

Deno.test("a lock is lost with its session, and can be taken again", async () => {
  await using database = await openDatabase();
  const locks = openLocks(database);
  const lock = await locks.take();
  equal((await database.query(LOCK_SESSIONS)).length, 1);
  await untilLost(lock);
  throws(() => lock.assertHeld(), isLost);
  await lock.release();
  const again = await locks.take();
  equal(again.hasWaited, false); // its own former session is no other agent
  again.assertHeld();
  await again.release();
});

Deno.test("a lock is lost when PostgreSQL does not answer", async () => {
  await using database = await openDatabase();
  const { host: hostname, port } = database.options;
  await using proxy = startFaultProxy({ hostname, port });
  const lock = await openLocks(database, { port: proxy.port }).take();
  const frozenMs = performance.now();
  {
    using _frozen = proxy.freeze();
    await untilLost(lock);
  }
  ok(performance.now() - frozenMs < 4_500);
  throws(() => lock.assertHeld(), isLost);
  await lock.release();
});

Deno.test("a lock is not held right after the process stood still", async () => {
  await using database = await openDatabase();
  const lock = await openLocks(database).take();
  lock.assertHeld();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_100);
  throws(() => lock.assertHeld(), isLost);
  ok(lock.lost.aborted);
  await lock.release();
});

/** The locks of an agent. */
function openLocks(
  database: TestDatabase,
  { keys = ["1"], ...options }:
    & { keys?: readonly string[] }
    & Partial<PostgresOptions> = {},
) {
  const { log, lines } = recordLog();
  const locks = openWriterLocks({
    keys,
    connect: (signal) =>
      openLockSession({ ...database.options, ...options }, {
        secrets: new Set(),
        log,
        signal,
      }),
    persister: createPersister("PostgreSQL", {
      limits: QUICK,
      log,
      drain: NEVER,
    }),
    log,
    tellPeriodMs: 60_000,
  });
  return {
    locks,
    messages: () =>
      lines.filter(({ level }) => level === "info")
        .map(({ message }) => message),
    async take() {
      const lock = await locks.take(NEVER);
      ok(lock !== undefined);
      return lock;
    },
  };
}

async function untilLost({ lost }: WriterLock): Promise<void> {
  if (lost.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  lost.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}

function isLost(error: unknown): boolean {
  return error instanceof EtlError && error.failure.kind === "lock-lost";
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
