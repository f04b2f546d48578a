import { deepEqual, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { loadConfig } from "../src/config.ts";
import { EtlError } from "../src/failure.ts";

const RIGHT = `postgres:
  host: localhost
  database: films
  user: reader
elasticsearch:
  node: http://localhost:9200
indexes:
  - name: movies
    index_config: index_config.json
    document: select id from film
    watch:
      - table: film
`;

/** Files that cases refer to. */
const FILES = {
  "index_config.json": '{ "mappings": {} }',
  "broken.json": '{"mappings": {}\n  "settings": {}}',
  "faulty.json":
    '{\n  "mapping": {},\n  "settings": { "number_of_shards": 0 }\n}',
  "secret.txt": "hunter2\n",
  "empty.txt": "\n",
  "cert.pem": "-----BEGIN CERTIFICATE-----\n",
  "key.pem": "-----BEGIN PRIVATE KEY-----\n",
  "encrypted.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
};

/** Stands for every secret of the cases, and must never be told. */
const SECRET = "hunter2";

const Cases = z.array(z.strictObject({
  name: z.string(),
  edits: z.array(z.strictObject({ from: z.string(), to: z.string() })).min(1),
  faults: z.array(z.string()).min(1),
}));

for (
  const name of ["values", "variables", "servers", "indexes", "yaml"] as const
) {
  const table = new URL(`config_faults/${name}.yaml`, import.meta.url);
  const cases = Cases.parse(parse(Deno.readTextFileSync(table)));
  for (const { name, edits, faults } of cases) {
    Deno.test(`loadConfig() tells of ${name}`, async () => {
      const told = await faultsOf(edit(RIGHT, edits));
      deepEqual(told, faults);
      ok(!told.join().includes(SECRET));
    });
  }
}

Deno.test("loadConfig() takes the configuration that the cases edit", async () => {
  deepEqual(await faultsOf(RIGHT), []);
});

Deno.test("loadConfig() tells of a file that is not there", async () => {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "config.yaml");
  await rejects(loadConfig(file, {}), {
    message: `${file}: is not there, write its path with --config FILE`,
  });
  await rejects(loadConfig(folder, {}), {
    message: `${folder}: is a folder, write its path with --config FILE`,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadConfig() tells of a file that is too large or no text", async () => {
  const large = `# ${"x".repeat(1_000_000)}`;
  deepEqual(await faultsOf(large), [
    "config.yaml: is larger than 1 MB, write its path with --config FILE",
  ]);
  deepEqual(await faultsOf(new Uint8Array([0x61, 0xff])), [
    "config.yaml: is not UTF-8 text, write its path with --config FILE",
  ]);
});

Deno.test("loadConfig() tells of levels that do not end", async () => {
  const [fault] = await faultsOf(`a: ${"[".repeat(100_000)}`);
  ok(fault?.startsWith("config.yaml:"), String(fault));
});

Deno.test("loadConfig() tells of aliases that unfold without measure", async () => {
  const bomb = ["a: &l0 [x]"];
  for (let level = 1; level < 20; level++) {
    const alias = `*l${level - 1}`;
    bomb.push(`b${level}: &l${level} [${Array(9).fill(alias).join(", ")}]`);
  }
  const faults = await faultsOf(bomb.join("\n"));
  const unfolding = faults.filter((fault) => fault.includes("unfolds too far"));
  deepEqual(unfolding.length, 1, faults.join("\n"));
});

Deno.test("loadConfig() tells of a .env that cannot be read", async () => {
  const told = await faultsOf(RIGHT, (folder) => Deno.mkdir(`${folder}/.env`));
  deepEqual(told, [".env: is a folder, write NAME=value lines in it"]);
});

function edit(
  text: string,
  edits: readonly { readonly from: string; readonly to: string }[],
): string {
  return edits.reduce((edited, { from, to }) => {
    if (from === "*") return to;
    ok(edited.includes(from), `Cannot find the text to edit: ${from}`);
    return edited.replace(from, () => to);
  }, text);
}

/** What is told of a configuration, with the folder's name taken out. */
async function faultsOf(
  config: string | Uint8Array,
  prepare: (folder: string) => Promise<void> = () => Promise.resolve(),
): Promise<readonly string[]> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(FILES)) {
      await Deno.writeTextFile(join(folder, name), content);
    }
    const file = join(folder, "config.yaml");
    const bytes = typeof config === "string"
      ? new TextEncoder().encode(config)
      : config;
    await Deno.writeFile(file, bytes);
    await prepare(folder);
    await loadConfig(file, { EMPTY: "", SECRET });
    return [];
  } catch (error) {
    if (!(error instanceof EtlError)) throw error;
    if (error.failure.kind !== "config-invalid") throw error;
    return error.failure.faults.map((fault) =>
      fault.replaceAll(`${folder}/`, "")
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
