/** The pause between two looks at what a process is doing. */
export const POLL_MS = 25;

/** Sends a signal to a process, or to the group -`pid`; a process that is gone already needs none. */
export function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound ||
      error instanceof TypeError; // Deno's own word for a child it has collected
    if (!gone) throw error;
  }
}

/** Waits, in milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
