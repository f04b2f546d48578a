import { deepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { loadConfig } from "../src/config.ts";
import { configSchema } from "../src/config_schema.ts";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

Deno.test("config.yaml loads without any variable", async () => {
  const { config } = await loadConfig(join(REPOSITORY, "config.yaml"), {});
  deepEqual(config.indexes.map(({ name }) => name), ["movies"]);
});

for (const file of ["config.yaml", "docs/configuration.md"]) {
  Deno.test(`${file} has every key with its default`, async () => {
    const text = await Deno.readTextFile(join(REPOSITORY, file));
    const schema = configSchema({ folder: REPOSITORY, shown: "." });
    const keys = [...listKeys(
      z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }),
    )];
    ok(keys.length > 40);
    for (const { name, preset } of keys) {
      const [row, line] = preset === undefined
        ? [new RegExp(`\\| \`${name}\` +\\|`), new RegExp(`\\b${name}:`)]
        : [
          new RegExp(`\\| \`${name}\` .*\\| \`${preset}\` +\\|`),
          new RegExp(
            `\\b${name}:.*\\b${preset}(?!\\w)|default ${preset}(?!\\w)`,
          ),
        ];
      ok((file.endsWith(".md") ? row : line).test(text), `${name} ${preset}`);
    }
  });
}

const JsonSchema = z.looseObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  anyOf: z.array(z.unknown()).optional(),
  default: z.unknown().optional(),
});

/** Every key of a schema, however deep, with its default where that is one value. */
function* listKeys(
  schema: unknown,
): Generator<{ name: string; preset: string | undefined }> {
  const { success, data } = JsonSchema.safeParse(schema);
  if (!success) return;
  for (const [name, inner] of Object.entries(data.properties ?? {})) {
    const preset = JsonSchema.parse(inner).default;
    yield { name, preset: typeof preset === "string" ? preset : undefined };
    yield* listKeys(inner);
  }
  for (const inner of [data.items, ...data.anyOf ?? []]) yield* listKeys(inner);
}
