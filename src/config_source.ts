import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  Scalar,
  type YAMLMap,
} from "yaml";
import type { Fault, Place, Places } from "./config_faults.ts";
import { expandVariables } from "./config_variables.ts";
import { describeYamlError } from "./config_yaml_errors.ts";

/** Deeper than any configuration, and shallow enough for every walk over it. */
const MAX_DEPTH = 32;
/** Nodes after aliases are followed: a bound for files that unfold themselves. */
const MAX_NODES = 100_000;

/** A YAML file as plain values, every scalar a string with its variables filled in. */
export interface Source extends Places {
  readonly value: unknown;
  /** What is wrong with the file as YAML, or with its variables. */
  readonly faults: readonly Fault[];
  /** The names of the variables that are filled in at `path`. */
  readonly variablesIn: (path: Path) => readonly string[];
}

type Path = readonly (string | number)[];
type Offsets = { readonly key: number; readonly value: number };

/** What a walk over the nodes gathers. */
interface Walk {
  readonly text: string;
  readonly env: Readonly<Record<string, string>>;
  readonly offsets: Map<string, Offsets>;
  readonly anchors: Map<string, Node>;
  /** The nodes that are being read: an alias of one of them would never end. */
  readonly open: Set<Node>;
  readonly variables: Map<string, readonly string[]>;
  readonly fault: (offset: number, path: Path, message: string) => void;
  nodeCount: number;
}

/** Reads `text` as YAML and fills in `${NAME}` from `env` after parsing, so that no value can change the structure. */
export function readSource(
  text: string,
  env: Readonly<Record<string, string>>,
): Source {
  const lines = new LineCounter();
  const faults: Fault[] = [];
  const offsets = new Map<string, Offsets>();
  const toPlace = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const fault = (offset: number, path: Path, message: string) => {
    faults.push({ ...toPlace(offset), path, message });
  };
  const variables = new Map<string, readonly string[]>();
  const walk: Walk = {
    text,
    env,
    offsets,
    anchors: new Map(),
    open: new Set(),
    variables,
    fault,
    nodeCount: 0,
  };
  const value = readValue(walk, lines);
  return {
    value,
    faults,
    locate: (path) => toPlace(nearest(offsets, path).value),
    locateKey: (path) => toPlace(nearest(offsets, path).key),
    variablesIn: (path) => variables.get(JSON.stringify(path)) ?? [],
  };
}

function readValue(walk: Walk, lines: LineCounter): unknown {
  const document = parse(walk, lines);
  if (document === undefined) return undefined;
  const path: Path = [];
  const errors = [...document.errors, ...document.warnings];
  const told = new Set<number>();
  for (const { code, pos } of errors) {
    // One error makes others on its line.
    const { line } = lines.linePos(pos[0]);
    if (!told.has(line)) walk.fault(pos[0], path, describeYamlError(code));
    told.add(line);
  }
  if (errors.length > 0) return undefined;
  if (isMap(document.contents)) return readNode(walk, document.contents, path);
  walk.fault(0, path, "is not a map, write keys such as `postgres:` in it");
}

function parse(walk: Walk, lines: LineCounter): Document | undefined {
  try {
    return parseDocument(walk.text, {
      schema: "failsafe",
      lineCounter: lines,
      prettyErrors: false,
      // Told by readMap: the parser would compare each key with each other.
      uniqueKeys: false,
    });
  } catch {
    // The parser calls itself for each level, and the stack is its only bound.
    walk.fault(0, [], "is nested too deeply, write it in fewer levels");
    return undefined;
  }
}

