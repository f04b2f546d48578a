/**
 * A stand-in for JSR's `@std/yaml` where only the npm registry can be reached: `parse` and `stringify` of plain
 * data, without options, on npm's `yaml`. What is accepted here is accepted there, with the same result.
 */
import {
  parseAllDocuments,
  type SchemaOptions,
  stringify as write,
} from "yaml";

/** The types that the real package knows by default: those of YAML's core schema, and these. */
const SCHEMA: SchemaOptions = {
  schema: "core",
  customTags: ["binary", "merge", "omap", "pairs", "set", "timestamp"],
};

/**
 * The value that a YAML document stands for; `null` where it is empty.
 * @throws {SyntaxError} if `content` is not exactly one well-formed document.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parse } from "@std/yaml";
 * deepEqual(parse("id: 1\nname: Alice"), { id: 1, name: "Alice" });
 * ```
 */
export function parse(content: string): unknown {
  const documents = parseAllDocuments(content, SCHEMA);
  const [document, second] = documents;
  if (document === undefined) return null; // nothing but white space and comments
  if (second !== undefined) {
    throw new SyntaxError(
      "Found more than 1 document in the stream: expected a single document",
    );
  }
  // an unknown tag is only a warning to the library, the real package refuses it
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) {
    throw new SyntaxError(fault.message, { cause: fault });
  }
  try {
    return document.toJS();
  } catch (cause) { // an alias without its anchor, or far too many
    if (!(cause instanceof ReferenceError)) throw cause;
    throw new SyntaxError(cause.message, { cause });
  }
}

/**
 * The YAML document of `data`.
 * @throws {TypeError} if `data` holds what YAML has no type for: undefined, a function, a symbol.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { stringify } from "@std/yaml";
 * equal(stringify({ id: 1, name: "Alice" }), "id: 1\nname: Alice\n");
 * ```
 */
export function stringify(data: unknown): string {
  refuseForeign(data, new Set());
  return write(data, { ...SCHEMA, singleQuote: true });
}

/** Throws where the library would leave a value out without a word. */
function refuseForeign(value: unknown, above: Set<unknown>): void {
  if (["undefined", "function", "symbol"].includes(typeof value)) {
    throw new TypeError(`Cannot stringify ${typeof value}`);
  }
  if (typeof value !== "object" || value === null || above.has(value)) return;
  above.add(value);
  for (const part of Object.values(value)) refuseForeign(part, above);
}
