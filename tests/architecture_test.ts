import { equal, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const ROOT = new URL("../", import.meta.url);

/**
 * The files of src/ from the ground up. A file imports those of its own layer and of the layers above it in this list,
 * and no import leads back to where it started. A new file belongs to the first layer where that holds; `*` stands for
 * the rest of a name.
 */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  ground: [
    "array_text",
    "database_clock",
    "error_history",
    "failure",
    "failure_advice",
    "field_comparison",
    "file_lock",
    "file_replacement",
    "keys",
    "log_line",
    "logging",
    "lsn",
    "open_telemetry",
    "page_limit",
    "pause_file",
    "pause_signals",
    "pauses",
    "pgoutput",
    "position",
    "progress_watch",
    "rate",
    "rate_history",
    "read_ahead",
    "read_pace",
    "reindex_file",
    "reindex_requests",
    "retry",
    "scope",
    "server_record",
    "source_text",
    "state_file",
    "status_report",
    "stop",
    "telemetry",
    "terminal",
    "termination",
    "text_row",
    "ticks",
    "watched_pauses",
    "witness",
  ],
  configuration: [
    "config*",
    "index_config",
    "index_settings",
    "named_index",
    "secrets",
    "table_references",
  ],
  servers: [
    "aliases",
    "cluster_uuid",
    "compared_index",
    "copy_data",
    "copy_out",
    "elasticsearch*",
    "generations",
    "guarded_cluster",
    "http_connection",
    "index_adaptation",
    "index_changes",
    "index_entries",
    "index_lifecycle",
    "index_requests",
    "indexed_documents",
    "load_tuning",
    "made_from",
    "postgres*",
    "pressure",
    "http_server",
    "index_behind",
    "servers",
    "status_client",
    "watched_servers",
    "writer_lock",
  ],
  plan: ["plan", "plan_indexes", "preflight", "wal_tables"],
  stages: [
    "change_feed",
    "change_probe",
    "changes",
    "checkpoint",
    "comparison",
    "dead_letter*",
    "document_comparison",
    "document_ids",
    "documents",
    "entry_comparison",
    "feed_*",
    "flight",
    "gathering",
    "flip_positions",
    "horizon",
    "index_feed",
    "item_verdict",
    "kept_checkpoint",
    "kept_position",
    "load_keys",
    "load_ranges",
    "load_reads",
    "operations",
    "pass_start",
    "reached_documents",
    "shown_documents",
    "sink",
    "slot_watch",
    "stray_deletions",
    "stream_keys",
    "streamed_documents",
    "successor_index",
    "sweep_schedule",
    "table_scan",
    "tally",
    "target",
    "transform",
    "versions",
    "visible_commits",
  ],
  pipeline: ["open_pipeline", "pipeline", "settlement"],
  mending: ["flip", "mending", "sweep"],
  program: [
    "agent*",
    "beside",
    "caught_up",
    "check*",
    "companions",
    "document_verification",
    "flip_attempt",
    "follow_index",
    "hand_*",
    "health",
    "health_command",
    "index_record",
    "index_report",
    "instruments",
    "metric_table",
    "metrics",
    "init*",
    "pause_commands",
    "progress",
    "refresh",
    "reindex",
    "replay",
    "run_command",
    "saved_state",
    "saved_witness",
    "state_report",
    "status",
    "succession",
    "status_builder",
    "status_commands",
    "status_page",
    "status_text",
    "turns",
    "verification_text",
    "verify",
  ],
};

/** Each package that is kept to its adapter, so that what it does is translated once. */
const SOLE_IMPORTERS: Readonly<Record<string, readonly string[]>> = {
  "pg": [
    "copy_out",
    "postgres",
    "postgres_replication",
    "postgres_session",
  ],
  "@elastic/elasticsearch": [
    "elasticsearch",
    "elasticsearch_failure",
    "http_connection",
  ],
  "@logtape/logtape": ["logging"],
  "@logtape/file": ["logging"],
  "cli-progress": ["terminal"],
  "@opentelemetry/api": ["instruments", "metrics"],
  "prom-client": ["agent_observation", "instruments", "metrics"],
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

/** The names of the files in src/, or in a folder of it. */
async function listSources(folder = "src"): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(new URL(folder, ROOT)));
  return entries.filter(({ isFile }) => isFile)
    .map(({ name }) => name).toSorted();
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
      ok(error === undefined, `${url}: ${error}`);
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