function readNode(walk: Walk, node: unknown, path: Path): unknown {
  if (isAlias(node)) return readAlias(walk, node, path);
  if (!isMap(node) && !isSeq(node) && !isScalar(node)) return undefined;
  const offset = node.range?.[0] ?? 0;
  walk.nodeCount++;
  if (path.length > MAX_DEPTH || walk.nodeCount > MAX_NODES) {
    // Said once: everything after it would be said as well.
    const first = walk.nodeCount <= MAX_NODES + 1;
    walk.nodeCount = MAX_NODES + 1;
    if (first) {
      walk.fault(
        offset,
        path,
        "unfolds too far, write fewer aliases or levels",
      );
    }
    return undefined;
  }
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, node);
  place(walk, path, { key: offset, value: offset });
  if (isScalar(node)) return readScalar(walk, node, path);
  walk.open.add(node);
  const value = isMap(node)
    ? readMap(walk, node, path)
    : node.items.map((item, at) => readNode(walk, item, [...path, at]));
  walk.open.delete(node);
  return value;
}

function readAlias(walk: Walk, alias: Alias, path: Path): unknown {
  const offset = alias.range?.[0] ?? 0;
  place(walk, path, { key: offset, value: offset });
  const node = walk.anchors.get(alias.source);
  if (node === undefined) {
    const state = "begins with *, which refers to nothing above";
    walk.fault(offset, path, `${state}, put it in quotes`);
  } else if (walk.open.has(node)) {
    walk.fault(offset, path, "refers to what it is in, write it out");
  } else {
    return readNode(walk, node, path);
  }
}

function readMap(walk: Walk, map: YAMLMap, path: Path): unknown {
  const entries = new Map<string, unknown>();
  for (const { key, value } of map.items) {
    if (!isScalar(key) || typeof key.value !== "string") {
      const offset = map.range?.[0] ?? 0;
      walk.fault(offset, path, "has a key that is no text, write a name");
      continue;
    }
    const inner = [...path, key.value];
    const keyOffset = key.range?.[0] ?? 0;
    if (entries.has(key.value)) {
      walk.fault(keyOffset, inner, "is there twice, delete one of the two");
      continue;
    }
    // A map or a list begins on a later line: its key is the place people look at.
    const compound = isMap(value) || isSeq(value);
    const valueOffset = isNode(value) ? value.range?.[0] : undefined;
    place(walk, inner, {
      key: keyOffset,
      value: compound ? keyOffset : valueOffset ?? keyOffset,
    });
    entries.set(key.value, readNode(walk, value, inner));
  }
  return Object.fromEntries(entries);
}

function isNode(value: unknown): value is Node {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value);
}

function readScalar(walk: Walk, scalar: Scalar, path: Path): unknown {
  const offset = scalar.range?.[0] ?? 0;
  const value = String(scalar.value);
  const plain = scalar.type === Scalar.PLAIN || scalar.type === undefined;
  if (plain && /^(?:|~|null|Null|NULL)$/.test(value)) {
    walk.fault(offset, path, "has no value, write one or delete the key");
    return undefined;
  }
  const expansion = expandVariables(value, walk.env);
  walk.variables.set(JSON.stringify(path), expansion.names);
  const written = walk.text.slice(offset, scalar.range?.[1]);
  let from = 0;
  for (const { text, message } of expansion.faults) {
    // Not found where escapes write it in another way: then the value's place will do.
    const at = from < 0 ? from : written.indexOf(text, from);
    walk.fault(offset + Math.max(at, 0), path, message);
    from = at < 0 ? at : at + text.length;
  }
  if (expansion.faults.length > 0) return undefined;
  // `${NAME:-}` is how a value is left out where its variable is not set.
  return expansion.text === "" && value !== "" ? undefined : expansion.text;
}

/** Notes where a path stands; the first note stays: that of the key, or of the alias. */
function place(walk: Walk, path: Path, offsets: Offsets): void {
  const key = JSON.stringify(path);
  if (!walk.offsets.has(key)) walk.offsets.set(key, offsets);
}

function nearest(places: ReadonlyMap<string, Offsets>, path: Path): Offsets {
  for (let length = path.length; length > 0; length--) {
    const offsets = places.get(JSON.stringify(path.slice(0, length)));
    if (offsets !== undefined) return offsets;
  }
  return { key: 0, value: 0 };
}
