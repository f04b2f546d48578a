import { equal, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const ROOT = new URL("../", import.meta.url);

/** The files of src/ in the order in which they may be imported: each only by those after it. */
const ORDER = [
  "scope",
  "failure",
  "log_line",
  "logging",
  "stop",
  "ticks",
  "config_faults",
  "config_files",
  "config_json",
  "config_scalars",
  "config_secrets",
  "config_variables",
  "config_yaml_errors",
  "config_source",
  "config_postgres",
  "config_elasticsearch",
  "config_tables",
  "index_settings",
  "index_config",
  "config_indexes",
  "config_schema",
  "config",
  "secrets",
  "retry",
  "keys",
  "plan",
  "copy_out",
  "postgres_failure",
  "postgres",
  "http_connection",
  "elasticsearch",
  "checkpoint",
  "horizon",
  "table_scan",
  "changes",
  "transform",
  "operations",
  "documents",
  "sink",
  "index_lifecycle",
  "preflight",
  "flight",
  "pipeline",
  "status",
  "agent",
];

/** Each package that is kept to its adapter, so that what it does is translated once. */
const SOLE_IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  "pg": ["copy_out", "postgres"],
  "@elastic/elasticsearch": ["elasticsearch", "http_connection"],
  "@logtape/logtape": ["logging"],
  "@logtape/file": ["logging"],
  "p-retry": [], // links/async alone
};

const MAX_LINES = 300;

const Graph = z.object({
  modules: z.array(z.object({
    specifier: z.string(),
    error: z.string().optional(),
    dependencies: z.array(z.object({
      specifier: z.string(),
      code: z.object({ specifier: z.string().optional() }).optional(),
      type: z.object({ specifier: z.string().optional() }).optional(),
    })).default([]),
  })),
});

const LinkedPackage = z.object({
  name: z.string(),
  exports: z.record(z.string(), z.string()),
});

/** One import of a file of src/: as it is written, and the name in src/ that it leads to. */
interface Import {
  readonly importer: string;
  readonly specifier: string;
  readonly imported: string | undefined;
}

