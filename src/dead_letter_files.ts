import { basename, dirname, join } from "node:path";
import {
  type DeadLetterFile,
  markFile,
  readLetters,
} from "./dead_letter_file.ts";
import { type DeadLetter, isAsNew } from "./dead_letter_line.ts";

/** A letter that is outstanding, and the file that it is in. */
export interface Outstanding {
  readonly letter: DeadLetter;
  readonly file: DeadLetterFile;
}

/**
 * The files of dead letters that there are, from the oldest to the one that is written to; those of `known` that are
 * still the same are not read again.
 * @throws {EtlError} `dead-letters-invalid` when one is damaged.
 */
export async function readFiles(
  path: string,
  known: readonly DeadLetterFile[] = [],
): Promise<DeadLetterFile[]> {
  const found: DeadLetterFile[] = [];
  for (const place of [...await listFull(path), path]) {
    const mark = await markFile(place);
    if (mark === undefined) continue;
    const same = known.find((file) =>
      file.path === place && file.mark === mark
    );
    const file = same ?? await readLetters(place);
    if (file !== undefined) found.push(file);
  }
  return found;
}

/** The files that the one at `path` was renamed to when it was full, from the oldest. */
export async function listFull(path: string): Promise<string[]> {
  const prefix = `${basename(path)}.`;
  const numbers: number[] = [];
  for await (const { name } of Deno.readDir(dirname(path))) {
    if (!name.startsWith(prefix)) continue;
    const number = name.slice(prefix.length);
    if (/^[1-9]\d{0,14}$/.test(number)) numbers.push(Number(number));
  }
  return numbers.toSorted((one, other) => one - other)
    .map((number) => join(dirname(path), `${prefix}${number}`));
}

/** The newest letter of each document in `files`, which are given from the oldest, by its name. */
export function gatherLetters(
  files: readonly DeadLetterFile[],
): Map<string, Outstanding> {
  const outstanding = new Map<string, Outstanding>();
  for (const file of files) {
    for (const [name, { letter }] of file.letters) {
      const before = outstanding.get(name)?.letter;
      if (before !== undefined && !isAsNew(letter.version, before.version)) {
        continue;
      }
      outstanding.set(name, { letter, file });
    }
  }
  return outstanding;
}
