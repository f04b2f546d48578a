import {
  Contrib,
  Enums,
  Models,
  Serialize,
  Spec,
} from "@cyclonedx/cyclonedx-library";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import validateExpression from "spdx-expression-parse";
import { z } from "zod";
import manifest from "../deno.json" with { type: "json" };
import { runCommand } from "./command.ts";
import { findPackage } from "./npm_cache.ts";
import { runProgram, tell } from "./progress.ts";

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * What `deno info --json` says of a program: which packages it imports, and what these depend on, each as NAME@VERSION.
 * An import for the types alone has no `code`.
 */
type Graph = z.infer<typeof Graph>;
const Graph = z.object({
  modules: z.array(z.object({
    specifier: z.string(),
    npmPackage: z.string().optional(),
    dependencies: z.array(z.object({
      code: z.object({ specifier: z.string().optional() }).optional(),
    })).default([]),
  })),
  redirects: z.record(z.string(), z.string()),
  npmPackages: z.record(
    z.string(),
    z.object({
      name: z.string(),
      version: z.string(),
      dependencies: z.array(z.string()),
    }),
  ),
});
const Lock = z.object({
  npm: z.record(z.string(), z.object({ integrity: z.string() })),
});

/** What of a `package.json` tells whose a package is. */
type PackageFile = z.infer<typeof PackageFile>;
const PackageFile = z.looseObject({ name: z.string(), version: z.string() });

const licenses = new Contrib.License.Factories.LicenseFactory(
  validateExpression,
);
const builder = new Contrib.FromNodePackageJson.Builders.ComponentBuilder(
  new Contrib.FromNodePackageJson.Factories.ExternalReferenceFactory(),
  licenses,
);

/**
 * Writes the bill of materials of this version into `folder`, as CycloneDX 1.6 in JSON, and returns the file's name: all
 * that is in the executable, which is what main.ts imports, what that depends on, and the Deno that runs it.
 */
export async function writeSbom(folder: string): Promise<string> {
  const name = `pg2es-${manifest.version}.cdx.json`;
  const bom = await makeBom();
  const serializer = new Serialize.JsonSerializer(
    new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6),
  );
  const text = serializer.serialize(bom, { sortLists: true, space: 2 });
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, name), `${text}\n`);
  return name;
}

async function makeBom(): Promise<Models.Bom> {
  const graph = await readGraph();
  const { npmPackages } = graph;
  const { npm } = Lock.parse(
    JSON.parse(await Deno.readTextFile(join(PROJECT, "deno.lock"))),
  );
  const imported = listImported(graph);
  const components = new Map<string, Models.Component>();
  for (const id of reach(imported, npmPackages)) {
    const { name, version } = find(npmPackages, id);
    const { integrity } = find(npm, id);
    const file = await readPackageFile(name, version);
    components.set(id, describePackage(file, integrity));
  }
  for (const [id, component] of components) {
    for (const dependency of find(npmPackages, id).dependencies) {
      const found = components.get(dependency);
      if (found !== undefined) component.dependencies.add(found.bomRef);
    }
  }
  const runtime = describeRuntime();
  const program = describeProgram();
  program.dependencies.add(runtime.bomRef);
  for (const id of imported) {
    const found = components.get(id);
    if (found !== undefined) program.dependencies.add(found.bomRef);
  }
  return new Models.Bom({
    serialNumber: Contrib.Bom.Utils.randomSerialNumber(),
    components: new Models.ComponentRepository([
      runtime,
      ...components.values(),
    ]),
    metadata: new Models.Metadata({
      component: program,
      timestamp: new Date(),
    }),
  });
}

/** The packages that the program itself imports, not only the types of. */
function listImported({ modules, redirects }: Graph): string[] {
  const specifiers = modules.flatMap(({ dependencies }) => dependencies)
    .flatMap(({ code }) => code?.specifier ?? []);
  const loaded = new Set(specifiers.map((name) => redirects[name] ?? name));
  return modules.filter(({ specifier }) => loaded.has(specifier))
    .flatMap(({ npmPackage }) => npmPackage ?? []);
}

/**
 * All that packages reach, themselves among them, each once.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { reach } from "./sbom.ts";
 * const packages = { "a@1": { dependencies: ["b@1"] }, "b@1": { dependencies: ["a@1"] }, "c@1": { dependencies: [] } };
 * deepEqual([...reach(["a@1"], packages)], ["a@1", "b@1"]);
 * ```
 */
export function reach(
  ids: readonly string[],
  packages: Readonly<
    Record<string, { readonly dependencies: readonly string[] }>
  >,
): Set<string> {
  const reached = new Set(ids);
  // what is added meanwhile is gone through as well
  for (const id of reached) {
    for (const dependency of packages[id]?.dependencies ?? []) {
      reached.add(dependency);
    }
  }
  return reached;
}

function describePackage(
  file: PackageFile,
  integrity: string,
): Models.Component {
  const { name, version } = file;
  const component = builder.makeComponent(file);
  if (component === undefined) {
    throw new Error(`Cannot describe package ${name}@${version}`);
  }
  component.bomRef.value = `${name}@${version}`;
  component.purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  const [algorithm, digits] = Contrib.FromNodePackageJson.Utils
    .parsePackageIntegrity(integrity);
  component.hashes.set(algorithm, digits);
  return component;
}

function describeRuntime(): Models.Component {
  const { deno: version } = Deno.version;
  const component = new Models.Component(Enums.ComponentType.Platform, "deno", {
    bomRef: `deno@${version}`,
    version,
    purl: `pkg:github/denoland/deno@v${version}`,
    description: "Runtime of the executable",
  });
  component.licenses.add(licenses.makeFromString("MIT"));
  return component;
}

function describeProgram(): Models.Component {
  const { version, license } = manifest;
  const component = new Models.Component(
    Enums.ComponentType.Application,
    "pg2es",
    {
      bomRef: `pg2es@${version}`,
      version,
      purl: `pkg:generic/pg2es@${version}`,
      description: "Keeps Elasticsearch indexes equal to PostgreSQL queries.",
    },
  );
  component.licenses.add(licenses.makeFromString(license));
  return component;
}

async function readPackageFile(
  name: string,
  version: string,
): Promise<PackageFile> {
  const file = join(await findPackage(name, version), "package.json");
  return PackageFile.parse(JSON.parse(await Deno.readTextFile(file)));
}

async function readGraph(): Promise<Graph> {
  const words = [Deno.execPath(), "info", "--json", "main.ts"];
  return Graph.parse(JSON.parse(await runCommand(words, { cwd: PROJECT })));
}

function find<Value>(
  values: Readonly<Record<string, Value>>,
  id: string,
): Value {
  const value = values[id];
  if (value === undefined) throw new Error(`Cannot find package ${id}`);
  return value;
}

if (import.meta.main) {
  await runProgram(async () =>
    tell(`dist/${await writeSbom(join(PROJECT, "dist"))}`)
  );
}
