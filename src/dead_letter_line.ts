import { z } from "zod";
import type { RefusedDocument } from "./operations.ts";

/** A document that is refused for good, less what may be large. */
export interface DeadLetter {
  /** When it was refused, in ISO 8601. */
  readonly time: string;
  /** The index, as the configuration calls it. */
  readonly index: string;
  readonly id: string;
  /** The number of the reading that was refused, if it had one. */
  readonly version?: string;
  /** The type of the error, and the field that it is about. */
  readonly type: string;
  readonly field?: string;
}

const Line = z.looseObject({
  time: z.string(),
  index: z.string().min(1),
  id: z.string(),
  version: z.string().regex(/^\d+$/).nullable(),
  error: z.looseObject({
    type: z.string(),
    reason: z.string().optional(),
    field: z.string().optional(),
  }),
});

/**
 * The line of a dead letter: one JSON object, whose document has the bytes that were sent, less secrets.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { formatDeadLetter } from "./dead_letter_line.ts";
 * const refused = { key: "7", type: "id_length", version: "12", document: '{"price":1.50,"note":"hunter2"}' };
 * const redact = (text: string) => text.replaceAll("hunter2", "***");
 * equal(
 *   formatDeadLetter(refused, { time: "2026-01-01T00:00:00.000Z", index: "movies", redact }),
 *   '{"time":"2026-01-01T00:00:00.000Z","index":"movies","id":"7","version":"12",' +
 *     '"error":{"type":"id_length"},"document":{"price":1.50,"note":"***"}}\n',
 * );
 * ```
 */
export function formatDeadLetter(
  { key, version, type, reason, field, document }: RefusedDocument,
  { time, index, redact }: {
    time: string;
    index: string;
    redact: (text: string) => string;
  },
): string {
  const error = {
    type,
    ...(reason === undefined ? {} : { reason: redact(reason) }),
    ...(field === undefined ? {} : { field }),
  };
  // index and id tell which document it is: without them it could not be read again
  const head = { time, index, id: key, version: version ?? null, error };
  const body = document === undefined ? "null" : redactJson(document, redact);
  return `${JSON.stringify(head).slice(0, -1)},"document":${body}}\n`;
}

/** The letter in a line; none where the line has another form. */
export function parseDeadLetter(line: string): DeadLetter | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { success, data } = Line.safeParse(value);
  if (!success) return undefined;
  const { time, index, id, version, error: { type, field } } = data;
  return {
    ...{ time, index, id, type },
    ...(version === null ? {} : { version }),
    ...(field === undefined ? {} : { field }),
  };
}

/**
 * Whether a reading with the number `version` is as new as the one that was refused, or newer; without numbers it is.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { isAsNew } from "./dead_letter_line.ts";
 * equal(isAsNew("10", "9"), true);
 * equal(isAsNew("9", "10"), false);
 * equal(isAsNew(undefined, "10"), true);
 * ```
 */
export function isAsNew(
  version: string | undefined,
  refused: string | undefined,
): boolean {
  if (version === undefined || refused === undefined) return true;
  return BigInt(version) >= BigInt(refused);
}

/** The JSON text with its texts and numbers redacted one by one, so that it stays JSON; the rest keeps its bytes. */
function redactJson(text: string, redact: (text: string) => string): string {
  try {
    JSON.parse(text);
  } catch {
    return JSON.stringify(redact(text)); // a line must remain a line
  }
  const parts: string[] = [];
  let doneTo = 0;
  for (const { start, end } of findScalars(text)) {
    const value = valueOf(text.slice(start, end));
    const shown = redact(value);
    if (shown === value) continue;
    parts.push(text.slice(doneTo, start), JSON.stringify(shown));
    doneTo = end;
  }
  return parts.join("") + text.slice(doneTo);
}

function valueOf(scalar: string): string {
  if (!scalar.startsWith('"')) return scalar;
  if (!scalar.includes("\\")) return scalar.slice(1, -1);
  return z.string().parse(JSON.parse(scalar));
}

/** No secret that is redacted is shorter, and a document may have millions of shorter ones. */
const MIN_SCALAR_LENGTH = 4;

const QUOTE = '"'.charCodeAt(0);
const BACKSLASH = "\\".charCodeAt(0);

/**
 * Where the texts and numbers are in a JSON text that may hold a secret. By hand: a regular expression needs a stack as long as the longest text,
 * and a document may have 90 MiB.
 */
function* findScalars(
  json: string,
): Generator<{ start: number; end: number }> {
  for (let start = 0; start < json.length; start++) {
    const code = json.charCodeAt(start);
    let end = start + 1;
    if (code === QUOTE) {
      while (json.charCodeAt(end) !== QUOTE) {
        end += json.charCodeAt(end) === BACKSLASH ? 2 : 1;
      }
      end++;
    } else if (isOfNumber(code)) {
      while (isOfNumber(json.charCodeAt(end))) end++;
    } else continue;
    if (end - start >= MIN_SCALAR_LENGTH) yield { start, end };
    start = end - 1;
  }
}

/** Whether a number may have this character; outside of texts nothing else has it but `true` and `false`, one letter of each. */
function isOfNumber(code: number): boolean {
  return NUMBER_CODES.has(code);
}

const NUMBER_CODES = new Set(
  [..."0123456789.eE+-"].map((char) => char.charCodeAt(0)),
);
