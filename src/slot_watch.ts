import type { FeedOptions } from "./feed_ground.ts";
import { dropFreedSlot, readSlot } from "./postgres_slot.ts";
import type { SlotNotice } from "./telemetry.ts";
import { ticks } from "./ticks.ts";

const LOOK_MS = 1_000;

/** At this share of what may be kept it is said. */
const WARNING_SHARE = 0.8;

/**
 * Looks after a slot, whoever uses it, until `signal` is aborted: PostgreSQL keeps the log for a slot until its disk is full, so a slot that has too much is dropped,
 * whatever its indexes do.
 */
export function watchSlot(
  { wal, postgres, source, secrets, log }: FeedOptions,
  { signal, onNotice, onFull }: {
    signal: AbortSignal;
    onNotice: (notice: SlotNotice | undefined) => void;
    /** Called with what drops the slot when it has too much. */
    onFull: (drop: () => Promise<void>) => Promise<void>;
  },
): AsyncDisposable {
  const { slot: name, maxSlotBytes: maxBytes } = wal;
  let isTold = false;

  async function look(): Promise<void> {
    const slot = await readSlot(source, name, signal);
    if (slot === undefined || !slot.isFit) return onNotice(undefined);
    const { keptBytes, lagBytes } = slot;
    onNotice({ slot: name, keptBytes, lagBytes, maxBytes });
    if (keptBytes > maxBytes) {
      log.error(
        "PostgreSQL keeps too much of its log for the replication slot: dropping it, and going on by polling",
        { slot: name, keptBytes, maxBytes },
      );
      await onFull(() =>
        dropFreedSlot(postgres, { name, secrets, log, signal })
      );
      onNotice(undefined);
      return;
    }
    const isMuch = keptBytes > WARNING_SHARE * maxBytes;
    if (isMuch && !isTold) {
      log.warning(
        "PostgreSQL keeps much of its log for the replication slot: at max_slot_size it is dropped",
        { slot: name, keptBytes, maxBytes },
      );
    }
    isTold = isMuch;
  }

  async function run(): Promise<void> {
    for await (const _ of ticks(LOOK_MS, signal)) {
      try {
        await look();
      } catch (error) {
        if (signal.aborted) return;
        log.debug("the replication slot cannot be looked after", { error });
      }
    }
  }

  const watching = run();
  return { [Symbol.asyncDispose]: () => watching };
}
