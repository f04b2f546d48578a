import {
  type MemberNode,
  type NullNode,
  parse,
  type ValueNode,
} from "@humanwhocodes/momoa";
import type { Fault, Place, Places } from "./config_faults.ts";

type Path = readonly (string | number)[];
type Entry = { readonly key: Place; readonly value: Place };

/** Elasticsearch takes 20 levels of fields, of two here, unless told otherwise (`index.mapping.depth.limit`). */
const MAX_DEPTH = 1_000;

/** Thrown where a text has more levels; before that the stack may have come to its end, which is where V8 happens to put it. */
class TooDeep extends RangeError {
  readonly line: number;
  readonly column: number;

  constructor({ line, column }: Place) {
    super("too many levels");
    this.line = line;
    this.column = column;
  }
}

/** A JSON text with its places, and what is wrong with it as JSON. */
export interface JsonReading extends Places {
  readonly value: unknown;
  readonly faults: readonly Fault[];
}

/** Reads JSON strictly: no comments, no trailing commas, no name twice in an object. */
export function readJson(text: string): JsonReading {
  const entries = new Map<string, Entry>();
  const faults: Fault[] = [];
  const locateEntry = (path: Path): Entry => {
    for (let length = path.length; length >= 0; length--) {
      const entry = entries.get(JSON.stringify(path.slice(0, length)));
      if (entry !== undefined) return entry;
    }
    return { key: { line: 1, column: 1 }, value: { line: 1, column: 1 } };
  };
  let value: unknown;
  try {
    visit(parse(text, { mode: "json" }).body, [], { entries, faults });
    value = JSON.parse(text);
  } catch (error) {
    // both parsers call themselves for each level, and the stack is their only bound: of 3,000 levels it held some
    const message = error instanceof RangeError
      ? "is nested too deeply, write it in fewer levels"
      : "cannot be read as JSON: a value, quote, comma, colon or " +
        "bracket is missing or one too many, write it as JSON";
    faults.push({ ...placeOfError(error), path: [], message });
  }
  return {
    value,
    faults,
    locate: (path) => locateEntry(path).value,
    locateKey: (path) => locateEntry(path).key,
  };
}

interface Gathered {
  readonly entries: Map<string, Entry>;
  readonly faults: Fault[];
}

function visit(
  node: ValueNode | NullNode,
  path: Path,
  gathered: Gathered,
): void {
  const { entries } = gathered;
  const key = JSON.stringify(path);
  const start = toPlace(node.loc.start);
  if (path.length > MAX_DEPTH) throw new TooDeep(start);
  if (!entries.has(key)) entries.set(key, { key: start, value: start });
  if (node.type === "Array") {
    node.elements.forEach(({ value }, at) => {
      visit(value, [...path, at], gathered);
    });
  }
  if (node.type === "Object") {
    node.members.forEach((member) => visitMember(member, path, gathered));
  }
}

function visitMember(
  { name, value }: MemberNode,
  path: Path,
  gathered: Gathered,
): void {
  const inner = [...path, name.type === "String" ? name.value : name.name];
  const key = toPlace(name.loc.start);
  const entry = JSON.stringify(inner);
  if (gathered.entries.has(entry)) {
    const message = "is there twice, delete one of the two";
    gathered.faults.push({ ...key, path: inner, message });
    return;
  }
  const compound = value.type === "Object" || value.type === "Array";
  gathered.entries.set(entry, {
    key,
    value: compound ? key : toPlace(value.loc.start),
  });
  visit(value, inner, gathered);
}

function toPlace({ line, column }: Place): Place {
  return { line, column };
}

function placeOfError(error: unknown): Place {
  if (!(error instanceof Error)) return { line: 1, column: 1 };
  if (!("line" in error) || !("column" in error)) return { line: 1, column: 1 };
  return { line: Number(error.line), column: Number(error.column) };
}
