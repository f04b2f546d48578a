import type { z } from "zod";
import { byteSize, present, section, text } from "./config_scalars.ts";

/** How the log is followed. */
export interface WalConfig {
  /** The name of the replication slot. */
  readonly slot: string;
  readonly publication: string;
  /** How much of the log PostgreSQL may keep for the slot before the agent gives it up. */
  readonly maxSlotBytes: number;
}

/** The section as it is written. */
export type WrittenWal =
  & Partial<Pick<WalConfig, "slot" | "publication">>
  & Pick<WalConfig, "maxSlotBytes">;

/** PostgreSQL cuts longer names off. */
const MAX_NAME_LENGTH = 63;

/** Schema of the section `wal`. */
export function walSchema(): z.ZodType<WrittenWal> {
  const slotRemedy = "write a name of small letters, digits and _, 63 at most";
  const publicationRemedy = "write a name of 63 characters at most";
  return section({
    slot: text(slotRemedy).regex(/^[a-z0-9_]{1,63}$/, {
      error: `is not the name of a replication slot, ${slotRemedy}`,
    }).optional().meta({
      description:
        "The replication slot, one for each agent; made where it is not there",
      preset: "`pg2es_` and the database",
      bounds: "small letters, digits and `_`",
    }),
    publication: text(publicationRemedy).max(MAX_NAME_LENGTH, {
      error: `is too long, ${publicationRemedy}`,
    }).optional().meta({
      description:
        "The publication of the watched tables; made where the agent may",
      preset: "as `slot`",
      bounds: "63 characters",
    }),
    max_slot_size: byteSize({ from: "16MB", to: "10000GB" }).prefault("1GB")
      .describe(
        "How much of its log PostgreSQL may keep for the slot: at that it is dropped, and made anew later",
      ),
  }).transform(({ slot, publication, max_slot_size: maxSlotBytes }) => ({
    ...present({ slot, publication }),
    maxSlotBytes,
  }));
}

/**
 * The section with every name filled in.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { completeWal } from "./config_wal.ts";
 * deepEqual(completeWal({ maxSlotBytes: 9 }, "My Shop"), { slot: "pg2es_my_shop", publication: "pg2es_my_shop", maxSlotBytes: 9 });
 * ```
 */
export function completeWal(
  { slot, publication, maxSlotBytes }: WrittenWal,
  database: string,
): WalConfig {
  const named = `pg2es_${database}`.toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, "_").slice(0, MAX_NAME_LENGTH);
  const name = slot ?? named;
  return { slot: name, publication: publication ?? name, maxSlotBytes };
}
