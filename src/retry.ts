import { retry } from "@std/async/retry";
import { EtlError, type Failure, recovers } from "./failure.ts";
import type { Log } from "./logging.ts";
import { type Dependency, NO_TELEMETRY, type Telemetry } from "./telemetry.ts";

/** How the delay between two tries grows, in milliseconds. */
export interface RetryLimits {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
}

/** Carries calls to one server across everything that time can mend. */
export interface Persister {
  /**
   * The result of `action`, tried again for as long as its failure is one that time can mend.
   *
   * Once the run is being drained nothing is tried again: what fails then was not settled, and is found by the next run.
   * @throws what `action` throws otherwise, or the reason of `signal`, or of a drain that ended the wait for the next try.
   */
  persist<T>(action: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** Half of each delay is random, so that agents do not come back in step. */
const JITTER = 0.5;

/** What calls suffer from. */
interface Fault {
  readonly failure: Failure;
  readonly sinceMs: number;
  saidMs: number;
  /** The calls that try again because of it; none once they were all told to end. */
  readonly sufferers: Set<symbol>;
}

/** A lasting fault is told once a minute, not at each try. */
const REMINDER_MS = 60_000;

/**
 * Makes the one {@linkcode Persister} of a server.
 *
 * A refusal (password, certificate) is final until the server has answered once: at start it is a
 * mistake of the operator, later it is a password being changed. Says one line when a fault begins, one a
 * minute while it lasts, one when it is over, however many calls suffer from it.
 */
export function createPersister(
  server: Dependency,
  { limits, log, drain, telemetry = NO_TELEMETRY }: {
    limits: RetryLimits;
    log: Log;
    drain: AbortSignal;
    telemetry?: Telemetry;
  },
): Persister {
  let reached = false;
  const faults = new Map<string, Fault>();

  function suffer(name: string, error: EtlError, sufferer: symbol): void {
    const now = performance.now();
    const fault = faults.get(name);
    fault?.sufferers.add(sufferer);
    telemetry.failed(server, error.failure);
    if (fault === undefined) {
      const { failure } = error;
      const sufferers = new Set([sufferer]);
      faults.set(name, { failure, sinceMs: now, saidMs: now, sufferers });
      log.warning(wording(error.failure).begins, { server, error });
    } else if (now - fault.saidMs >= REMINDER_MS) {
      fault.saidMs = now;
      const seconds = Math.round((now - fault.sinceMs) / 1000);
      log.warning(wording(error.failure).lasts, { server, seconds, error });
    }
  }

  function recover(name: string, failure: Failure): void {
    const fault = faults.get(name);
    if (fault === undefined) return; // another call has said so
    faults.delete(name);
    telemetry.recovered(server, failure);
    const seconds = Math.round((performance.now() - fault.sinceMs) / 1000);
    log.info(wording(failure).ends, { server, seconds });
  }

  /** What the last to suffer gave up is over with the next answer, where it was of the server as a whole. */
  function recoverGivenUp(): void {
    for (const [name, { failure, sufferers }] of faults) {
      if (sufferers.size === 0) recover(name, failure);
    }
  }

  function giveUp(name: string, sufferer: symbol): void {
    const fault = faults.get(name);
    fault?.sufferers.delete(sufferer);
    if (fault?.sufferers.size === 0 && placeOf(fault.failure) !== "") {
      faults.delete(name);
      telemetry.recovered(server, fault.failure);
    }
  }

  return {
    async persist<T>(action: () => Promise<T>, signal: AbortSignal) {
      const sufferer = Symbol();
      const suffered = new Map<string, Failure>();
      function isRetriable(error: unknown): boolean {
        return !signal.aborted && !drain.aborted &&
          (recovers(error, "retry") || (reached && recovers(error, "refuse")));
      }
      function hearAnswer(): void {
        reached = true;
        telemetry.answered(server);
        for (const [name, failure] of suffered) recover(name, failure);
        recoverGivenUp();
      }
      async function attempt(): Promise<T> {
        signal.throwIfAborted();
        try {
          const result = await action();
          hearAnswer();
          return result;
        } catch (error) {
          // what fails when it is too late says nothing: a full disk must not end an agent that has lost the writer lock
          signal.throwIfAborted();
          // e.g. that there is no such index: what was suffered before is over
          if (recovers(error, "split") || recovers(error, "recreate")) {
            hearAnswer();
          }
          if (error instanceof EtlError && isRetriable(error)) {
            const name = nameFault(error.failure);
            suffered.set(name, error.failure);
            suffer(name, error, sufferer);
          }
          throw error;
        }
      }
      let failed: { readonly error: unknown } | undefined;
      try {
        return await attempt();
      } catch (error) {
        if (!isRetriable(error)) throw error;
        failed = { error };
      }
      function attemptAgain(): Promise<T> {
        if (failed === undefined) return attempt();
        const { error } = failed;
        failed = undefined;
        return Promise.reject(error);
      }
      try {
        return await retry(attemptAgain, {
          minTimeout: limits.minDelayMs,
          maxTimeout: limits.maxDelayMs,
          multiplier: limits.multiplier,
          maxAttempts: Number.MAX_SAFE_INTEGER,
          jitter: JITTER,
          isRetriable,
          // made where a call has failed, not for each: one lives as long as both
          signal: AbortSignal.any([signal, drain]),
        });
      } finally {
        for (const name of suffered.keys()) giveUp(name, sufferer);
      }
    },
  };
}

/** Faults of one name are told once: a server is lost for everybody, a blocked index for itself. */
function nameFault(failure: Failure): string {
  return `${failure.kind} ${placeOf(failure)}`;
}

/** What a fault is of; nothing for the server as a whole. */
function placeOf(failure: Failure): string {
  if ("index" in failure) return failure.index;
  return "query" in failure ? failure.query : "";
}

function wording(
  { kind }: Failure,
): { begins: string; lasts: string; ends: string } {
  if (kind === "server-unavailable" || kind === "server-refused") {
    return {
      begins: "connection lost, trying again",
      lasts: "connection still lost",
      ends: "connection is back",
    };
  }
  return {
    begins: "cannot go on, trying again",
    lasts: "still cannot go on",
    ends: "goes on",
  };
}
