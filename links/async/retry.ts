/**
 * A stand-in for JSR's `@std/async/retry` where only the npm registry can be reached: the same signature and
 * behaviour, on npm's `p-retry`.
 */
import pRetry from "p-retry";

/** A timer cannot hold more milliseconds, and would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What {@linkcode retry} throws after the last attempt; `cause` is what that attempt threw. */
export class RetryError extends Error {
  constructor(cause: unknown, attempts: number) {
    super(`Retrying exceeded the maxAttempts (${attempts}).`, { cause });
    this.name = "RetryError";
  }
}

/** How {@linkcode retry} goes about it; times are in milliseconds. */
export interface RetryOptions {
  /** By how much the wait grows after each attempt: 2 unless told, at least 1. */
  multiplier?: number;
  /** The longest wait: 60,000 unless told. */
  maxTimeout?: number;
  /** How often `fn` is called at most: 5 unless told. */
  maxAttempts?: number;
  /** The first wait: 1,000 unless told. */
  minTimeout?: number;
  /** Which part of a wait is random, 0 to 1: 1 unless told. */
  jitter?: number;
  /** Whether another attempt may help after this error: always, unless told. */
  isRetriable?: (err: unknown) => boolean;
  /** Ends the attempts, and a wait between two, with its reason. An attempt under way is not disturbed. */
  signal?: AbortSignal;
}

/** Carries what an attempt threw, of whatever type, past the rules that p-retry has for some types of errors. */
class FailedAttempt extends Error {}

/**
 * What `fn` returns, called again with a growing wait in between while it throws.
 *
 * The wait is `(1 - jitter * random) * min(maxTimeout, minTimeout * multiplier ** attempt)`.
 * @throws {RetryError} if the last attempt failed as well.
 * @throws what `fn` threw, if it is not retriable; the reason of `signal`, once it is aborted.
 * @throws {RangeError} if an option is out of its range.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { retry } from "@std/async/retry";
 * let calls = 0;
 * function answerLate(): string {
 *   if (++calls < 3) throw new Error("not yet");
 *   return "done";
 * }
 * equal(await retry(answerLate, { minTimeout: 1 }), "done");
 * equal(calls, 3);
 * ```
 */
export async function retry<T>(
  fn: (() => Promise<T>) | (() => T),
  options: RetryOptions = {},
): Promise<T> {
  const {
    multiplier = 2,
    maxTimeout = 60_000,
    maxAttempts = 5,
    minTimeout = 1_000,
    jitter = 1,
    isRetriable = () => true,
    signal,
  } = options;
  checkOptions({ multiplier, maxTimeout, maxAttempts, minTimeout, jitter });
  signal?.throwIfAborted();

  async function attempt(): Promise<T> {
    try {
      return await fn();
    } catch (cause) {
      throw new FailedAttempt("", { cause });
    }
  }

  return await pRetry(attempt, {
    retries: maxAttempts - 1,
    minTimeout: 0, // the wait is ours: p-retry's has another kind of jitter
    async onFailedAttempt({ error: { cause }, retriesLeft, retriesConsumed }) {
      if (!isRetriable(cause)) throw cause;
      if (retriesLeft === 0) throw new RetryError(cause, maxAttempts);
      const longestMs = Math.min(
        maxTimeout,
        minTimeout * multiplier ** retriesConsumed,
      );
      await wait((1 - jitter * Math.random()) * longestMs, signal);
    },
  });
}

/** Rejects with the reason of `signal` when that is aborted before or meanwhile. */
async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve } = Promise.withResolvers<void>();
  function end(): void {
    resolve();
  }
  const timer = setTimeout(end, Math.min(ms, MAX_TIMER_MS));
  signal?.addEventListener("abort", end, { once: true });
  await promise;
  clearTimeout(timer);
  signal?.removeEventListener("abort", end); // one signal may live through many waits
  signal?.throwIfAborted();
}

function checkOptions(
  { multiplier, maxTimeout, maxAttempts, minTimeout, jitter }: Required<
    Omit<RetryOptions, "isRetriable" | "signal">
  >,
): void {
  const rules: [boolean, string, string][] = [
    [
      Number.isInteger(maxAttempts) && maxAttempts >= 1,
      "'maxAttempts' must be a positive integer",
      `value is ${maxAttempts}`,
    ],
    [
      Number.isFinite(multiplier) && multiplier >= 1,
      "'multiplier' must be a finite number >= 1",
      `value is ${multiplier}`,
    ],
    [
      maxTimeout > 0,
      "'maxTimeout' must be a positive number",
      `value is ${maxTimeout}`,
    ],
    [minTimeout >= 0, "'minTimeout' must be >= 0", `value is ${minTimeout}`],
    [
      minTimeout <= maxTimeout,
      "'minTimeout' must be <= 'maxTimeout'",
      `values 'minTimeout=${minTimeout}', 'maxTimeout=${maxTimeout}'`,
    ],
    [
      jitter >= 0 && jitter <= 1,
      "'jitter' must be between 0 and 1",
      `value is ${jitter}`,
    ],
  ];
  for (const [holds, rule, current] of rules) {
    if (!holds) {
      throw new RangeError(`Cannot retry as ${rule}: current ${current}`);
    }
  }
}
