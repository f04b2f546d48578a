import pLimit from "p-limit";
import {
  appendLetters,
  type DeadLetterFile,
  keepLetters,
  markFile,
  nameLetter,
  renameLetters,
} from "./dead_letter_file.ts";
import {
  gatherLetters,
  listFull,
  type Outstanding,
  readFiles,
} from "./dead_letter_files.ts";
import {
  type DeadLetter,
  formatDeadLetter,
  isAsNew,
} from "./dead_letter_line.ts";
import { EtlError } from "./failure.ts";
import { createFileLock } from "./file_lock.ts";
import { codeOf } from "./file_replacement.ts";
import type { Key } from "./keys.ts";
import type { RefusedDocument } from "./operations.ts";
import type { Persister } from "./retry.ts";

/**
 * The files of the dead letters: the one that is written to, and those that it was renamed to when it was full.
 *
 * Other processes may change them too: each change is made under a lock, to what is there by then. Nothing that is
 * outstanding is ever dropped.
 */
export interface DeadLetterStore {
  /** All that is outstanding. */
  list(signal: AbortSignal): Promise<readonly DeadLetter[]>;
  /** Adds documents of an index, in place of earlier refusals of theirs; returns all of the index that are outstanding. */
  add(
    index: string,
    refused: readonly RefusedDocument[],
    signal: AbortSignal,
  ): Promise<readonly DeadLetter[]>;
  /** Takes out documents of an index, unless a newer reading than `version` was refused. */
  remove(
    index: string,
    keys: readonly Key[],
    reading: { version: string | undefined; signal: AbortSignal },
  ): Promise<void>;
}

/** Opens the files; what is there is looked at when it is needed. Of `path`, beside it and with a number behind it. */
export function openDeadLetterStore(
  path: string,
  { maxBytes, persister, redact }: {
    /** The size at which a new file is begun. */
    maxBytes: number;
    persister: Persister;
    redact: (text: string) => string;
  },
): DeadLetterStore {
  const inTurn = pLimit(1);
  const lock = createFileLock(`${path}.lock`);
  /** From the oldest to the one that is written to. */
  let files: DeadLetterFile[] = [];
  let outstanding = new Map<string, Outstanding>();

  /** Runs `action` on what is there, alone, for as long as it takes until the disk does it. */
  function change<Result>(
    action: () => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    async function attempt(): Promise<Result> {
      try {
        return await lock.hold(async () => {
          await look();
          return await action();
        }, signal);
      } catch (error) {
        if (error instanceof EtlError || error === signal.reason) throw error;
        const code = codeOf(error);
        throw new EtlError(
          { kind: "dead-letters-unwritable", file: path, code },
          { cause: error },
        );
      }
    }
    return inTurn(() => persister.persist(attempt, signal));
  }

  /** Reads what was changed since the last look. */
  async function look(): Promise<void> {
    const found = await readFiles(path, files);
    const isSame = found.length === files.length &&
      found.every((file, place) => file === files[place]);
    if (isSame) return;
    files = found;
    outstanding = gatherLetters(files);
  }

  /** The file to write to, with room for so many bytes more, unless these alone are too many. */
  async function makeRoom(byteCount: number): Promise<DeadLetterFile> {
    const current = files.find((file) => file.path === path);
    const fresh: DeadLetterFile = {
      ...{ path, mark: "", usedBytes: 0, isOpen: false },
      ...{ lineCount: 0, letters: new Map() },
    };
    const add = (file: DeadLetterFile) => {
      files.push(file);
      return file;
    };
    if (current === undefined) return add(fresh);
    if (current.usedBytes + byteCount <= maxBytes) return current;
    await keepLetters(
      current,
      (name) => outstanding.get(name)?.file === current,
    );
    if (current.letters.size === 0) {
      files = files.filter((file) => file !== current);
      return add(fresh);
    }
    // with more left, soon it would be written anew again, for little
    const isRoomy = current.usedBytes <= maxBytes / 2 &&
      current.usedBytes + byteCount <= maxBytes;
    if (isRoomy) return current;
    const last = (await listFull(path)).at(-1);
    const number = last === undefined ? 0 : Number(last.split(".").at(-1));
    await renameLetters(current, `${path}.${number + 1}`);
    return add(fresh);
  }

  /** Removes the full files in which nothing is outstanding. */
  async function removeIdle(): Promise<void> {
    const used = new Set([...outstanding.values()].map(({ file }) => file));
    for (const file of files) {
      if (file.path === path || used.has(file)) continue;
      await keepLetters(file, () => false);
      files = files.filter((other) => other !== file);
    }
  }

  function ofIndex(index: string): DeadLetter[] {
    return [...outstanding.values()].map(letterOf).filter((letter) =>
      letter.index === index
    );
  }

  return {
    async list(signal) {
      const isNew = files.length === 0 &&
        await markFile(path) === undefined &&
        (await listFull(path)).length === 0;
      if (isNew) return []; // nothing is made where nothing was ever refused
      return await change(
        () => Promise.resolve([...outstanding.values()].map(letterOf)),
        signal,
      );
    },

    add: (index, refused, signal) =>
      change(async () => {
        const added = refused.filter(({ key, version }) =>
          isAsNew(
            version,
            outstanding.get(nameLetter(index, key))?.letter.version,
          )
        );
        if (added.length === 0) return ofIndex(index);
        const time = new Date().toISOString();
        const text = added.map((document) =>
          formatDeadLetter(document, { time, index, redact })
        ).join("");
        const letters = added.map(({ key, version, type, field }) => ({
          ...{ time, index, id: key, type },
          ...(version === undefined ? {} : { version }),
          ...(field === undefined ? {} : { field }),
        }));
        const file = await makeRoom(new TextEncoder().encode(text).length);
        await appendLetters(file, { text, letters });
        for (const letter of letters) {
          outstanding.set(nameLetter(index, letter.id), { letter, file });
        }
        await removeIdle();
        return ofIndex(index);
      }, signal),

    async remove(index, keys, { version, signal }) {
      const names = () =>
        keys.map((key) => nameLetter(index, key)).filter((name) => {
          const found = outstanding.get(name);
          return found !== undefined && isAsNew(version, found.letter.version);
        });
      // called for every answer: one look at one file, where nothing is outstanding
      const known = files.find((file) => file.path === path)?.mark;
      const isKnown = known === await markFile(path).catch(() => undefined);
      if (isKnown && (outstanding.size === 0 || names().length === 0)) return;
      await change(async () => {
        const removed = new Set(names());
        if (removed.size === 0) return;
        // from the oldest on: a crash in between brings back nothing that was superseded
        for (const file of [...files]) {
          if (![...removed].some((name) => file.letters.has(name))) continue;
          await keepLetters(
            file,
            (name) =>
              !removed.has(name) && outstanding.get(name)?.file === file,
          );
          if (file.letters.size > 0) continue;
          files = files.filter((other) => other !== file);
        }
        for (const name of removed) outstanding.delete(name);
      }, signal);
    },
  };
}

function letterOf({ letter }: Outstanding): DeadLetter {
  return letter;
}
