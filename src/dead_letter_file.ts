import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import {
  type DeadLetter,
  isAsNew,
  parseDeadLetter,
} from "./dead_letter_line.ts";
import {
  codeOf,
  PRIVATE_MODE,
  removeFile,
  replaceFile,
  syncFolder,
  writeAll,
} from "./file_replacement.ts";
import { EtlError } from "./failure.ts";

/** One of the files that dead letters are in, as it was when it was looked at last. */
export interface DeadLetterFile {
  /** Its path; changes when it is renamed. */
  path: string;
  /** Tells whether it is still the same. */
  mark: string;
  /** Where its last whole line ends. */
  usedBytes: number;
  /** Whether the line break of its last line is missing. */
  isOpen: boolean;
  lineCount: number;
  /** By {@linkcode nameLetter}, the newest letter of each document in this file. */
  letters: Map<string, PlacedLetter>;
}

/** A letter, and its line, from 1. */
export interface PlacedLetter {
  readonly letter: DeadLetter;
  readonly line: number;
}

const CHUNK_BYTES = 65_536;

/** One name for the document that a letter is of. */
export function nameLetter(index: string, id: string): string {
  return `${index}\n${id}`;
}

/** What tells that a file was changed or replaced; nothing where there is none. */
export async function markFile(path: string): Promise<string | undefined> {
  try {
    return markOf(await Deno.stat(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function markOf({ ino, size, mtime }: Deno.FileInfo): string {
  return `${ino} ${size} ${mtime?.getTime()}`;
}

/**
 * Reads a file of dead letters, line by line. A last line that was cut off is left out: it was never counted.
 * @throws {EtlError} `dead-letters-invalid` for any other line that is no dead letter.
 */
export async function readLetters(
  path: string,
): Promise<DeadLetterFile | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw invalid(path, `it cannot be read, code is ${codeOf(error)}`);
  }
  try {
    const found: DeadLetterFile = {
      ...{ path, mark: markOf(await file.stat()) },
      ...{ usedBytes: 0, isOpen: false, lineCount: 0, letters: new Map() },
    };
    for await (const { bytes, isWhole } of readLines(file)) {
      const letter = parseDeadLetter(new TextDecoder().decode(bytes));
      const line = found.lineCount + 1;
      const isBlank = bytes.every((byte) => byte <= 0x20);
      if (letter === undefined && !isWhole) break;
      if (letter === undefined && !isBlank) {
        throw invalid(path, `line ${line} is no dead letter`);
      }
      found.lineCount = line;
      found.usedBytes += bytes.length + (isWhole ? 1 : 0);
      found.isOpen = !isWhole;
      if (letter !== undefined) place(found, { letter, line });
    }
    return found;
  } catch (error) {
    if (error instanceof EtlError) throw error;
    throw invalid(path, `it cannot be read, code is ${codeOf(error)}`);
  } finally {
    file.close();
  }
}

/** The text of one line of a file, from 1; nothing where it has none, or is gone. */
export async function readLine(
  path: string,
  line: number,
): Promise<string | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch {
    return undefined;
  }
  try {
    let place = 0;
    for await (const { bytes } of readLines(file)) {
      if (++place === line) return new TextDecoder().decode(bytes);
    }
    return undefined;
  } finally {
    file.close();
  }
}

function invalid(file: string, detail: string): EtlError {
  return new EtlError({ kind: "dead-letters-invalid", file, detail });
}

function place(file: DeadLetterFile, placed: PlacedLetter): void {
  const { letter: { index, id, version } } = placed;
  const name = nameLetter(index, id);
  const before = file.letters.get(name)?.letter;
  if (before !== undefined && !isAsNew(version, before.version)) return;
  file.letters.set(name, placed);
}

/** Adds lines to a file, which is made where it has none; on return they are on disk. */
export async function appendLetters(
  file: DeadLetterFile,
  { text, letters }: { text: string; letters: readonly DeadLetter[] },
): Promise<void> {
  const { path, usedBytes, isOpen } = file;
  const bytes = new TextEncoder().encode(isOpen ? `\n${text}` : text);
  const opened = await Deno.open(path, {
    write: true,
    create: true,
    mode: PRIVATE_MODE,
  });
  try {
    await makePrivate(path, await opened.stat());
    await opened.truncate(usedBytes); // less what was cut off
    try {
      await opened.seek(usedBytes, Deno.SeekMode.Start);
      await writeAll(opened, bytes);
      await opened.sync();
    } catch (error) {
      await opened.truncate(usedBytes).catch(() => {});
      throw error;
    }
    if (usedBytes === 0) await syncFolder(dirname(path));
    file.mark = markOf(await opened.stat());
  } finally {
    opened.close();
  }
  file.usedBytes += bytes.length;
  file.isOpen = false;
  for (const letter of letters) {
    file.lineCount++;
    place(file, { letter, line: file.lineCount });
  }
}

/** A file that somebody put there may be readable by others. */
async function makePrivate(path: string, { mode }: Deno.FileInfo) {
  const isPrivate = mode === null || (mode & 0o077) === 0;
  if (isPrivate || Deno.build.os === "windows") return;
  await Deno.chmod(path, PRIVATE_MODE);
}

/** Leaves in a file the letters for which `isKept` holds, and nothing superseded; without any it is removed. */
export async function keepLetters(
  file: DeadLetterFile,
  isKept: (name: string) => boolean,
): Promise<void> {
  const kept = [...file.letters].filter(([name]) => isKept(name));
  if (kept.length === 0) {
    await removeFile(file.path);
    await syncFolder(dirname(file.path));
    file.letters = new Map();
    return;
  }
  const lines = new Set(kept.map(([, { line }]) => line));
  let usedBytes = 0;
  await replaceFile(file.path, async (draft) => {
    const source = await Deno.open(file.path);
    try {
      let line = 0;
      for await (const { bytes } of readLines(source)) {
        line++;
        if (!lines.has(line)) continue;
        await writeAll(draft, Buffer.concat([bytes, Buffer.from("\n")]));
        usedBytes += bytes.length + 1;
      }
    } finally {
      source.close();
    }
  });
  const inOrder = kept.toSorted(([, one], [, other]) => one.line - other.line);
  file.letters = new Map(
    inOrder.map(([name, { letter }], place) => [name, {
      letter,
      line: place + 1,
    }]),
  );
  Object.assign(file, { usedBytes, isOpen: false, lineCount: kept.length });
  file.mark = await markFile(file.path) ?? "";
}

/** Gives a file another name. */
export async function renameLetters(
  file: DeadLetterFile,
  path: string,
): Promise<void> {
  await Deno.rename(file.path, path);
  await syncFolder(dirname(path));
  file.path = path;
}

/** The lines of a file, each without its line break; one at a time is in memory. */
async function* readLines(
  file: Deno.FsFile,
): AsyncGenerator<{ bytes: Uint8Array; isWhole: boolean }> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  let parts: Uint8Array[] = [];
  for (;;) {
    const count = await file.read(chunk);
    if (count === null) break;
    let start = 0;
    for (;;) {
      const end = chunk.subarray(0, count).indexOf(0x0a, start);
      if (end < 0) break;
      parts.push(chunk.slice(start, end));
      yield { bytes: Buffer.concat(parts), isWhole: true };
      parts = [];
      start = end + 1;
    }
    if (start < count) parts.push(chunk.slice(start, count));
  }
  if (parts.length > 0) yield { bytes: Buffer.concat(parts), isWhole: false };
}
