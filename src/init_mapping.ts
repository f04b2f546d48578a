import type { Field } from "./init_fields.ts";
import type { Part } from "./init_part.ts";

/** Elasticsearch's own limit of the fields of an index is 1,000. */
const MAX_FIELDS = 900;

/** Objects are written on one line where they fit. */
const WIDTH = 80;

/** The text of index_config.json for documents that a root and its parts make. */
export function writeIndexConfig(root: Part): string {
  const properties = propertiesOf(root);
  const count = countFields(properties);
  const settings = count > MAX_FIELDS
    ? { settings: { "index.mapping.total_fields.limit": 2 * count } }
    : {};
  const mappings = { dynamic: "strict", properties };
  return `${format({ ...settings, mappings }, "")}\n`;
}

function propertiesOf({ fields }: Part): Record<string, Field> {
  return Object.fromEntries(fields.map((field) => {
    if (field.kind === "value") return [field.name, field.field];
    const properties = propertiesOf(field.part);
    if (field.kind === "object") return [field.name, { properties }];
    // beside nested queries, which look at one item at a time, plain ones find what is in any of them
    return [field.name, {
      type: "nested",
      ...(hasVector(properties) ? {} : { include_in_root: true }),
      properties,
    }];
  }));
}

/** A vector is searched in its own item alone. */
function hasVector(properties: Readonly<Record<string, Field>>): boolean {
  return JSON.stringify(properties).includes('"type":"dense_vector"');
}

/** The fields of a mapping, objects and multi-fields too, as Elasticsearch counts them. */
function countFields(properties: unknown): number {
  let count = 0;
  for (const field of Object.values(Object(properties))) {
    const { properties, fields } = Object(field);
    count += 1 + countFields(properties ?? {}) + countFields(fields ?? {});
  }
  return count;
}

function format(value: unknown, indent: string): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, inner]) =>
    [JSON.stringify(name), inner] as const
  );
  const line = `{ ${
    entries.map(([name, inner]) => `${name}: ${format(inner, "")}`).join(", ")
  } }`;
  const isFlat = entries.every(([name]) =>
    name !== '"properties"' && name !== '"mappings"'
  );
  if (isFlat && !line.includes("\n") && indent.length + line.length <= WIDTH) {
    return line;
  }
  const inner = `${indent}  `;
  const lines = entries.map(([name, item]) =>
    `${inner}${name}: ${format(item, inner)}`
  );
  return `{\n${lines.join(",\n")}\n${indent}}`;
}
