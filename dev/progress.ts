// deno-lint-ignore-file no-console -- these programs speak to the person who runs them

const running = new Map<string, number>();

let ticker: ReturnType<typeof setInterval> | undefined;

/**
 * Tells on standard error that `what` is being done, and how long it took.
 * On a terminal a line counts the seconds; otherwise plain lines are written.
 * Throws what `work` throws.
 */
export async function showStep<T>(
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const startedMs = performance.now();
  running.set(what, startedMs);
  if (Deno.stderr.isTerminal()) {
    ticker ??= setInterval(drawRunning, 200);
    drawRunning();
  } else {
    console.error(`${what} ...`);
  }
  let outcome = "failed after";
  try {
    const result = await work();
    outcome = "done in";
    return result;
  } finally {
    running.delete(what);
    if (running.size === 0) {
      clearInterval(ticker);
      ticker = undefined;
    }
    eraseLine();
    console.error(`${what}: ${outcome} ${seconds(startedMs)}`);
    drawRunning();
  }
}

/** Writes a line for the person to standard output. */
export function tell(line: string): void {
  console.log(line);
}

/** Runs a program; when it fails, one line says why and the exit status is 1. */
export async function runProgram(program: () => Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    // what throws plain errors words them for people; the rest is a fault of the program
    const worded = error instanceof Error && error.constructor === Error;
    console.error(worded ? error.message : error);
    Deno.exitCode = 1;
  }
}

/** Writes a heading for the person; bold on a terminal, never with NO_COLOR. */
export function tellHeading(text: string): void {
  const bold = Deno.stdout.isTerminal() && !Deno.noColor;
  tell(bold ? `\n\x1b[1m${text}\x1b[22m` : `\n${text}`);
}

/** The time since `startedMs` of `performance.now()`, for people, e.g. `1.3 s`. */
export function seconds(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}

function drawRunning(): void {
  if (!Deno.stderr.isTerminal() || running.size === 0) return;
  const steps = [...running].map(([what, startedMs]) =>
    `${what} (${seconds(startedMs)})`
  );
  const { columns } = Deno.consoleSize();
  eraseLine();
  writeError(steps.join(", ").slice(0, (columns || 80) - 1));
}

function eraseLine(): void {
  if (Deno.stderr.isTerminal()) writeError("\r\x1b[K");
}

function writeError(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}
