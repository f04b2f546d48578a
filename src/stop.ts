/** How a run is asked to end: `drain` is looked at between batches, `kill` cuts what is under way. */
export interface Stop {
  readonly drain: AbortSignal;
  readonly kill: AbortSignal;
}

/** The first abort of `drain` leaves `graceMs` before `kill` follows. */
export function stopAfter(drain: AbortSignal, graceMs: number): Stop {
  const kill = new AbortController();
  function begin(): void {
    Deno.unrefTimer(setTimeout(() => kill.abort(drain.reason), graceMs));
  }
  if (drain.aborted) begin();
  else drain.addEventListener("abort", begin, { once: true });
  return { drain, kill: kill.signal };
}
