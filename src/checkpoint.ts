import { EtlError } from "./failure.ts";
import { entryOf, type Position } from "./position.ts";
import type { Persister } from "./retry.ts";
import { readState, writeState } from "./state_file.ts";

/** The state file, open: the one saver for all indexes of an agent. */
export interface Checkpoint {
  /** Where `index` stands, if it was ever saved. */
  load(index: string): Position | undefined;
  /** The indexes that are known. */
  names(): readonly string[];
  /**
   * Saves where `index` stands; on return it is on disk.
   *
   * Tried again while the disk is full or not writable. Saves that come while one is written are written as one.
   */
  save(index: string, position: Position, signal: AbortSignal): Promise<void>;
  /** Remembers where `index` stands: saved only where the last save is `maxAgeMs` ago, since it costs a sync of the disk. Returns whether it was. */
  keep(
    index: string,
    position: Position,
    options: { maxAgeMs: number; signal: AbortSignal },
  ): Promise<boolean>;
  /**
   * Saves where several indexes stand in one step, and forgets those without a position; on return it is on disk. For an
   * index that takes the place of another.
   */
  replace(
    changes: ReadonlyMap<string, Position | undefined>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Replication slots that this agent made, or was about to make: it is to drop them once no index follows them. */
  slots(): readonly string[];
  /** Names a slot that is about to be made; on return it is on disk. */
  claimSlot(slot: string, signal: AbortSignal): Promise<void>;
  /** Takes the name of a slot that is gone out again; on return it is on disk. */
  releaseSlot(slot: string, signal: AbortSignal): Promise<void>;
  /** Forgets where `index` stands, so that it is loaded from the beginning; on disk with the next save. */
  forget(index: string): void;
}

/**
 * Opens the state file; a file that is not there is an empty state, and so is one that is to be replaced.
 * @throws {EtlError} `checkpoint-invalid` when it is there and cannot be read: never a silent fresh start;
 * `config-invalid` when this process has no permission to write it, which time cannot mend.
 */
export async function openCheckpoint(
  file: string,
  persister: Persister,
  { isReplaced = false }: { isReplaced?: boolean } = {},
): Promise<Checkpoint> {
  await checkPermission(file);
  let { positions, slots } = isReplaced
    ? { positions: {}, slots: await readSlots(file) }
    : await readState(file);
  let writing = Promise.resolve();
  let waiting: Promise<void> | undefined;
  let writtenMs = performance.now();

  async function write(signal: AbortSignal): Promise<void> {
    await persister.persist(
      () => writeState(file, { positions, slots }),
      signal,
    );
    writtenMs = performance.now();
  }

  function replace(
    changes: ReadonlyMap<string, Position | undefined>,
    signal: AbortSignal,
  ): Promise<void> {
    const entries = new Map([...Object.entries(positions), ...changes]);
    positions = Object.fromEntries(
      [...entries].flatMap(([index, position]) =>
        position === undefined ? [] : [[index, position]]
      ),
    );
    return writeNext(signal);
  }

  function writeNext(signal: AbortSignal): Promise<void> {
    // whoever comes while a write waits for its turn is written by it
    waiting ??= writing = writing.catch(() => {}).then(() => {
      waiting = undefined;
      return write(signal);
    });
    return waiting;
  }

  return {
    load: (index) => entryOf(positions, index),
    names: () => Object.keys(positions),
    save: (index, position, signal) =>
      replace(new Map([[index, position]]), signal),
    replace,
    async keep(index, position, { maxAgeMs, signal }) {
      if (performance.now() - writtenMs >= maxAgeMs) {
        await replace(new Map([[index, position]]), signal);
        return true;
      }
      positions = { ...positions, [index]: position };
      return false;
    },
    slots: () => slots,
    claimSlot(slot, signal) {
      // also one that is named: the write of before may have been given up
      slots = [...new Set([...slots, slot])];
      return writeNext(signal);
    },
    async releaseSlot(slot, signal) {
      if (!slots.includes(slot)) return;
      slots = slots.filter((other) => other !== slot);
      await writeNext(signal);
    },
    forget(index) {
      const { [index]: _, ...others } = positions;
      positions = others;
    },
  };
}

/** The slots that a file names which is replaced, whatever is wrong with it. */
async function readSlots(file: string): Promise<readonly string[]> {
  try {
    return (await readState(file)).slots;
  } catch (error) {
    if (error instanceof EtlError) return [];
    throw error;
  }
}

/**
 * Makes sure that the state file may be written, without touching it.
 * @throws {EtlError} `config-invalid` when this process has no permission to, which time cannot mend.
 */
export async function checkPermission(file: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "write", path: file });
  if (state === "granted") return;
  const fault = `Cannot write state file ${file}: the agent is not permitted ` +
    "to. Write state_file_name: with a file in the agent's own folder";
  throw new EtlError({ kind: "config-invalid", faults: [fault] });
}
