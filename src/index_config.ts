import { z } from "zod";
import {
  describeUnknownKey,
  faultsOf,
  formatFaults,
  nearestOf,
} from "./config_faults.ts";
import { describeKind } from "./config_scalars.ts";
import { checkSettings } from "./index_settings.ts";
import { readJson } from "./config_json.ts";

const KEYS = ["settings", "mappings"];
const MAPPING_KEYS = [
  "properties",
  "dynamic",
  "dynamic_templates",
  "dynamic_date_formats",
  "date_detection",
  "numeric_detection",
  "runtime",
  "subobjects",
  "enabled",
  "_source",
  "_routing",
  "_meta",
];
const DYNAMIC = [
  "true",
  "false",
  "strict",
  "runtime",
  "strict_allow_templates",
];

type Path = readonly (string | number)[];

const JsonMap = z.record(z.string(), z.unknown(), {
  error: ({ input }) => `${describeKind(input)}, write an object { }`,
});

/** Schema of index_config.json: what an index is created from. */
export const IndexConfig = z.strictObject({
  settings: JsonMap.superRefine((settings, { addIssue }) => {
    for (const { path, message } of checkSettings(settings)) {
      addIssue({ code: "custom", path: [...path], message });
    }
  }).exactOptional(),
  mappings: JsonMap.superRefine((mappings, { addIssue }) => {
    for (const { path, message } of checkMappings(mappings)) {
      addIssue({ code: "custom", path: [...path], message });
    }
  }),
}, {
  error: (issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map(describeKey).join("\n")
      : `${describeKind(issue.input)}, write an object with settings, mappings`,
});

/** What an index is created from: the content of index_config.json. */
export type IndexConfig = Readonly<z.infer<typeof IndexConfig>>;

function describeKey(key: string): string {
  return key === "aliases"
    ? "is made by the agent, delete it: the index's name in the configuration is the alias"
    : describeUnknownKey(key, KEYS);
}

/** An index configuration, or the faults of its text as lines for people. */
export type IndexConfigReading =
  | { readonly indexConfig: IndexConfig }
  | { readonly faults: readonly string[] };

/** Reads the text of index_config.json; `file` is its name in the faults. */
export function readIndexConfig(
  text: string,
  file: string,
): IndexConfigReading {
  const json = readJson(text);
  // A second member of one name is told with the rest; broken JSON has no rest.
  const result = json.value === undefined
    ? undefined
    : IndexConfig.safeParse(json.value);
  const issues = result?.error?.issues ?? [];
  const faults = [...json.faults, ...faultsOf(issues, json)];
  if (faults.length === 0 && result?.success) {
    return { indexConfig: result.data };
  }
  return { faults: formatFaults(faults, file) };
}

/**
 * The names of the fields at the top of the mapping.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { propertyNames } from "./index_config.ts";
 * const mappings = { properties: { title: { type: "text" } } };
 * deepEqual(propertyNames({ mappings }), ["title"]);
 * ```
 */
export function propertyNames({ mappings }: IndexConfig): readonly string[] {
  return isObject(mappings.properties) ? Object.keys(mappings.properties) : [];
}

/**
 * Whether the index refuses documents with a field that its mapping lacks.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { isStrict } from "./index_config.ts";
 * equal(isStrict({ mappings: { dynamic: "strict" } }), true);
 * ```
 */
export function isStrict({ mappings }: IndexConfig): boolean {
  return mappings.dynamic === "strict";
}

type Finding = { readonly path: Path; readonly message: string };

function* checkMappings(
  mappings: Readonly<Record<string, unknown>>,
): Generator<Finding> {
  for (const [key, value] of Object.entries(mappings)) {
    if (MAPPING_KEYS.includes(key)) continue;
    if (isObject(value) && "properties" in value) {
      const message = "is a mapping type, move its content into mappings";
      yield { path: [key], message };
      continue;
    }
    // Plugins add keys of their own: only what looks like a slip is told.
    const nearest = key.startsWith("_")
      ? undefined
      : nearestOf(key, MAPPING_KEYS);
    if (nearest === undefined) continue;
    yield { path: [key], message: `is not a known key, write ${nearest}` };
  }
  const { dynamic, properties } = mappings;
  if (dynamic !== undefined && !DYNAMIC.includes(String(dynamic))) {
    const message = `is none of its values, write one of ${DYNAMIC.join(", ")}`;
    yield { path: ["dynamic"], message };
  }
  if (properties !== undefined) {
    yield* checkFields(properties, ["properties"]);
  } else if (dynamic === "strict") {
    const message =
      "is missing, write the fields: a strict mapping takes no others";
    yield { path: ["properties"], message };
  }
}

function* checkFields(fields: unknown, path: Path): Generator<Finding> {
  if (!isObject(fields)) {
    const remedy = 'write an object such as { "title": { "type": "text" } }';
    return yield { path, message: `${describeKind(fields)}, ${remedy}` };
  }
  for (const [name, field] of Object.entries(fields)) {
    yield* checkField(field, [...path, name]);
  }
}

function* checkField(field: unknown, path: Path): Generator<Finding> {
  if (!isObject(field)) {
    const remedy = 'write an object such as { "type": "keyword" }';
    return yield { path, message: `${describeKind(field)}, ${remedy}` };
  }
  const { type, properties, fields } = field;
  if (type === undefined && properties === undefined) {
    const message = 'has no type, write one such as "type": "keyword"';
    yield { path, message };
  }
  if (type !== undefined && (typeof type !== "string" || type === "")) {
    const message = 'is no text, write the name of a type such as "keyword"';
    yield { path: [...path, "type"], message };
  }
  if (properties !== undefined) {
    yield* checkFields(properties, [...path, "properties"]);
  }
  if (fields !== undefined) yield* checkFields(fields, [...path, "fields"]);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
