import { closest, distance } from "fastest-levenshtein";
import type { z } from "zod";

/** A line and a column of a file, both counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Something wrong in a file: where, at which key, and what to write instead. */
export interface Fault extends Place {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Where the keys and the values of a file stand. */
export interface Places {
  /** The place of the value at `path`, or of the nearest thing around it. */
  readonly locate: (path: readonly (string | number)[]) => Place;
  /** The place of the key at `path`, or of the nearest thing around it. */
  readonly locateKey: (path: readonly (string | number)[]) => Place;
}

/**
 * A path as people write it.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { formatPath } from "./config_faults.ts";
 * equal(formatPath(["indexes", 0, "watch", 1, "table"]), "indexes[0].watch[1].table");
 * equal(formatPath(["settings", "index.mode"]), 'settings["index.mode"]');
 * ```
 */
export function formatPath(path: readonly (string | number)[]): string {
  let written = "";
  for (const part of path) {
    if (typeof part === "number") written += `[${part}]`;
    else if (!/^[\w@<-]+$/.test(part)) written += `[${JSON.stringify(part)}]`;
    else written += written === "" ? part : `.${part}`;
  }
  return written;
}

/** More lines than this, or longer ones, nobody reads: the file is something else than it is taken for. */
const MAX_LINES = 100;
/** As {@linkcode MAX_LINES}. */
const MAX_LENGTH = 2_000;

/**
 * The faults as lines for people, in the order of the file, each once; a hundred at most.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { formatFaults } from "./config_faults.ts";
 * const fault = { line: 3, column: 7, path: ["retry"], message: "is a list, write a map" };
 * deepEqual(formatFaults([fault], "config.yaml"), ["config.yaml:3:7: retry: is a list, write a map"]);
 * ```
 */
export function formatFaults(
  faults: readonly Fault[],
  file: string,
): readonly string[] {
  const ordered = faults.toSorted((one, other) =>
    one.line - other.line || one.column - other.column
  );
  const lines = ordered.map(({ line, column, path, message }) => {
    const key = path.length === 0 ? "" : `${formatPath(path)}: `;
    return `${file}:${line}:${column}: ${key}${message}`;
  });
  const told = [...new Set(lines)];
  const restCount = told.length - MAX_LINES;
  if (restCount > 0) {
    const rest = `${file}: and ${restCount} more, mend these first`;
    told.splice(MAX_LINES, restCount, rest);
  }
  return told.map((line) =>
    line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line
  );
}

/** The faults that a schema found, each at its place. Unknown keys are told one by one. */
export function faultsOf(
  issues: readonly z.core.$ZodIssue[],
  places: Places,
): readonly Fault[] {
  return issues.flatMap((issue) => faultsOfIssue(issue, places, []));
}

function faultsOfIssue(
  issue: z.core.$ZodIssue,
  places: Places,
  parent: readonly (string | number)[],
): readonly Fault[] {
  const path = [...parent, ...issue.path.map(toPathPart)];
  if (issue.code === "unrecognized_keys") {
    // The schema words one line for each key, in the order of the keys.
    const messages = issue.message.split("\n");
    return issue.keys.map((key, at) => ({
      ...places.locateKey([...path, key]),
      // `password:secret`, without a space, is a key too
      path: [...path, key.replace(/:.*/s, ":…")],
      message: messages[at] ?? "is not known, delete it",
    }));
  }
  if (issue.code === "invalid_union") {
    // The branch that took the kind of value knows what is wrong within it.
    const within = issue.errors.find((branch) =>
      branch.every((inner) =>
        inner.path.length > 0 || inner.code === "unrecognized_keys"
      )
    );
    if (within !== undefined) {
      return within.flatMap((inner) => faultsOfIssue(inner, places, path));
    }
  }
  return [{ ...places.locate(path), path, message: issue.message }];
}

function toPathPart(part: PropertyKey): string | number {
  return typeof part === "number" ? part : String(part);
}

/**
 * What to say of a key that is not in `known`, with the nearest one that is.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { describeUnknownKey } from "./config_faults.ts";
 * equal(describeUnknownKey("hots", ["host", "port"]), "is not a known key, write host");
 * equal(describeUnknownKey("colour", ["host", "port"]), "is not a known key, write one of host, port");
 * ```
 */
export function describeUnknownKey(
  key: string,
  known: readonly string[],
): string {
  const nearest = nearestOf(key, known);
  const remedy = nearest ?? `one of ${known.join(", ")}`;
  return `is not a known key, write ${remedy}`;
}

/** The one of `known` that `word` is most likely a slip of, if there is one. */
export function nearestOf(
  word: string,
  known: readonly string[],
): string | undefined {
  const lower = word.toLowerCase().replaceAll("-", "_");
  const nearest = closest(lower, [...known]);
  const limit = Math.max(2, Math.floor(nearest.length / 3));
  const near = distance(lower, nearest) <= limit ||
    (lower.length > 3 && (nearest.includes(lower) || lower.includes(nearest)));
  return near ? nearest : undefined;
}
