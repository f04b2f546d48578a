import type { Checkpoint } from "./checkpoint.ts";
import type { KeptPositions } from "./kept_position.ts";
import type { Position } from "./position.ts";

/** How late a position that moved may be kept. */
const MOVED_MS = 3_000;

/**
 * A checkpoint that keeps what it saves in Elasticsearch too, and saves nothing once `assertHeld` throws: by then another
 * agent's file may be there.
 */
export function keepPositions(
  checkpoint: Checkpoint,
  { kept, assertHeld, onSave }: {
    kept: KeptPositions | undefined;
    assertHeld: () => void;
    /** Called when the position of `index` is on disk. */
    onSave: (index: string) => void;
  },
): Checkpoint {
  return {
    ...checkpoint,
    async save(index, position, signal) {
      assertHeld();
      const before = checkpoint.load(index);
      await checkpoint.save(index, position, signal);
      onSave(index);
      const isTurn = (before?.load === undefined) !==
        (position.load === undefined);
      kept?.note(
        index,
        position,
        isTurn || before === undefined ? 0 : MOVED_MS,
      );
    },
    async replace(changes, signal) {
      assertHeld();
      await checkpoint.replace(changes, signal);
      for (const [index, position] of changes) {
        if (position === undefined) continue;
        onSave(index);
        kept?.note(index, position, 0);
      }
    },
    async claimSlot(slot, signal) {
      assertHeld();
      await checkpoint.claimSlot(slot, signal);
    },
    async releaseSlot(slot, signal) {
      assertHeld();
      await checkpoint.releaseSlot(slot, signal);
    },
    async keep(index, position, options) {
      assertHeld();
      const isSaved = await checkpoint.keep(index, position, options);
      kept?.note(index, position, Math.max(MOVED_MS, options.maxAgeMs));
      return isSaved;
    },
  };
}

/**
 * The position to go on from: the later one of one source, by the number of the last reading; that on disk where they are
 * equal.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { laterPosition } from "./kept_checkpoint.ts";
 * const source = { system: "1", database: "movies" };
 * const index = { name: "movies-1", uuid: "a" };
 * const disk = { source, index, low: "", seen: {}, document_version: "9" };
 * equal(laterPosition(disk, { ...disk, document_version: "10" })?.document_version, "10");
 * equal(laterPosition(disk, { ...disk }), disk);
 * ```
 */
export function laterPosition(
  disk: Position | undefined,
  kept: Position | undefined,
): Position | undefined {
  if (disk === undefined || kept === undefined) return disk ?? kept;
  const isOfOneSource = disk.source.system === kept.source.system &&
    disk.source.database === kept.source.database;
  // the disk says which source was read last
  return isOfOneSource && numberOf(kept) > numberOf(disk) ? kept : disk;
}

function numberOf({ document_version: version }: Position): bigint {
  return BigInt(version ?? "0");
}