async function run(name: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, {
    args: [...args],
    cwd: ROOT,
  }).output();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function listSources(): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL("src", ROOT)));
  return entries.map(({ name }) => name).toSorted();
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(new URL(path, ROOT));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Every import in main.ts and src/, also those of types, as Deno resolves them. */
async function readImports(): Promise<Import[]> {
  const files = (await listSources()).map((name) => `src/${name}`);
  if (await exists("main.ts")) files.push("main.ts");
  const folder = await Deno.makeTempDir();
  try {
    const entry = `${folder}/entry.ts`;
    const lines = files.map((file) => `import "${new URL(file, ROOT)}";`);
    await Deno.writeTextFile(entry, lines.join("\n"));
    const config = fileURLToPath(new URL("deno.json", ROOT));
    const options = ["--json", "--no-lock", "--config", config];
    const json = await run(Deno.execPath(), ["info", ...options, entry]);
    const { modules } = Graph.parse(JSON.parse(json));
    return modules.flatMap(({ specifier: url, error, dependencies }) => {
      const importer = nameSource(url);
      if (importer === undefined) return [];
      ok(error === undefined, error);
      return dependencies.map(({ specifier, code, type }) => {
        const target = code?.specifier ?? type?.specifier ?? "";
        return { importer, specifier, imported: nameSource(target) };
      });
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** `sink` for the file src/sink.ts, `main` for main.ts, nothing for a file elsewhere. */
function nameSource(url: string): string | undefined {
  if (!url.startsWith(ROOT.href)) return undefined;
  const path = url.slice(ROOT.href.length);
  return /^(?:src\/)?([^/]+)\.ts$/.exec(path)?.[1];
}

/** The package of a bare specifier: `@std/async` of `@std/async/retry`. */
function namePackage(specifier: string): string {
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/** What was found, one a line, which an assertion shows in full. */
function tell(found: readonly string[]): string {
  return [...new Set(found)].join("\n");
}

Deno.test("src/ has a place for each of its files in the order of imports", async () => {
  const names = (await listSources()).map((file) => file.replace(/\.ts$/, ""));
  const unplaced = names.filter((name) => !ORDER.includes(name));
  const gone = ORDER.filter((name) => !names.includes(name));
  equal(tell(unplaced), "");
  equal(tell(gone), "");
});

Deno.test("src/ imports one way", async () => {
  const order = [...ORDER, "main"];
  const wrong = (await readImports())
    .filter(({ importer, imported }) =>
      imported !== undefined &&
      order.indexOf(imported) >= order.indexOf(importer)
    )
    .map(({ importer, imported }) => `${importer} imports ${imported}`);
  equal(tell(wrong), "");
});

Deno.test("src/ keeps each server's client to one file", async () => {
  const imports = await readImports();
  for (const [name, importers] of Object.entries(SOLE_IMPORTERS)) {
    const others = imports
      .filter(({ specifier }) => namePackage(specifier) === name)
      .filter(({ importer }) => !importers.includes(importer))
      .map((found) => `${found.importer} imports ${name}`);
    equal(tell(others), "");
  }
});

Deno.test("src/ imports of JSR's packages only what links/ supplies", async () => {
  const supplied: string[] = [];
  for await (const { name } of Deno.readDir(new URL("links", ROOT))) {
    const file = new URL(`links/${name}/deno.json`, ROOT);
    const linked = LinkedPackage.parse(
      JSON.parse(await Deno.readTextFile(file)),
    );
    for (const path of Object.keys(linked.exports)) {
      supplied.push(`${linked.name}${path.slice(1)}`);
    }
  }
  const missing = (await readImports())
    .filter(({ specifier }) => /^@std\/|^jsr:/.test(specifier))
    .filter(({ specifier }) => !supplied.includes(specifier))
    .map(({ importer, specifier }) => `${importer} imports ${specifier}`);
  equal(tell(missing), "");
});

Deno.test("src/ has no file that wants splitting", async () => {
  const long: string[] = [];
  for (const name of await listSources()) {
    const text = await Deno.readTextFile(new URL(`src/${name}`, ROOT));
    const lines = text.split("\n").length - 1;
    if (lines > MAX_LINES) long.push(`${name}: ${lines} lines`);
  }
  equal(tell(long), "");
});

/** What says how or where the work was done; each in two parts, so that this file does not hold it. */
const FOREIGN: readonly (readonly [string, RegExp])[] = [
  ["a number of an issue", new RegExp("(?<![\\w&#/'\"])" + "#\\d{1,4}\\b")],
  [
    "a machine's path",
    new RegExp("(?<![\\w.}-])/" + "(?:work|root|home)/"),
  ],
  ["a temporary path", new RegExp("(?<![\\w.}-])/" + "tmp/")],
  [
    "a registry's host",
    new RegExp(
      "registry\\." + "npmjs|jsr\\." + "io\\b|pypi\\." + "org|files\\." +
        "pythonhosted|proxy\\." + "golang|deb\\." + "debian|maven\\." +
        "(?:org|apache)",
      "i",
    ),
  ],
];

Deno.test({
  name: "the tree says nothing of how and where it was made",
  ignore: !await exists(".git"), // an unpacked archive has no list of its files
  async fn() {
    const options = ["--cached", "--others", "--exclude-standard", "-z"];
    const list = await run("git", ["ls-files", ...options]);
    const found: string[] = [];
    for (const path of list.split("\0").filter((name) => name !== "")) {
      if (!await exists(path)) continue; // deleted, not yet committed
      const text = await Deno.readTextFile(new URL(path, ROOT));
      for (const [index, line] of text.split("\n").entries()) {
        for (const [what, pattern] of FOREIGN) {
          if (pattern.test(line)) found.push(`${path}:${index + 1}: ${what}`);
        }
      }
    }
    equal(tell(found), "");
  },
});
