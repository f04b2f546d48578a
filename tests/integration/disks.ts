import { ok } from "node:assert/strict";

/** A file system of a test's own; disposing of it takes it away. */
export interface Disk extends Disposable {
  /** Lets nobody write to it until it is disposed of. */
  lock(): Disposable;
}

/** Whether this process may make file systems: root alone may, and not in every container. */
export function canMount(): boolean {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = Deno.makeTempDirSync();
  const { success } = run(["mount", "-t", "tmpfs", "tmpfs", folder]);
  if (success) run(["umount", folder]);
  Deno.removeSync(folder);
  return success;
}

/** Makes a folder with room for 64 KB. */
export async function mountSmallDisk(folder: string): Promise<Disk> {
  await Deno.mkdir(folder);
  mount(["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
  return {
    lock() {
      mount(["-o", "remount,ro", folder]);
      return { [Symbol.dispose]: () => mount(["-o", "remount,rw", folder]) };
    },
    // lazily: an agent that is not ended yet may have a file open
    [Symbol.dispose]: () => void run(["umount", "--lazy", folder]),
  };
}

/** Writes a file until there is no room. */
export async function fillDisk(file: string): Promise<void> {
  using opened = await Deno.open(file, { write: true, create: true });
  const block = new Uint8Array(4_096);
  try {
    for (;;) await opened.write(block);
  } catch (error) {
    const isFull = error instanceof Error && "code" in error &&
      error.code === "ENOSPC";
    if (!isFull) throw error;
  }
}

/**
 * The words to put before a command line whose process is to keep to the modes of files and folders: root does not,
 * unless these rights are taken from it.
 */
export function asMortal(): readonly string[] {
  if (Deno.uid() !== 0) return [];
  return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--"];
}

function mount(args: readonly string[]): void {
  const { success, stderr } = run(["mount", ...args]);
  ok(success, new TextDecoder().decode(stderr));
}

function run([program = "", ...args]: readonly string[]): Deno.CommandOutput {
  return new Deno.Command(program, { args }).outputSync();
}
