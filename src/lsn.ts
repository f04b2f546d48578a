/** A place in PostgreSQL's write-ahead log, in bytes from its beginning. */
export type Lsn = bigint;

/**
 * The place that PostgreSQL writes as two hexadecimal numbers.
 * @throws {RangeError} where it is no such text.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { parseLsn } from "./lsn.ts";
 * equal(parseLsn("16/B374D848"), 0x16_B374_D848n);
 * ```
 */
export function parseLsn(text: string): Lsn {
  const [, high, low] = /^([\dA-F]{1,8})\/([\dA-F]{1,8})$/i.exec(text) ?? [];
  if (high === undefined || low === undefined) {
    throw new RangeError(`Cannot read ${text}: it is no place in the log`);
  }
  return BigInt(`0x${high}`) << 32n | BigInt(`0x${low}`);
}

/**
 * The place as PostgreSQL writes it.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { formatLsn } from "./lsn.ts";
 * equal(formatLsn(0x16_B374_D848n), "16/B374D848");
 * ```
 */
export function formatLsn(lsn: Lsn): string {
  const low = lsn & 0xffff_ffffn;
  return [lsn >> 32n, low].map((part) => part.toString(16).toUpperCase())
    .join("/");
}
