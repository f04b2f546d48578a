import { stringify } from "yaml";

const WIDTH = 80;

/**
 * A text as a scalar of YAML in which no variable is filled in.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { scalar } from "./init_yaml_text.ts";
 * equal(scalar("film_work"), "film_work");
 * equal(scalar("a ${B}: c"), '"a $${B}: c"');
 * ```
 */
export function scalar(text: string): string {
  return UNSEEN.test(text)
    ? JSON.stringify(escapeVariables(text)) // which is YAML, on one line
    : stringify(escapeVariables(text), { lineWidth: 0 }).trimEnd();
}

const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}]/u;

/** A text with what would be a variable of the configuration as the characters themselves. */
export function escapeVariables(text: string): string {
  return text.replaceAll("${", () => "$${");
}

/** The variable `name`, with the value that it has where it is not set. */
export function variable(name: string, value: string): string {
  if (/[{}]/.test(value) || UNSEEN.test(value)) return scalar(value);
  return stringify(`\${${name}:-${value}}`, { lineWidth: 0 }).trimEnd();
}

/**
 * A text as lines of a comment, each of at most 80 characters where the words allow it.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { comment } from "./init_yaml_text.ts";
 * deepEqual(comment("One row a document.", "  "), ["  # One row a document."]);
 * ```
 */
export function comment(text: string, indent = ""): string[] {
  const [first = "", ...words] = oneLine(text).split(" ");
  const lines: string[] = [];
  let line = `${indent}# ${first}`;
  for (const word of words) {
    if (line.length + 1 + word.length <= WIDTH) line += ` ${word}`;
    else {
      lines.push(line);
      line = `${indent}# ${word}`;
    }
  }
  return [...lines, line];
}

/** A title as a comment, with items below it to be taken as they are; nothing where there are none. */
export function commentList(
  title: string,
  items: readonly string[],
  indent: string,
): string[] {
  if (items.length === 0) return [];
  const lines = items.map((item) => `${indent}#   ${oneLine(item)}`);
  return [...comment(title, indent), ...lines];
}

/** No name in a comment may end it. */
function oneLine(text: string): string {
  return text.replaceAll(new RegExp(UNSEEN, "gu"), " ");
}
