import { nameLetter, readLine } from "./dead_letter_file.ts";
import {
  gatherLetters,
  type Outstanding,
  readFiles,
} from "./dead_letter_files.ts";
import { parseDeadLetter } from "./dead_letter_line.ts";
import type { DeadLetterReport } from "./status_report.ts";

/** The dead letters of one index. */
export interface DeadLetterSummary {
  readonly count: number;
  /** The newest first; at most {@linkcode MAX_NEWEST}. */
  readonly newest: readonly DeadLetterReport[];
}

/** Looks at the files of the dead letters, without the lock and without any right to write. */
export interface DeadLetterView {
  /** Those that are outstanding, by index; what cannot be read is left out, and told by whoever has to write it. */
  count(): Promise<ReadonlyMap<string, number>>;
  /** The same, with the newest. */
  summarize(): Promise<ReadonlyMap<string, DeadLetterSummary>>;
}

/** Of none. */
export const NO_LETTERS: DeadLetterSummary = { count: 0, newest: [] };

const MAX_NEWEST = 10;

/** More of a document nobody reads on a page; some have 90 MiB. */
const MAX_DOCUMENT_LENGTH = 10_000;

/** Opens it; a file is read again when it has changed. */
export function openDeadLetterView(
  path: string,
  { showsDocuments }: { showsDocuments: boolean },
): DeadLetterView {
  let files: Awaited<ReturnType<typeof readFiles>> = [];
  let looking: Promise<void> | undefined;

  /** Whoever comes while it is looked is told what is found then. */
  function look(): Promise<void> {
    looking ??= readFiles(path, files)
      .then((found) => {
        files = found;
      }, () => {})
      .finally(() => {
        looking = undefined;
      });
    return looking;
  }

  async function gather(): Promise<Map<string, Outstanding[]>> {
    await look();
    const letters = [...gatherLetters(files).values()];
    return Map.groupBy(letters, ({ letter }) => letter.index);
  }

  async function report({ letter, file }: Outstanding) {
    const { id, type, field, time } = letter;
    const document = showsDocuments
      ? await readDocument(file.path, {
        ...letter,
        line: file.letters.get(nameLetter(letter.index, id))?.line,
      })
      : undefined;
    return {
      ...{ id, type, at: time },
      ...(field === undefined ? {} : { field }),
      ...(document === undefined ? {} : { document }),
    };
  }

  return {
    async count() {
      const counts = [...await gather()].map(([index, letters]) =>
        [index, letters.length] as const
      );
      return new Map(counts);
    },
    async summarize() {
      const summaries = new Map<string, DeadLetterSummary>();
      for (const [index, letters] of await gather()) {
        const newest: DeadLetterReport[] = [];
        const ordered = letters.toSorted((one, other) =>
          one.letter.time < other.letter.time ? 1 : -1
        );
        for (const outstanding of ordered.slice(0, MAX_NEWEST)) {
          newest.push(await report(outstanding));
        }
        summaries.set(index, { count: letters.length, newest });
      }
      return summaries;
    },
  };
}

/** The document of a letter as it was sent, its end cut off where it is long; nothing where the file has changed meanwhile. */
async function readDocument(
  path: string,
  { line, index, id }: {
    line: number | undefined;
    index: string;
    id: string;
  },
): Promise<string | undefined> {
  const text = line === undefined ? undefined : await readLine(path, line);
  if (text === undefined) return undefined;
  const letter = parseDeadLetter(text);
  if (letter?.index !== index || letter.id !== id) return undefined;
  const start = text.indexOf(DOCUMENT);
  if (start < 0) return undefined;
  const document = text.slice(start + DOCUMENT.length, -1);
  return document.length > MAX_DOCUMENT_LENGTH
    ? `${document.slice(0, MAX_DOCUMENT_LENGTH)}…`
    : document;
}

/** What stands before the document in a line; within a text its quotes would have a backslash before them. */
const DOCUMENT = ',"document":';