/** The place in {@linkcode LAYERS} of a file, main.ts being above all; -1 where it has none. */
function findLayer(name: string): number {
  const layers = [...Object.values(LAYERS), ["main"]];
  return layers.findIndex((entries) => entries.some(covers(name)));
}

/** Whether an entry of a layer is this file's name, or begins it. */
function covers(name: string): (entry: string) => boolean {
  return (entry) =>
    entry.endsWith("*") ? name.startsWith(entry.slice(0, -1)) : name === entry;
}

/** Each file of src/ with those of src/ that it imports, and main.ts, which may import all of them. */
async function readGraph(): Promise<Map<string, Set<string>>> {
  const graph = new Map<string, Set<string>>();
  for (const { importer, imported } of await readImports()) {
    const targets = graph.get(importer) ?? new Set();
    if (imported !== undefined) targets.add(imported);
    graph.set(importer, targets);
  }
  return graph;
}

/** The files of one circle of imports, or none. */
function findCircle(graph: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const done = new Set<string>();
  function visit(name: string, path: readonly string[]): string[] {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const target of graph.get(name) ?? []) {
      const circle = visit(target, [...path, name]);
      if (circle.length > 0) return circle;
    }
    done.add(name);
    return [];
  }
  for (const name of graph.keys()) {
    const circle = visit(name, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

Deno.test("src/ has a layer for each of its files", async () => {
  const names = (await listSources()).map((file) => file.replace(/\.ts$/, ""));
  equal(tell(names.filter((name) => findLayer(name) < 0)), "");
  const gone = Object.values(LAYERS).flat()
    .filter((entry) => !names.some((name) => covers(name)(entry)));
  equal(tell(gone), "");
});

Deno.test("src/ imports one way", async () => {
  const graph = await readGraph();
  const placed = [...graph].filter(([name]) => findLayer(name) >= 0);
  const wrong = placed.flatMap(([importer, targets]) =>
    [...targets]
      .filter((target) => findLayer(target) > findLayer(importer))
      .map((target) => `${importer} imports ${target}`)
  );
  equal(tell(wrong), "");
  equal(findCircle(graph).join(" imports "), "");
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

/** The page of the status runs in a browser: of the program it knows the shape of what it shows, and nothing else. */
Deno.test("src/page/ is a program of its own, of which src/ has what it was built to", async () => {
  const strange: string[] = [];
  for (const name of await listSources("src/page")) {
    if (name === BUILT || !/\.tsx?$/.test(name)) continue;
    const text = await Deno.readTextFile(new URL(`src/page/${name}`, ROOT));
    for (const [line, from = ""] of text.matchAll(IMPORT)) {
      const isOwn = from.startsWith("./") && from !== `./${BUILT}`;
      const isType = from === "../status_report.ts" &&
        line.startsWith("import type ");
      if (!isOwn && !isType && namePackage(from) !== "preact") {
        strange.push(`page/${name}: ${line}`);
      }
    }
  }
  equal(tell(strange), "");
  const inside = (await readImports())
    .filter(({ specifier }) => specifier.includes("/page/"))
    .map(({ importer, specifier }) => `${importer} imports ${specifier}`);
  equal(tell(inside), `status_page imports ./page/${BUILT}`);
});

/** What the page is built to. */
const BUILT = "built_page.ts";

const IMPORT = /^import\s[^;"]*"([^"]+)";$/gm;

Deno.test("src/ has no file that wants splitting", async () => {
  const long: string[] = [];
  for (const folder of ["src", "src/page"]) {
    for (const name of await listSources(folder)) {
      // a style is a list, and what is built is not read
      if (name.endsWith(".css") || name === BUILT) continue;
      const text = await Deno.readTextFile(new URL(`${folder}/${name}`, ROOT));
      const lines = text.split("\n").length - 1;
      if (lines > MAX_LINES) long.push(`${folder}/${name}: ${lines} lines`);
    }
  }
  equal(tell(long), "");
});

// neither the bundle nor `deno compile` rewrites the keyword, and a runtime that has all the rest may not know it yet
Deno.test("src/ and main.ts declare nothing with `using`", async () => {
  const files = (await listSources()).map((name) => `src/${name}`);
  const found: string[] = [];
  for (const path of ["main.ts", ...files]) {
    const text = await Deno.readTextFile(new URL(path, ROOT));
    for (const [index, line] of text.split("\n").entries()) {
      const isFound = /\busing\s+[\w$]+\s*(?:=|:|of\b)/.test(line);
      if (isFound) found.push(`${path}:${index + 1}: ${line.trim()}`);
    }
  }
  equal(tell(found), "");
});
