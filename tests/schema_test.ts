import { Ajv } from "ajv";
import { deepEqual, equal, ok } from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { listPlaces, listSections } from "../dev/key_tables.ts";
import { makeSchemaFiles } from "../dev/schema.ts";
import { configJsonSchema, describeConfig } from "../src/config_json_schema.ts";
import { readPage } from "./integration/page_blocks.ts";

const ROOT = new URL("../", import.meta.url);

async function read(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

/** What an editor says of a text: nothing, or what is wrong. */
function openEditor(): (text: string) => string | undefined {
  const schema: unknown = JSON.parse(JSON.stringify(configJsonSchema()));
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
  ajv.addKeyword("patternErrorMessage"); // what editors say in place of the pattern
  const validate = ajv.compile(z.looseObject({}).parse(schema));
  return (text) => {
    if (validate(parse(text))) return undefined;
    return ajv.errorsText(validate.errors);
  };
}

for (const path of ["config.schema.json", "docs/configuration.md"]) {
  Deno.test(`${path} is what the schema of config.yaml says`, async () => {
    const made = (await makeSchemaFiles()).get(path);
    ok(
      await read(path) === made,
      `${path} is not what \`deno task schema\` writes: run it`,
    );
  });
}

Deno.test("docs/configuration.md has a place for the keys of each section", async () => {
  const places = listPlaces(await read("docs/configuration.md"));
  deepEqual(places.toSorted(), listSections(describeConfig()).toSorted());
});

Deno.test("the JSON schema takes every configuration that the agent takes", async () => {
  const refuse = openEditor();
  equal(refuse(await read("config.yaml")), undefined);
  const paths = ["README.md"];
  for await (const { name } of Deno.readDir(new URL("docs", ROOT))) {
    if (name.endsWith(".md")) paths.push(`docs/${name}`);
  }
  let count = 0;
  for (const path of paths) {
    for (const { language, text } of await readPage(path)) {
      if (language !== "yaml") continue;
      equal(refuse(text), undefined, `${path}: ${text}`);
      count++;
    }
  }
  ok(count > 5, `${count} configurations were found`);
});

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

/** Keys as people write them, each in place of a line of the configuration above, or behind it. */
const TAKEN: readonly string[] = [
  "fetch_delay: 1",
  "fetch_delay: 1.5s",
  "fetch_delay: ${DELAY:-1s}",
  "postgres: {host: h, port: 5432, database: 2026, user: u, password: 0123}",
  "postgres: {url: 'postgres://a:b@c/d', ssl: true, page_size: '10'}",
  "postgres: {url: 'postgres://a:b@c/d', ssl: {ca_file: ca.pem}}",
  "postgres: {hosts: [a, 'b:5432'], database: d, user: u}",
  "elasticsearch: {node: '${ES_URL}', max_bytes: 1MB, position_index: off}",
  "elasticsearch: {node: 'http://a', max_bytes: 2000000}",
  "retry: {multiplier: 1.5}",
  "logging: {level: '${LOG_LEVEL:-info}', console: false}",
  "logging: {console: '${CONSOLE:-true}', file: {path: a.log, max_files: 3}}",
  "rejections: {stop_after: off}",
  "limit: {documents_per_second: 100}",
];

Deno.test("the JSON schema takes values in each form that the agent takes", () => {
  const refuse = openEditor();
  equal(refuse(RIGHT), undefined);
  for (const taken of TAKEN) {
    const [section = ""] = taken.split(":");
    const others = z.looseObject({}).parse(parse(RIGHT));
    delete others[section];
    const whole = { ...others, ...z.looseObject({}).parse(parse(taken)) };
    equal(refuse(JSON.stringify(whole)), undefined, taken);
  }
});

/** What a JSON schema is able to tell of a file, by what the agent says of it. */
const TELLABLE = [
  /: is not a known key, write/,
  /: is none of its values, write one of/,
  /: is neither off nor a map/,
  /: is (?:a list|a map|a single value), write/,
  /: is missing, write (?:a map|an index|a table|the path|a query|TABLE|a name such)/,
  /: is empty, write an? (?:index|table|column|host)/,
  /: is not an? (?:whole number|number|duration|size|percentage), write/,
];

const Cases = z.array(z.looseObject({
  name: z.string(),
  edits: z.array(z.object({ from: z.string(), to: z.string() })),
  faults: z.array(z.string()),
}));

for (const name of ["values", "servers", "indexes"]) {
  Deno.test(`the JSON schema refuses what it can of tests/config_faults/${name}.yaml`, async () => {
    const refuse = openEditor();
    const cases = Cases.parse(
      parse(await read(`tests/config_faults/${name}.yaml`)),
    );
    const passed: string[] = [];
    let tellable = 0;
    for (const { name, edits, faults } of cases) {
      const text = edits.reduce(
        (edited, { from, to }) =>
          from === "*" ? to : edited.replace(from, () => to),
        RIGHT,
      );
      // neither of another file, nor of what a variable holds
      const own = faults.filter((fault) =>
        fault.startsWith("config.yaml") && !fault.includes("(filled in from")
      );
      const isTellable = own.some((fault) =>
        TELLABLE.some((told) => told.test(fault))
      );
      let told: string | undefined;
      try {
        told = refuse(text);
      } catch {
        continue; // no YAML, which an editor tells without a schema
      }
      if (!isTellable) continue;
      tellable++;
      if (told === undefined) passed.push(`${name}: ${faults}`);
    }
    deepEqual(passed, []);
    ok(tellable > 0);
  });
}
