import { PRIVATE_MODE } from "./file_replacement.ts";

/** A file that only one process has locked at a time. */
export interface FileLock {
  /**
   * Runs `action` while nobody else has the lock; the file is made, and stays.
   * @throws the reason of `signal`, when it ends the wait.
   */
  hold<Result>(
    action: () => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result>;
}

/** Makes a lock of the file at `path`; to be held once at a time. */
export function createFileLock(path: string): FileLock {
  /** A wait that was ended goes on in the system: it is over before the next one begins. */
  let abandoned = Promise.resolve();

  return {
    async hold(action, signal) {
      const ended = Promise.withResolvers<never>();
      const end = () => ended.reject(signal.reason);
      ended.promise.catch(() => {}); // where nothing waits any more
      signal.addEventListener("abort", end, { once: true });
      try {
        await Promise.race([abandoned, ended.promise]);
        const file = await Deno.open(path, {
          write: true,
          create: true,
          mode: PRIVATE_MODE,
        });
        if (signal.aborted) end();
        const locking = file.lock(true);
        try {
          await Promise.race([locking, ended.promise]);
        } catch (error) {
          // closing gives back a lock that comes too late
          abandoned = locking.catch(() => {}).then(() => file.close());
          throw error;
        }
        try {
          return await action();
        } finally {
          file.close();
        }
      } finally {
        signal.removeEventListener("abort", end);
      }
    },
  };
}
