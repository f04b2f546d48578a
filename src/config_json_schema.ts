import { z } from "zod";
import { configSchema } from "./config_schema.ts";

/** A part of a JSON schema, as far as it is read here; `bounds` and `preset` are what the tables of keys say. */
export type KeySchema = z.infer<typeof KeySchema>;
const KeySchema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.string()).optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  minItems: z.number().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  /** The default in words, where it is not one value. */
  preset: z.string().optional(),
  /** What values are taken, in words. */
  bounds: z.string().optional(),
  get properties() {
    return z.record(z.string(), KeySchema).optional();
  },
  get items(): z.ZodOptional<typeof KeySchema> {
    return KeySchema.optional();
  },
  get anyOf(): z.ZodOptional<z.ZodArray<typeof KeySchema>> {
    return z.array(KeySchema).optional();
  },
});

/** Any value may be made of variables. */
const VARIABLE = { type: "string", pattern: "\\$\\{" };

/** Everything that the schema of config.yaml says of its keys. */
export function describeConfig(): KeySchema {
  const schema = configSchema({ folder: ".", shown: "." });
  return KeySchema.parse(z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    target: "draft-07",
  }));
}

/**
 * The JSON schema of config.yaml, for editors. It takes every file that the agent takes; what it cannot say, such as which
 * keys exclude one another, what a file holds, or the bounds of a value with a unit, it does not refuse.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { configJsonSchema } from "./config_json_schema.ts";
 * equal(configJsonSchema().$schema, "http://json-schema.org/draft-07/schema#");
 * ```
 */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...schema } = describeConfig();
  return { $schema, title: "pg2es: config.yaml", ...finish(schema) };
}

function finish(
  { bounds, preset, properties, items, anyOf, ...schema }: KeySchema,
): Record<string, unknown> {
  const written: Record<string, unknown> = { ...schema, ...valuesOf(schema) };
  const { description } = schema;
  if (description !== undefined) {
    written["description"] = describe({
      ...schema,
      description,
      bounds,
      preset,
    });
  }
  if (anyOf !== undefined) written["anyOf"] = anyOf.map(finish);
  if (items !== undefined) written["items"] = finish(items);
  if (properties !== undefined) {
    written["properties"] = Object.fromEntries(
      Object.entries(properties).map(([name, inner]) => [name, finish(inner)]),
    );
  }
  // undefined is left out when it is written
  return written;
}

/** In the file every scalar is a text at first; an editor reads numbers and booleans. */
function valuesOf(schema: KeySchema): Record<string, unknown> {
  const { type, pattern, minimum } = schema;
  if (schema.enum !== undefined) {
    const values = schema.enum.flatMap((word) =>
      word === "true" || word === "false" ? [word === "true", word] : [word]
    );
    return {
      type: undefined,
      enum: undefined,
      anyOf: [{ enum: values }, VARIABLE],
    };
  }
  if (type !== "string") return {};
  if (minimum !== undefined) {
    return { type: ["number", "string"], pattern: `${pattern}|\\$\\{` };
  }
  return pattern === undefined
    ? { type: ["string", "number", "boolean"] }
    : { pattern: `${pattern}|\\$\\{` };
}

/** What an editor shows of a key. */
function describe(
  { description, bounds, preset, ...schema }: KeySchema & {
    description: string;
  },
): string {
  const words = schema.default === undefined ? preset : undefined;
  const sentences = [
    description.replace(/[:,] see below$/, ""),
    ...(bounds === undefined ? [] : [`Values: ${bounds}`]),
    ...(words === undefined ? [] : [`Default: ${words}`]),
  ];
  return `${sentences.join(". ")}.`;
}
