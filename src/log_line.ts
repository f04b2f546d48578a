/** What happened, as data: numbers, names, an `error`. Never a row value. */
export type LogFields = Readonly<Record<string, unknown>>;

/** What a log line is made of. */
export interface LogEvent {
  readonly timestampMs: number;
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** What a value may be once it is ready to be written. */
type Plain = string | number | boolean | null | Plain[] | {
  [name: string]: Plain;
};

/** A shorter secret would black out ordinary words. */
const MIN_SECRET_LENGTH = 4;

/** Deeper than any field of ours; also ends a cycle. */
const MAX_DEPTH = 5;

/** What would end the line, or let a terminal show another text than the one written. */
const UNSAFE =
  // deno-lint-ignore no-control-regex -- control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

const LEVEL_COLORS: Readonly<Record<string, string>> = {
  debug: "\x1b[2m",
  warning: "\x1b[33m",
  error: "\x1b[31m",
};

/**
 * One line for people. Values with spaces, quotes or control characters are quoted as in JSON.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { formatText } from "./log_line.ts";
 * const fields = { index: "movies", indexed: 5, reason: "no space" };
 * const event = { timestampMs: 0, level: "info", message: "pass finished", fields };
 * equal(
 *   formatText(event),
 *   '1970-01-01T00:00:00.000Z INFO  movies: pass finished indexed=5 reason="no space"',
 * );
 * ```
 */
export function formatText(
  { timestampMs, level, message, fields }: LogEvent,
  { colors = false }: { colors?: boolean } = {},
): string {
  const { index, ...others } = fields;
  const color = colors ? LEVEL_COLORS[level] : undefined;
  const name = level === "warning" ? "WARN " : level.toUpperCase().padEnd(5);
  const time = new Date(timestampMs).toISOString();
  const head = color === undefined ? name : `${color}${name}\x1b[0m`;
  const place = index === undefined ? "" : `${quote(index)}: `;
  const pairs = Object.entries(others)
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => ` ${escapeUnsafe(field)}=${quote(value)}`);
  return `${time} ${head} ${place}${escapeUnsafe(message)}${pairs.join("")}`;
}

/**
 * One JSON object: time, level and message, then the fields; one whose name is taken gets a `_` after it.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { formatJson } from "./log_line.ts";
 * const event = { timestampMs: 0, level: "info", message: "started", fields: { level: 3 } };
 * equal(
 *   formatJson(event),
 *   '{"time":"1970-01-01T00:00:00.000Z","level":"info","message":"started","level_":3}',
 * );
 * ```
 */
export function formatJson(
  { timestampMs, level, message, fields }: LogEvent,
): string {
  const time = new Date(timestampMs).toISOString();
  const line: Record<string, unknown> = { time, level, message };
  for (const [field, value] of Object.entries(fields)) {
    line[field in line ? `${field}_` : field] = value;
  }
  return escapeUnsafe(JSON.stringify(line));
}

/**
 * Shows each of the `secrets` as `***`, those too that come later, also where one is encoded for a URL; one of less than
 * four characters is left.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { createRedactor } from "./log_line.ts";
 * equal(createRedactor(new Set(["tester100"]))("user:tester100@host"), "user:***@host");
 * ```
 */
export function createRedactor(
  secrets: ReadonlySet<string>,
): (text: string) => string {
  let pattern = patternOf(secrets);
  let count = secrets.size;
  return (text) => {
    if (secrets.size !== count) {
      pattern = patternOf(secrets);
      count = secrets.size;
    }
    return pattern === undefined ? text : text.replaceAll(pattern, "***");
  };
}

function patternOf(secrets: ReadonlySet<string>): RegExp | undefined {
  const parts = [...secrets]
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .flatMap((secret) => [secret, encodeURIComponent(secret)]) // as in a URL
    .toSorted((a, b) => b.length - a.length) // one may be the start of another
    .map((part) => part.replaceAll(/[^\p{L}\p{N}]/gu, "\\$&"));
  return parts.length === 0 ? undefined : new RegExp(parts.join("|"), "g");
}

/** What is taken out of fields, and what is added. */
export interface PlainOptions {
  readonly redact: (text: string) => string;
  readonly withStack: boolean;
}

/** The fields as they are written: errors as their message, without secrets, without what JSON cannot hold. */
export function toPlain(
  fields: LogFields,
  options: PlainOptions,
  depth = 0,
): Record<string, Plain> {
  const plain: Record<string, Plain> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    plain[options.redact(name)] = toPlainValue(value, options, depth);
    if (value instanceof Error && options.withStack) {
      plain["stack"] = options.redact(value.stack ?? "");
    }
  }
  return plain;
}

function toPlainValue(
  value: unknown,
  options: PlainOptions,
  depth: number,
): Plain {
  if (value === null || typeof value === "boolean") return value;
  if (value instanceof Error) return options.redact(value.message);
  if (value instanceof Date) return options.redact(formatDate(value));
  if (typeof value === "object") {
    if (depth >= MAX_DEPTH) return "…";
    if (!Array.isArray(value)) return toPlain({ ...value }, options, depth + 1);
    return value.map((part) => toPlainValue(part, options, depth + 1));
  }
  const text = options.redact(String(value));
  const isExact = typeof value === "number" && Number.isFinite(value) &&
    text === String(value);
  return isExact ? value : text;
}

function formatDate(date: Date): string {
  return Number.isNaN(date.getTime()) ? "invalid date" : date.toISOString();
}

function quote(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const isSafe = /^[^\s"=\\]+$/.test(text) && text.search(UNSAFE) === -1;
  if (isSafe || typeof value !== "string") return escapeUnsafe(text);
  return escapeUnsafe(JSON.stringify(value));
}

/** The text with each unsafe character as JSON writes it; inside of a JSON string it stays the same string. */
export function escapeUnsafe(text: string): string {
  return text.replaceAll(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
