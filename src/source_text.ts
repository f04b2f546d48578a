/** A document in an answer of `_mget`. */
export interface AnsweredDocument {
  readonly isFound: boolean;
  /** `_source` as it came, where it was asked for. */
  readonly source?: string;
  /** Where this one document could not be read: the type of the error. */
  readonly error?: string;
}

const SPACE = /\s*/y;
const SCALAR_END = /[,}\]\s]|$/g;
const STRUCTURE = /["{}[\]]/g;

/**
 * The documents of an answer of `_mget`, in its order, each `_source` cut out of the text: parsing would rewrite numbers.
 * @throws {SyntaxError} when the text is not such an answer.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { cutDocuments } from "./source_text.ts";
 * const answer = '{"docs":[{"_id":"1","found":true,"_source":{"n":1.0}},{"_id":"2","found":false}]}';
 * deepEqual(cutDocuments(answer), [{ isFound: true, source: '{"n":1.0}' }, { isFound: false }]);
 * ```
 */
export function cutDocuments(text: string): AnsweredDocument[] {
  const documents: AnsweredDocument[] = [];
  readMembers(text, 0, (name, at) => {
    if (name !== "docs") return skipValue(text, at);
    return readElements(text, at, (start) => {
      const [document, end] = cutDocument(text, start);
      documents.push(document);
      return end;
    });
  });
  return documents;
}

function cutDocument(text: string, at: number): [AnsweredDocument, number] {
  let isFound = false;
  let source: string | undefined;
  let error: string | undefined;
  const end = readMembers(text, at, (name, start) => {
    const end = skipValue(text, start);
    if (name === "found") isFound = text.startsWith("true", start);
    if (name === "_source") source = text.slice(start, end);
    if (name === "error") {
      error = /"type":"(\w+)"/.exec(text.slice(start, end))?.[1] ?? "unknown";
    }
    return end;
  });
  return [{
    isFound,
    ...(source === undefined ? {} : { source }),
    ...(error === undefined ? {} : { error }),
  }, end];
}

/** Hands each member of an object to `read`, which gives the place behind its value; gives the place behind the object. */
function readMembers(
  text: string,
  at: number,
  read: (name: string, at: number) => number,
): number {
  return readItems(text, skipSpace(text, at), {
    brackets: "{}",
    read(start) {
      const end = skipValue(text, start);
      const colon = expect(text, skipSpace(text, end), ":");
      return read(text.slice(start + 1, end - 1), skipSpace(text, colon));
    },
  });
}

function readElements(
  text: string,
  at: number,
  read: (at: number) => number,
): number {
  return readItems(text, at, { brackets: "[]", read });
}

function readItems(
  text: string,
  start: number,
  { brackets, read }: { brackets: "{}" | "[]"; read: (at: number) => number },
): number {
  let at = skipSpace(text, expect(text, start, brackets.charAt(0)));
  if (text[at] === brackets[1]) return at + 1;
  for (;;) {
    at = skipSpace(text, read(at));
    if (text[at] === brackets[1]) return at + 1;
    at = skipSpace(text, expect(text, at, ","));
  }
}

function expect(text: string, at: number, character: string): number {
  if (text[at] === character) return at + 1;
  throw new SyntaxError(
    `Cannot read an answer: no ${character} at character ${at}`,
  );
}

function skipSpace(text: string, at: number): number {
  if (text.charCodeAt(at) > 0x20) return at; // answers have none
  SPACE.lastIndex = at;
  SPACE.test(text);
  return SPACE.lastIndex;
}

/** The place behind the value that begins at `at`. */
function skipValue(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return skipString(text, at);
  if (first !== "{" && first !== "[") {
    SCALAR_END.lastIndex = at;
    return SCALAR_END.exec(text)?.index ?? text.length;
  }
  let depth = 0;
  STRUCTURE.lastIndex = at;
  for (;;) {
    const found = STRUCTURE.exec(text);
    if (found === null) {
      throw new SyntaxError("Cannot read an answer: it is cut off");
    }
    const [character] = found;
    if (character === '"') {
      STRUCTURE.lastIndex = skipString(text, found.index);
    } else if (character === "{" || character === "[") depth++;
    else if (--depth === 0) return found.index + 1;
  }
}

function skipString(text: string, at: number): number {
  let end = at;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) {
      throw new SyntaxError("Cannot read an answer: it is cut off");
    }
    let backslashCount = 0;
    while (text[end - 1 - backslashCount] === "\\") backslashCount++;
    if (backslashCount % 2 === 0) return end + 1;
  }
}
