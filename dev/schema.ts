import { configJsonSchema, describeConfig } from "../src/config_json_schema.ts";
import { fillKeyTables } from "./key_tables.ts";
import { runProgram, tell } from "./progress.ts";

const ROOT = new URL("../", import.meta.url);

/** The files that are made from the schema of config.yaml, with what they are to hold. */
export async function makeSchemaFiles(): Promise<ReadonlyMap<string, string>> {
  const page = "docs/configuration.md";
  const text = await Deno.readTextFile(new URL(page, ROOT));
  return new Map([
    ["config.schema.json", `${JSON.stringify(configJsonSchema(), null, 2)}\n`],
    [page, fillKeyTables(text, describeConfig())],
  ]);
}

async function main(): Promise<void> {
  for (const [path, text] of await makeSchemaFiles()) {
    await Deno.writeTextFile(new URL(path, ROOT), text);
    tell(`Wrote ${path}`);
  }
}

if (import.meta.main) await runProgram(main);
