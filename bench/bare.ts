import { join } from "node:path";
import { z } from "zod";
import { findProgram } from "../dev/command.ts";
import { findPostgres } from "../dev/postgres_home.ts";
import { loadConfig, type LoadedConfig } from "../src/config.ts";
import { ensureIndexBeside } from "../src/index_lifecycle.ts";
import type { Key } from "../src/keys.ts";
import type { Log } from "../src/logging.ts";
import { planIndexes } from "../src/plan_indexes.ts";
import { identifySource } from "../src/preflight.ts";
import { openScope } from "../src/scope.ts";
import { openServers, type Servers } from "../src/servers.ts";
import { readKeys } from "../src/table_scan.ts";
import { copyStatement, readFrame } from "../src/transform.ts";
import { openVersions } from "../src/versions.ts";
import type { Home } from "./agent.ts";
import type { Dataset, Lab } from "./lab.ts";

/** The two servers without anything between them, on one data set and configuration. */
export interface Bare extends AsyncDisposable {
  /** The document query as configured. */
  readonly document: string;
  /** How many statements are out at once. */
  readonly connections: number;
  /** Makes the index as the agent makes it, in place of all others. */
  makeIndex(): Promise<{ name: string; alias: string }>;
  /** Writes the agent's statements, and the bodies of its requests, into files. */
  prepare(): Promise<void>;
  /** Runs the prepared statements; what they copy out is thrown away. Takes what psql takes, in seconds. */
  runStatements(): Promise<number>;
  /** Sends the prepared bodies to an index, so many at once. Takes what curl takes, in seconds. */
  sendBodies(alias: string, concurrency: number): Promise<number>;
}

/** What nobody reads. */
const SILENT: Log = {
  debug() {},
  info() {},
  warning() {},
  error() {},
  with: () => SILENT,
};

/** As in the agent: far above any document here. */
const MAX_DOCUMENT_BYTES = 90 * 2 ** 20;

const Connections = z.looseObject({ connections: z.int().default(1) });

/** The agent's own connection says what its sessions are set to. */
const SESSION = {
  label: "pg_settings",
  sql: `select name, setting from pg_settings
where source = 'client' and name not in ('application_name', 'client_encoding')`,
  row: z.object({ name: z.string(), setting: z.string() }),
};

/** Opens both servers as the agent does. */
export async function openBare(
  lab: Lab,
  { home, dataset, connections }: {
    home: Home;
    dataset: Dataset;
    connections?: number | undefined;
  },
): Promise<Bare> {
  const loaded = await loadConfig(home.configFile, {});
  const { config } = loaded;
  const [definition] = config.indexes;
  if (definition === undefined) throw new Error("Cannot measure: no index");
  const { signal } = new AbortController();
  const scope = openScope();
  const servers = openServers(loaded, { scope, log: SILENT, drain: signal });
  const statements = join(lab.folder, "statements");
  const bodies = join(lab.folder, "bodies");
  const count = connections ??
    Connections.parse(config.postgres).connections;
  const psql = join(await findPostgres(), "psql");
  const curl = await findProgram("curl");
  if (curl === undefined) {
    throw new Error("Cannot measure: curl is missing. Put it on PATH");
  }
  const settings = await servers.source.query(SESSION, { signal });
  const environment = {
    PGHOST: dataset.host,
    PGPORT: String(dataset.port),
    PGDATABASE: dataset.database,
    PGUSER: dataset.user,
    PGPASSWORD: dataset.password,
    PGCLIENTENCODING: "UTF8",
    PGOPTIONS: settings
      .map(({ name, setting }) =>
        `-c ${name}=${setting.replaceAll(" ", "\\ ")}`
      )
      .join(" "),
  };

  return {
    document: definition.document,
    connections: count,
    async makeIndex() {
      await lab.search.clear();
      const { source, cluster } = servers;
      const identity = await identifySource(source, signal);
      const recipe = { ...definition, source: identity };
      return await ensureIndexBeside(cluster, { recipe, log: SILENT, signal });
    },
    async prepare() {
      for (const folder of [statements, bodies]) {
        await Deno.remove(folder, { recursive: true }).catch(() => {});
        await Deno.mkdir(folder);
      }
      await writeFiles(servers, loaded, { statements, bodies, count });
    },
    async runStatements() {
      const files = Array.from(
        { length: count },
        (_, place) => join(statements, `${place}.sql`),
      );
      const words = [psql, "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1"];
      return await timeCommands(
        files.map((file) => [...words, "-f", file]),
        environment,
      );
    },
    async sendBodies(alias, concurrency) {
      const entries = await Array.fromAsync(Deno.readDir(bodies));
      const url = `${lab.elasticsearchUrl}/${alias}/_bulk?require_alias=true` +
        "&filter_path=items.*.status,items.*.error";
      const requests = entries.map(({ name }) =>
        `url = "${url}"\nupload-file = "${join(bodies, name)}"\n` +
        'output = "/dev/null"\n'
      );
      const file = join(lab.folder, "requests.curl");
      await Deno.writeTextFile(file, requests.sort().join(""));
      return await timeCommands([[
        curl,
        ...["--disable", "--no-progress-meter", "--fail"],
        ...["--no-buffer", "--request", "POST"],
        ...["--parallel", "--parallel-max", String(concurrency)],
        ...["--header", "content-type: application/x-ndjson"],
        ...["--header", "expect:", "--config", file],
      ]], {});
    },
    async [Symbol.asyncDispose]() {
      await scope.close();
      for (const folder of [statements, bodies]) {
        await Deno.remove(folder, { recursive: true }).catch(() => {});
      }
    },
  };
}

