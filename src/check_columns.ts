import { fail, type Observation, warn } from "./check_finding.ts";
import type { IndexConfig } from "./index_config.ts";

/** A column of the document query. */
export interface DocumentColumn {
  readonly name: string;
  /** Its type by name; of an array that of its elements, of a domain that beneath it. */
  readonly type: string;
  readonly isArray: boolean;
  /** As in pg_type: b base, c composite, e enum, r range, … */
  readonly typeKind: string;
}

const NUMBERS = [
  "long",
  "integer",
  "short",
  "byte",
  "double",
  "float",
  "half_float",
  "scaled_float",
  "unsigned_long",
];
const DATES = ["date", "date_nanos"];
const OBJECTS = ["object", "nested", "flattened"];
const RANGES = [
  "integer_range",
  "long_range",
  "float_range",
  "double_range",
  "date_range",
];
const STRINGS = ["keyword", "text", "wildcard", "match_only_text"];

/** What JSON of a PostgreSQL type looks like. */
type Shape = "boolean" | "number" | "day" | "word" | "text" | "object";

/** The field types that refuse every value of a shape; tried on Elasticsearch 8.19. */
const REFUSED: Readonly<Record<Shape, readonly string[]>> = {
  boolean: [...NUMBERS, ...DATES, ...OBJECTS, ...RANGES, "ip", "geo_point"],
  number: ["boolean", ...OBJECTS, ...RANGES, "ip"],
  day: ["boolean", ...NUMBERS, ...OBJECTS, ...RANGES, "ip", "geo_point"],
  word: [
    "boolean",
    ...NUMBERS,
    ...DATES,
    ...OBJECTS,
    ...RANGES,
    "ip",
    "geo_point",
  ],
  // a text may hold a number, a date or an address: only its values tell
  text: [...OBJECTS, ...RANGES, "dense_vector"],
  object: ["boolean", ...NUMBERS, ...DATES, ...STRINGS, "ip", "binary"],
};

const SHAPES: Readonly<Record<string, Shape>> = {
  bool: "boolean",
  int2: "number",
  int4: "number",
  int8: "number",
  numeric: "number",
  float4: "number",
  float8: "number",
  date: "day",
  timestamp: "day",
  timestamptz: "day",
  uuid: "word",
  bytea: "word",
  time: "text",
  timetz: "text",
  interval: "text",
  text: "text",
  varchar: "text",
  bpchar: "text",
  name: "text",
  money: "text",
  point: "word",
};

/** What to write so that a column suits a field. */
const REMEDIES: readonly (readonly [
  shapes: readonly Shape[],
  fields: readonly string[],
  remedy: (column: string) => string,
])[] = [
  [
    ["text", "word"],
    OBJECTS,
    (column) => `Show ${column} as json, or map it as keyword or text`,
  ],
  [["object"], STRINGS, (column) => `Map ${column} as object or nested`],
];

/** Columns that their fields refuse, and fields that no column fills. */
export function* checkColumns(
  columns: readonly DocumentColumn[],
  { mappings, settings }: IndexConfig,
): Generator<Observation> {
  const fields = isMap(mappings.properties) ? mappings.properties : {};
  // an index may be told to take what does not suit: only its documents tell
  const isLenient = JSON.stringify(settings ?? {}).includes("ignore_malformed");
  const copied = new Set(Object.values(fields).flatMap(copyTargets));
  for (const column of columns.filter(({ name }) => name === "_deleted")) {
    if (column.type === "bool" && !column.isArray) continue;
    const isCast = ["int4", "text", "varchar"].includes(column.type);
    yield (isCast && !column.isArray ? warn : fail)(
      `the column _deleted is ${typeName(column)}, not boolean`,
      "Show it as a condition, such as deleted_at is not null as _deleted",
    );
  }
  for (const [name, field] of Object.entries(fields)) {
    const type = typeOf(field);
    const column = columns.find((column) => column.name === name);
    if (column === undefined) {
      if (copied.has(name) || type === "alias" || hasValue(field)) continue;
      yield warn(
        `the field ${name} is in the mapping, but no column of the query fills it`,
        `Add a column ${name} to the query, or take the field out of index_config`,
      );
      continue;
    }
    if (isLenient || isMap(field) && field.ignore_malformed === true) continue;
    if (isMap(field) && field.enabled === false) continue;
    const shape = shapeOf(column);
    const isRefused = type === "alias" ||
      shape !== undefined && REFUSED[shape].includes(type);
    if (!isRefused) continue;
    const remedy = REMEDIES.find(([shapes, types]) =>
      shape !== undefined && shapes.includes(shape) && types.includes(type)
    )?.[2](name);
    yield fail(
      `the column ${name} is ${
        typeName(column)
      }, which a field of type ${type} refuses`,
      remedy ??
        `Map ${name} as another type, or cast the column to one that suits`,
    );
  }
}

function shapeOf({ type, typeKind }: DocumentColumn): Shape | undefined {
  if (typeKind === "c") return "object";
  if (typeKind === "e") return "text";
  if (typeKind === "r" || typeKind === "m") return "word";
  return SHAPES[type];
}

function typeName({ type, isArray }: DocumentColumn): string {
  return isArray ? `${type}[]` : type;
}

function typeOf(field: unknown): string {
  if (!isMap(field)) return "";
  if (typeof field.type === "string") return field.type;
  return "properties" in field ? "object" : "";
}

/** Whether the field has its value from the mapping, or from elsewhere than the document. */
function hasValue(field: unknown): boolean {
  return isMap(field) &&
    (field.type === "constant_keyword" || "script" in field);
}

function copyTargets(field: unknown): readonly string[] {
  if (!isMap(field)) return [];
  return [field.copy_to].flat().filter((name) => typeof name === "string");
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
