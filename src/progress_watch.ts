/**
 * Whether something moves that is to move.
 *
 * An answer, of whatever kind, is a sign that it does. What waits for nobody, such as a pause, is off. Between two passes it
 * may rest, and while a try is waited for that follows a failed one it may take the time that this takes: an outage is a
 * server's, and no restart mends it.
 */
export interface ProgressWatch {
  /** Something came to an end. */
  beat(): void;
  /** A try has failed: the next one is made later, and may take its time. */
  retry(): void;
  /** A pass begins, or ends. */
  work(isWorking: boolean): void;
  /** Nothing is to move until it is turned on again. */
  turn(isOn: boolean): void;
  /** For how long nothing has moved though it should have, in milliseconds; nothing while all is well. */
  stalledMs(): number | undefined;
}

/** Durations in milliseconds. */
export interface WatchLimits {
  /** So long nothing may move. */
  readonly stalledAfterMs: number;
  /** How much longer between two passes. */
  readonly restMs: number;
  /** How much longer after a try that failed: the longest delay, and the longest that a try may take. */
  readonly retryMs: number;
}

/** Opens a watch that is off. */
export function openProgressWatch(
  { stalledAfterMs, restMs, retryMs }: WatchLimits,
  nowMs: () => number = () => performance.now(),
): ProgressWatch {
  let isOn = false;
  let isWorking = false;
  let isRetrying = false;
  let beatMs = nowMs();

  function beat(): void {
    beatMs = nowMs();
    isRetrying = false;
  }

  return {
    beat,
    retry() {
      beat();
      isRetrying = true;
    },
    work(begins) {
      beat();
      isWorking = begins;
    },
    turn(turnsOn) {
      beat();
      isOn = turnsOn;
    },
    stalledMs() {
      if (!isOn) return undefined;
      const limitMs = stalledAfterMs + (isWorking ? 0 : restMs) +
        (isRetrying ? retryMs : 0);
      const silentMs = nowMs() - beatMs;
      return silentMs > limitMs ? silentMs : undefined;
    },
  };
}
