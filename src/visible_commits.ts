import { z } from "zod";
import type { Source, Statement } from "./postgres.ts";
import { pause } from "./ticks.ts";

const SNAPSHOT: Statement<{ snapshot: string }> = {
  label: "pg_current_snapshot",
  sql: "select pg_current_snapshot()::text as snapshot",
  row: z.object({ snapshot: z.string().regex(/^\d+:\d+:(?:\d+(?:,\d+)*)?$/) }),
  isRepeated: true,
};

/** The log tells of a commit a moment before other sessions see it; with a standby that is waited for, long before. */
const LOOK_MS = { first: 1, last: 100 };

/** Waits until every one of `xids`, which are committed, is seen by whoever reads from now on. */
export async function untilVisible(
  source: Source,
  xids: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  let rest = xids;
  for (let waitMs = LOOK_MS.first; rest.length > 0;) {
    const [row] = await source.query(SNAPSHOT, { signal });
    if (row === undefined) throw new RangeError("Cannot look: no row came");
    rest = findHidden(row.snapshot, rest);
    if (rest.length === 0) return;
    await pause(waitMs, signal);
    signal.throwIfAborted();
    waitMs = Math.min(2 * waitMs, LOOK_MS.last);
  }
}

/**
 * Those of `xids` that a snapshot does not see: numbers of 32 bits, where the snapshot has 64.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { findHidden } from "./visible_commits.ts";
 * deepEqual(findHidden("100:105:101,103", [99, 101, 102, 105]), [101, 105]);
 * deepEqual(findHidden("4294967295:4294967300:4294967297", [4294967295, 1, 2, 5]), [1, 5]);
 * ```
 */
export function findHidden(
  snapshot: string,
  xids: readonly number[],
): readonly number[] {
  const [, end = "0", open = ""] = snapshot.split(":");
  const next = Number(BigInt(end) & 0xffff_ffffn);
  const running = new Set(
    open === ""
      ? []
      : open.split(",").map((xid) => Number(BigInt(xid) & 0xffff_ffffn)),
  );
  // compared modulo 2^32, as PostgreSQL itself does
  return xids.filter((xid) =>
    running.has(xid) || ((next - 1 - xid) >>> 0) >= 0x8000_0000
  );
}
