import type { RejectionsConfig } from "./config_schema.ts";
import { gatherLetters, readFiles } from "./dead_letter_files.ts";
import { openDeadLetterStore } from "./dead_letter_store.ts";
import type { DeadLetter } from "./dead_letter_line.ts";
import { EtlError } from "./failure.ts";
import type { Key } from "./keys.ts";
import { createRedactor } from "./log_line.ts";
import type { RefusedDocument } from "./operations.ts";
import type { Persister } from "./retry.ts";

/** The documents of one index that are refused for good. */
export interface DeadLetters {
  /**
   * Adds these documents, in place of earlier refusals of theirs; on return they are on disk.
   * @throws {EtlError} `rejections-exceeded` when they are too many by now; these are on disk.
   */
  record(
    refused: readonly RefusedDocument[],
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Takes out those of `keys` that were refused in this reading or an earlier one, now that they are settled; on return
   * they are gone from the disk.
   */
  clear(
    keys: readonly Key[],
    reading: { version: string | undefined; signal: AbortSignal },
  ): Promise<void>;
}

/** Dead letters that are kept nowhere: for a trial. */
export const NO_DEAD_LETTERS: DeadLetters = {
  record: () => Promise.resolve(),
  clear: () => Promise.resolve(),
};

/** The dead letters of all indexes. */
export interface DeadLetterOffice {
  /** Those of the index that the configuration calls `index`. */
  of(index: string): DeadLetters;
  /** All that are outstanding now, whichever index they are of. */
  list(signal: AbortSignal): Promise<readonly DeadLetter[]>;
}

/**
 * Opens the dead letters of a configuration.
 * @throws {EtlError} `dead-letters-invalid` when a file is damaged: nothing is lost or overwritten; `config-invalid` when
 * this process has no permission to write it, which time cannot mend.
 */
export async function openDeadLetters(
  { file, maxBytes, stopAfter = Infinity }: RejectionsConfig,
  { persister, secrets, signal }: {
    persister: Persister;
    secrets: ReadonlySet<string>;
    signal: AbortSignal;
  },
): Promise<DeadLetterOffice> {
  await checkPermission(file);
  const redact = createRedactor(secrets);
  const store = openDeadLetterStore(file, { maxBytes, persister, redact });
  await store.list(signal);
  return {
    list: (signal) => store.list(signal),
    of: (index) => ({
      async record(refused, signal) {
        if (refused.length === 0) return;
        const letters = await store.add(index, refused, signal);
        if (letters.length <= stopAfter) return;
        throw new EtlError({
          kind: "rejections-exceeded",
          index,
          count: letters.length,
          ...findCommonest(letters),
        });
      },
      async clear(keys, reading) {
        if (keys.length > 0) await store.remove(index, keys, reading);
      },
    }),
  };
}

/**
 * The ids of an index's dead letters, as far as they can be read: without the lock, and without any right to write.
 */
export async function peekDeadIds(
  file: string,
  index: string,
): Promise<Set<string>> {
  try {
    const letters = gatherLetters(await readFiles(file)).values();
    return new Set(
      [...letters].filter(({ letter }) => letter.index === index)
        .map(({ letter: { id } }) => id),
    );
  } catch {
    return new Set(); // they are another user's, or damaged: whoever changes them says so
  }
}

async function checkPermission(file: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "write", path: file });
  if (state === "granted") return;
  const fault = `Cannot write dead-letter file ${file}: the agent is not ` +
    "permitted to. Write rejections.file: with a file in the agent's own folder";
  throw new EtlError({ kind: "config-invalid", faults: [fault] });
}

/**
 * The type and field that most letters have.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { findCommonest } from "./dead_letters.ts";
 * const letters = [{ type: "id_length" }, { type: "parsing", field: "a" }, { type: "parsing", field: "a" }];
 * deepEqual(findCommonest(letters), { type: "parsing", field: "a" });
 * ```
 */
export function findCommonest(
  letters: readonly Pick<DeadLetter, "type" | "field">[],
): { type: string; field?: string } {
  const groups = Map.groupBy(
    letters,
    ({ type, field = "" }) => `${type}\n${field}`,
  );
  const [[first] = []] = [...groups.values()]
    .toSorted((one, other) => other.length - one.length);
  const { type = "unknown", field } = first ?? {};
  return field === undefined ? { type } : { type, field };
}
