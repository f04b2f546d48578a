import { join } from "node:path";
import { z } from "zod";
import { findProgram } from "../dev/command.ts";
import { findPostgres } from "../dev/postgres_home.ts";
import { loadConfig, type LoadedConfig } from "../src/config.ts";
import { ensureIndexBeside } from "../src/index_lifecycle.ts";
import type { Key } from "../src/keys.ts";
import { restoreIndex } from "../src/load_tuning.ts";
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
  /** Reads films and sends them to an index that has them, each by itself and one after the other, so many a second at most. */
  passFilms(
    index: { name: string; alias: string },
    options: { films: number; filmsPerSecond: number },
  ): Promise<PassedFilms>;
}

/** How long each film took, in milliseconds. */
export interface PassedFilms {
  readonly readMs: readonly number[];
  readonly sendMs: readonly number[];
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
    async passFilms({ name, alias }, { films, filmsPerSecond }) {
      const [plan] = await planIndexes(loaded, {
        source: servers.source,
        signal,
      });
      if (plan === undefined) throw new Error("Cannot measure: no plan");
      const options = { after: undefined, limit: films, signal };
      const { keys } = await readKeys(servers.source, plan.root, options);
      // it is searched while it is followed
      await restoreIndex(servers.cluster, { name, signal });
      const version = await openVersions().next(servers.source, signal);
      const readMs: number[] = [];
      const sendMs: number[] = [];
      const startedMs = performance.now();
      for (const [place, key] of keys.entries()) {
        const dueMs = startedMs + place * 1_000 / filmsPerSecond;
        await pause(dueMs - performance.now());
        const beginMs = performance.now();
        const sql = copyStatement(plan.document, {
          keys: [key],
          version,
          maxDocumentBytes: MAX_DOCUMENT_BYTES,
        });
        const parts = await copyOperations(servers, {
          label: plan.document.label,
          sql,
        });
        const betweenMs = performance.now();
        await sendOperations(`${lab.elasticsearchUrl}/${alias}`, parts);
        readMs.push(betweenMs - beginMs);
        sendMs.push(performance.now() - betweenMs);
      }
      return { readMs, sendMs };
    },
    async [Symbol.asyncDispose]() {
      await scope.close();
      for (const folder of [statements, bodies]) {
        await Deno.remove(folder, { recursive: true }).catch(() => {});
      }
    },
  };
}

/** The operations that a statement copies out, each a copy of its own. */
async function copyOperations(
  { source }: Servers,
  { label, sql }: { label: string; sql: string },
): Promise<Uint8Array<ArrayBuffer>[]> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  await source.copy({
    label,
    sql,
    start: () => (message) => {
      const frame = readFrame(message);
      // a copy: slice() of what is a Buffer is none
      if (frame?.kind === "operation") parts.push(new Uint8Array(frame.bytes));
    },
  }, new AbortController().signal);
  return parts;
}

/** Throws when Elasticsearch takes one of them not. */
async function sendOperations(
  url: string,
  parts: readonly Uint8Array<ArrayBuffer>[],
): Promise<void> {
  const response = await fetch(`${url}/_bulk?require_alias=true`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: new Blob([...parts]),
  });
  const { errors } = Answer.parse(await response.json());
  if (errors) throw new Error("Cannot measure: Elasticsearch refuses a film");
}

const Answer = z.looseObject({ errors: z.boolean() });

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

/** Pages of keys in their order, a statement each; and what they copy out, packed as the agent packs it. */
async function writeFiles(
  servers: Servers,
  loaded: LoadedConfig,
  { statements, bodies, count }: {
    statements: string;
    bodies: string;
    count: number;
  },
): Promise<void> {
  const { source } = servers;
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
    const { label } = plan.document;
    for (const part of await copyOperations(servers, { label, sql })) {
      if (used + part.length > maxBytes) {
        requests.push([]);
        used = 0;
      }
      requests.at(-1)?.push(part);
      used += part.length;
    }
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
