import type { Log } from "./logging.ts";
import { pauseIndexes, resumeIndexes } from "./pause_file.ts";

/**
 * Writes the control file `file` at signals: SIGUSR1 pauses all of `names`, SIGUSR2 resumes all. The agent finds it there
 * like what a command wrote. Windows has no such signals.
 */
export function listenForPauses(
  file: string,
  { names, log }: { names: readonly string[]; log: Log },
): AsyncDisposable {
  let writing = Promise.resolve();
  function write(action: () => Promise<unknown>): void {
    writing = writing.then(action).then(() => {}, (error) => {
      log.error("cannot do what the signal asks for", { error });
    });
  }
  const pause = () => write(() => pauseIndexes(file, names));
  const resume = () => write(() => resumeIndexes(file));
  const listeners = Deno.build.os === "windows"
    ? []
    : [["SIGUSR1", pause], ["SIGUSR2", resume]] as const;
  for (const [name, listener] of listeners) {
    Deno.addSignalListener(name, listener);
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const [name, listener] of listeners) {
        Deno.removeSignalListener(name, listener);
      }
      await writing;
    },
  };
}
