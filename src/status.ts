import type { Log } from "./logging.ts";
import type { Summary } from "./pipeline.ts";

/** Counts what the passes of an index do, and tells it from time to time. */
export interface Status extends Disposable {
  /** Takes in a pass that began at `startedMs`, of `performance.now()`. */
  add(summary: Summary, startedMs: number): void;
  /** Tells from now on that the index is paused, `since` when. */
  pause(since: string): void;
  /** Tells again what is done. */
  resume(): void;
}

/** Opens the status of one index: a line every `periodMs` with what was done since the last. */
export function openStatus(log: Log, periodMs: number): Status {
  const openedMs = performance.now();
  let caughtUpMs: number | undefined;
  let pausedSince: string | undefined;
  let since = { passes: 0, written: 0, superseded: 0, rejected: 0 };

  const timer = setInterval(() => {
    const lagMs = performance.now() - (caughtUpMs ?? openedMs);
    const lagSeconds = Math.round(lagMs / 1000);
    // whatever was committed longer ago than this is in the index
    if (pausedSince !== undefined) {
      log.info("paused", { ...since, since: pausedSince });
    } else if (caughtUpMs === undefined) log.info("loading", { ...since });
    else log.info("all is well", { ...since, lagSeconds });
    since = { passes: 0, written: 0, superseded: 0, rejected: 0 };
  }, periodMs);

  return {
    add({ kind, written, superseded, rejected, finished }, startedMs) {
      since.passes++;
      since.written += written;
      since.superseded += superseded;
      since.rejected += rejected;
      if (kind === "follow" && finished) caughtUpMs = startedMs;
    },
    pause(since) {
      pausedSince = since;
    },
    resume() {
      pausedSince = undefined;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
