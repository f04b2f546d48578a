import { EtlError } from "./failure.ts";
import type { Log } from "./logging.ts";
import type { LockSession } from "./postgres_lock.ts";
import type { Persister } from "./retry.ts";
import { ticks } from "./ticks.ts";

/** The right to write, for as long as it lasts. */
export interface WriterLock {
  /** Aborted by a failure `lock-lost` when another agent may have it by now, or soon. */
  readonly lost: AbortSignal;
  /**
   * Makes sure that no other agent can have it yet. To be called right before whatever is not safe beside another writer.
   * @throws {EtlError} `lock-lost`.
   */
  assertHeld(): void;
  /** Gives it back: whoever waits has it at once. */
  release(): Promise<void>;
}

/** Where the right to write is to be had. */
export interface WriterLocks {
  /** Waits until it is there; nothing when the signal is aborted first. */
  take(signal: AbortSignal): Promise<TakenLock | undefined>;
  /** Whether nobody has it just now. */
  isFree(signal: AbortSignal): Promise<boolean>;
}

/** A lock, and whether another agent had it first. */
export interface TakenLock extends WriterLock {
  readonly hasWaited: boolean;
}

/** How often a standby looks whether the lock is free; cheap, and it keeps the session alive. */
const POLL_MS = 500;

/** How often the holder asks whether it still is one. */
const BEAT_MS = 1_000;

/** An answer that takes longer is none. */
const ANSWER_LIMIT_MS = 2_000;

/** What has come before the limit is read before it is judged late: this process itself may have stood still. */
const GRACE_MS = 50;

/**
 * For how long a confirmation counts, from when it was asked for. PostgreSQL keeps the session for 5 s at least after
 * the last it heard of it, so this has to be less.
 */
const CONFIRMED_MS = 4_000;

/** Opens the locks `keys` in the sessions of `connect`. */
export function openWriterLocks(
  { keys, connect, persister, log, tellPeriodMs, onWait = () => {} }: {
    keys: readonly string[];
    connect: (signal: AbortSignal) => Promise<LockSession>;
    /** Carries what is asked over the outages of PostgreSQL. */
    persister: Persister;
    log: Log;
    /** How often it is told that this agent waits. */
    tellPeriodMs: number;
    /** Called when another agent is seen to have the lock. */
    onWait?: () => void;
  },
): WriterLocks {
  const ownPids = new Set<string>();
  return {
    isFree: (signal) =>
      persister.persist(async () => {
        const session = await connect(signal);
        try {
          return await session.tryLock(keys);
        } finally {
          await session.release();
        }
      }, signal),
    async take(signal) {
      let open: LockSession | undefined;
      let toldMs: number | undefined;

      async function attempt(): Promise<() => WriterLock | undefined> {
        const session = open ??= await connect(signal);
        ownPids.add(session.pid);
        try {
          const readMs = startClock();
          if (await session.tryLock(keys)) return () => hold(session, readMs);
          await tell(session);
          return () => undefined;
        } catch (error) {
          session.destroy();
          open = undefined;
          throw error;
        }
      }
      async function tell(session: LockSession): Promise<void> {
        const now = performance.now();
        if (toldMs !== undefined && now - toldMs < tellPeriodMs) return;
        const holder = await session.findHolder(keys);
        // what PostgreSQL has not yet noticed to be gone is no other agent
        if (holder === undefined || ownPids.has(holder.pid)) return;
        toldMs = now;
        onWait();
        log.info("waiting as a standby: another agent writes", { ...holder });
      }

      try {
        for await (const _ of ticks(POLL_MS, signal)) {
          const result = await persister.persist(attempt, signal);
          const lock = result();
          if (lock === undefined) continue;
          open = undefined;
          return { ...lock, hasWaited: toldMs !== undefined };
        }
        return undefined;
      } finally {
        await open?.release();
      }
    },
  };
}

/** Keeps looking after a session that has the lock since before `readMs` said 0. */
function hold(session: LockSession, readMs: () => number): WriterLock {
  const losing = new AbortController();
  const releasing = new AbortController();
  let confirmedAgoMs = readMs;

  function lose(code: string): void {
    if (losing.signal.aborted || releasing.signal.aborted) return;
    losing.abort(new EtlError({ kind: "lock-lost", code }));
    releasing.abort();
    session.destroy();
  }
  async function beat(): Promise<void> {
    for await (const _ of ticks(BEAT_MS, releasing.signal)) {
      const askedAgoMs = startClock();
      try {
        await withinLimit(session.confirm());
        confirmedAgoMs = askedAgoMs;
      } catch (error) {
        lose(codeOf(error));
      }
    }
  }
  // most ends are told at once: who restarts PostgreSQL gives the lock to whoever comes first
  session.ended.then(() => lose("connection closed"));
  const beating = beat();
  return {
    lost: losing.signal,
    assertHeld() {
      if (confirmedAgoMs() > CONFIRMED_MS) lose("not confirmed in time");
      losing.signal.throwIfAborted();
    },
    async release() {
      releasing.abort();
      await beating;
      if (!losing.signal.aborted) await session.release();
    },
  };
}

/**
 * A clock that says how many milliseconds have gone by. It goes by two of the system's, of which one stands still while the
 * machine is suspended, and the other may be set.
 */
function startClock(): () => number {
  const steadyMs = performance.now();
  const wallMs = Date.now();
  return () => Math.max(performance.now() - steadyMs, Date.now() - wallMs);
}

async function withinLimit(answer: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  function judge(): void {
    timer = setTimeout(
      () => late.reject(new EtlError({ kind: "lock-lost", code: "timeout" })),
      GRACE_MS,
    );
  }
  let timer = setTimeout(judge, ANSWER_LIMIT_MS);
  try {
    await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function codeOf(error: unknown): string {
  if (!(error instanceof EtlError)) return "unknown";
  return "code" in error.failure ? error.failure.code : error.failure.kind;
}
