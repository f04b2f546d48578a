import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { z } from "zod";
import manifest from "../deno.json" with { type: "json" };
import { findPackage } from "../dev/npm_cache.ts";
import { writeSbom } from "../dev/sbom.ts";
import { openTemporary } from "./integration/agent_process.ts";

const Component = z.looseObject({
  "bom-ref": z.string(),
  name: z.string(),
  group: z.string().optional(),
  version: z.string(),
  purl: z.string(),
  licenses: z.array(z.unknown()).min(1),
  hashes: z.array(z.object({ alg: z.string(), content: z.string() }))
    .default([]),
});

const Bom = z.looseObject({
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.literal("1.6"),
  serialNumber: z.string(),
  metadata: z.looseObject({ component: Component, timestamp: z.string() }),
  components: z.array(Component),
  dependencies: z.array(z.object({
    ref: z.string(),
    dependsOn: z.array(z.string()).default([]),
  })),
});

const { "@cyclonedx/cyclonedx-library": library } = manifest.imports;

/**
 * What CycloneDX's own schema, which its library brings, has against a bill of materials; nothing where it takes it. The
 * library's validator finds no Ajv under Deno, which leaves out what is optional for a package.
 */
async function validate(text: string): Promise<unknown> {
  const version = library.slice(library.lastIndexOf("@") + 1);
  const folder = await findPackage("@cyclonedx/cyclonedx-library", version);
  const read = async (name: string) =>
    JSON.parse(
      await Deno.readTextFile(
        join(folder, `res/schema/${name}.SNAPSHOT.schema.json`),
      ),
    );
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat("iri-reference", true).addFormat("idn-email", true);
  for (const name of ["spdx", "jsf-0.82"]) {
    const reference =
      `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`;
    ajv.addSchema(await read(name), reference);
  }
  const isValid = ajv.compile(await read("bom-1.6"));
  return isValid(JSON.parse(text)) ? undefined : isValid.errors;
}

Deno.test("writeSbom() names what is in the executable, with version, licence and hash, as CycloneDX's schema asks for", async () => {
  await using temporary = await openTemporary();
  const name = await writeSbom(temporary.folder);
  equal(name, `pg2es-${manifest.version}.cdx.json`);
  const text = await Deno.readTextFile(join(temporary.folder, name));
  deepEqual(await validate(text), undefined);
  ok(await validate(text.replace('"version": "', '"versoin": "')));

  const { metadata, components, dependencies } = Bom.parse(JSON.parse(text));
  const { component: program } = metadata;
  equal(program.version, manifest.version);
  const names = components.map(({ group, name }) =>
    group === undefined ? name : `${group}/${name}`
  );
  equal(
    new Set(components.map((component) => component["bom-ref"])).size,
    names.length,
  );
  for (
    const name of ["deno", "pg", "zod", "@elastic/elasticsearch", "undici"]
  ) {
    ok(names.includes(name), name);
  }
  // what only the tests and the tools import
  for (const name of ["fast-check", "selfsigned", "spdx-expression-parse"]) {
    ok(!names.includes(name), name);
  }
  for (const { name, version, purl, hashes } of components) {
    if (name === "deno") {
      equal(version, Deno.version.deno);
      continue;
    }
    match(purl, /^pkg:npm\/(?:%40[a-z0-9-]+\/)?[a-z0-9._-]+@\d+\.\d+\.\d+/);
    deepEqual(hashes.map(({ alg }) => alg), ["SHA-512"], name);
    match(hashes[0]?.content ?? "", /^[0-9a-f]{128}$/);
  }
  const known = [program, ...components].map((each) => each["bom-ref"]);
  deepEqual(dependencies.map(({ ref }) => ref).toSorted(), known.toSorted());
  const direct = dependencies.find(({ ref }) => ref === program["bom-ref"]);
  ok(direct);
  ok(direct.dependsOn.includes(`deno@${Deno.version.deno}`));
  ok(direct.dependsOn.some((ref) => ref.startsWith("pg@")));
});
