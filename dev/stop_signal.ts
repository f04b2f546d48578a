/** Listens for the wish to stop; disposing of it listens no more. */
export interface StopSignal extends Disposable {
  /** Resolves at the first SIGINT (Ctrl-C) or SIGTERM. */
  readonly promise: Promise<void>;
}

/** Takes SIGINT and SIGTERM, which would end this process before it stops its servers. */
export function untilStopped(): StopSignal {
  const { promise, resolve } = Promise.withResolvers<void>();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, resolve);
  return {
    promise,
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, resolve);
    },
  };
}
