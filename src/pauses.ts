import type { Log } from "./logging.ts";
import { type PausedIndexes, readPauses } from "./pause_file.ts";

/** Which indexes are paused, as the control file says from time to time. */
export interface Pauses extends AsyncDisposable {
  /** Since when `index` is paused; nothing where it is not. */
  since(index: string): string | undefined;
  /** Aborted once `index` is paused. To be asked for again after it was resumed. */
  pausing(index: string): AbortSignal;
  /** Waits until `index` is not paused, or `signal` is aborted. */
  untilResumed(index: string, signal: AbortSignal): Promise<void>;
}

/** The control file is looked at this often. */
const LOOK_MS = 1_000;

/**
 * Opens the control file. One that is damaged later is told, and what was known before holds until it is mended.
 * @throws {EtlError} `config-invalid` when it is there and cannot be used.
 */
export async function openPauses(
  file: string,
  { log, lookMs = LOOK_MS }: { log: Log; lookMs?: number },
): Promise<Pauses> {
  let paused: PausedIndexes = await readPauses(file);
  let fault: string | undefined;
  const pausing = new Map<string, AbortController>();
  const resuming = new Map<string, AbortController>();
  let looking = Promise.resolve();
  let isLooking = false;

  async function look(): Promise<void> {
    try {
      paused = await readPauses(file);
      if (fault !== undefined) log.info("the control file is mended", { file });
      fault = undefined;
    } catch (error) {
      const told = error instanceof Error ? error.message : String(error);
      if (told !== fault) {
        log.error("cannot tell which indexes are paused, going on as before", {
          error,
        });
      }
      fault = told;
    }
    for (const index of paused.keys()) abort(pausing, index);
    for (const index of resuming.keys()) {
      if (!paused.has(index)) abort(resuming, index);
    }
  }

  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    looking = look().finally(() => {
      isLooking = false;
    });
  }, lookMs);

  return {
    since: (index) => paused.get(index),
    pausing(index) {
      if (paused.has(index)) return AbortSignal.abort();
      return signalOf(pausing, index);
    },
    async untilResumed(index, signal) {
      if (!paused.has(index) || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const signals = [signal, signalOf(resuming, index)];
      const end = () => resolve();
      for (const one of signals) one.addEventListener("abort", end);
      await promise;
      for (const one of signals) one.removeEventListener("abort", end);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
    },
  };
}

function signalOf(
  controllers: Map<string, AbortController>,
  index: string,
): AbortSignal {
  const controller = controllers.get(index) ?? new AbortController();
  controllers.set(index, controller);
  return controller.signal;
}

function abort(
  controllers: Map<string, AbortController>,
  index: string,
): void {
  const controller = controllers.get(index);
  controllers.delete(index);
  controller?.abort();
}