/** Pages of keys in their order, a statement each; and what they copy out, packed as the agent packs it. */
async function writeFiles(
  { source }: Servers,
  loaded: LoadedConfig,
  { statements, bodies, count }: {
    statements: string;
    bodies: string;
    count: number;
  },
): Promise<void> {
  const { signal } = new AbortController();
  const [plan] = await planIndexes(loaded, { source, signal });
  if (plan === undefined) throw new Error("Cannot measure: no plan");
  const { maxBytes } = loaded.config.elasticsearch;
  const version = await openVersions().next(source, signal);
  const writers = await Promise.all(
    Array.from({ length: count }, async (_, place) => {
      const file = join(statements, `${place}.sql`);
      const options = { write: true, create: true };
      return (await Deno.open(file, options)).writable.getWriter();
    }),
  );
  const encoder = new TextEncoder();
  let after: readonly string[] | undefined;
  let bodyCount = 0;
  for (let page = 0;; page++) {
    const { keys, last }: { keys: Key[]; last: readonly string[] | undefined } =
      await readKeys(source, plan.root, {
        after,
        limit: plan.pageSize,
        signal,
      });
    if (keys.length === 0) break;
    after = last;
    const sql = copyStatement(plan.document, {
      keys,
      version,
      maxDocumentBytes: MAX_DOCUMENT_BYTES,
    });
    await writers[page % count]?.write(encoder.encode(`${sql};\n`));
    const requests: Uint8Array<ArrayBuffer>[][] = [];
    let used = Infinity;
    await source.copy({
      label: plan.document.label,
      sql,
      start: () => (message) => {
        const frame = readFrame(message);
        if (frame?.kind !== "operation") return;
        if (used + frame.bytes.length > maxBytes) {
          requests.push([]);
          used = 0;
        }
        // a copy: slice() of what is a Buffer is none
        requests.at(-1)?.push(new Uint8Array(frame.bytes));
        used += frame.bytes.length;
      },
    }, signal);
    for (const parts of requests) {
      const name = `${String(bodyCount++).padStart(6, "0")}.ndjson`;
      await Deno.writeFile(
        join(bodies, name),
        new Blob(parts).stream(),
      );
    }
  }
  for (const writer of writers) await writer.close();
}

/** Runs commands side by side until all have ended; what they write to standard output is thrown away. */
async function timeCommands(
  commands: readonly (readonly string[])[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const startedMs = performance.now();
  await Promise.all(commands.map(async ([program = "", ...args]) => {
    const { code, stderr } = await new Deno.Command(program, {
      args,
      env: { ...environment },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (code === 0) return;
    const told = new TextDecoder().decode(stderr).trim();
    throw new Error(`Cannot run ${program}: status is ${code}. ${told}`);
  }));
  return (performance.now() - startedMs) / 1_000;
}
