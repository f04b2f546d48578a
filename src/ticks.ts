/**
 * Ticks at once, and then `periodMs` after the last tick, or as soon as the consumer is done with that where it takes longer,
 * until `signal` is aborted.
 */
export async function* ticks(
  periodMs: number,
  signal: AbortSignal,
): AsyncGenerator<void> {
  while (!signal.aborted) {
    const tickedMs = performance.now();
    yield;
    const restMs = periodMs - (performance.now() - tickedMs);
    await pause(Math.max(0, restMs), signal);
  }
}

/** Waits; an abort ends the wait, and leaves no timer. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => resolve();
  const timer = setTimeout(end, ms);
  signal.addEventListener("abort", end, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", end);
}
