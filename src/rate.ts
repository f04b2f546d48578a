import { pause } from "./ticks.ts";

/** Spaces out what is done, over all who do it. */
export interface Rate {
  /**
   * Waits for its turn; returns how many of `wanted` may be done now, at least one. An abort of `signal` ends a wait, and then
   * none may be done; where there is no limit there is no wait.
   */
  take(wanted: number, signal: AbortSignal): Promise<number>;
}

/** What a second allows is handed out in shares of this part of it, so that nothing comes in bursts. */
const SHARES_PER_SECOND = 10;

/** A rate that lets everything through at once. */
export const UNLIMITED: Rate = {
  take: (wanted) => Promise.resolve(wanted),
};

/** Opens a rate of `perSecond` at most; without it, all may be done at once. Time in which nothing was done is not made up for. */
export function openRate(perSecond?: number): Rate {
  if (perSecond === undefined) return UNLIMITED;
  const share = Math.max(1, Math.floor(perSecond / SHARES_PER_SECOND));
  let freeMs = 0;
  return {
    async take(wanted, signal) {
      if (signal.aborted) return 0;
      const count = Math.min(wanted, share);
      const nowMs = performance.now();
      const turnMs = Math.max(freeMs, nowMs);
      freeMs = turnMs + count * 1000 / perSecond;
      if (turnMs > nowMs) await pause(turnMs - nowMs, signal);
      return signal.aborted ? 0 : count;
    },
  };
}
