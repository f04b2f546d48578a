/** Ticks at once, and then `periodMs` after what the consumer did with the last tick, until `signal` is aborted. */
export async function* ticks(
  periodMs: number,
  signal: AbortSignal,
): AsyncGenerator<void> {
  while (!signal.aborted) {
    yield;
    await pause(periodMs, signal);
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
