import { join } from "node:path";
import { isScalar, isSeq, parseDocument } from "yaml";
import { z } from "zod";
import { loadExample } from "../../dev/example.ts";
import { type Servers, startServers } from "../../dev/servers.ts";
import {
  type FaultProxy,
  startFaultProxy,
} from "../integration/fault_proxy.ts";
import { openSession, type Row } from "../integration/world.ts";
import type { AgentSetup, Usage } from "./agent.ts";
import { type HttpProxy, startHttpProxy } from "./http_proxy.ts";
import type { SoakOptions } from "./options.ts";

/** Both servers with what stands between them and the agent, and a folder for it; disposing of it stops all. */
export interface Stage extends AsyncDisposable {
  readonly servers: Servers;
  /** In front of PostgreSQL, and of Elasticsearch with {@linkcode Stage.http} behind it. */
  readonly tcp: {
    readonly postgres: FaultProxy;
    readonly elasticsearch: FaultProxy;
  };
  readonly http: HttpProxy;
  /** The superuser's address of the films, by no proxy. */
  readonly databaseUrl: string;
  /** The address of the index, by no proxy. */
  readonly searchUrl: string;
  /** The document query of the configuration. */
  readonly document: string;
  readonly user: string;
  /** What no log may hold. */
  readonly secrets: readonly string[];
  /** What the agent takes at most. */
  readonly usage: Usage;
  /** How the first agent is started, and the second one, each in a folder of its own. */
  readonly first: AgentSetup;
  readonly second: AgentSetup;
  /** Whether the first agent's folder can be filled: that takes the right to mount. */
  readonly canFill: boolean;
  sql(text: string): Promise<Row[]>;
  /** The names of the indexes behind the alias. */
  indexNames(): Promise<string[]>;
  /** Asks Elasticsearch; throws unless the status is of success. */
  ask(method: string, path: string, body?: unknown): Promise<string>;
}

const ROOT = new URL("../../", import.meta.url);

const Named = z.record(z.string(), z.unknown());

/** Delays such that it catches up soon, and limits such that a frozen server is found out. */
const SETTINGS = {
  "fetch_delay": "200ms",
  "grace_period": "3s",
  "log_status_period": "10s",
  retry: { "min_delay": "50ms", "max_delay": "1s", multiplier: 2 },
} as const;

/** What may be kept is little, so that the limit is reached; with no sweep nothing makes up for what the log did not bring. */
const BY_WAL = [
  [["follow"], "wal"],
  [["wal", "max_slot_size"], "16MB"],
  [["indexes", 0, "sweep"], "off"],
] as const;

/** Opens the stage in an empty folder. */
export async function openStage(
  folder: string,
  follow: SoakOptions["follow"],
): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const servers = opened.use(await startServers({ folder }));
  const example = await loadExample(servers.postgres.url, "movies_database");
  const owner = new URL(servers.postgres.url);
  owner.pathname = example.database;
  const databaseUrl = owner.href;
  const secrets = {
    postgres: `pg-${crypto.randomUUID()}`,
    elasticsearch: `es-${crypto.randomUUID()}`,
  };
  await runSql(
    databaseUrl,
    `alter role ${example.user} password '${secrets.postgres}'`,
  );
  if (follow === "wal") {
    await runSql(
      databaseUrl,
      `alter role ${example.user} replication;
       grant postgres to ${example.user};
       alter table content.person_film_work replica identity full;
       alter table content.genre_film_work replica identity full`,
    );
  }
  const http = opened.use(await startHttpProxy(servers.elasticsearch.url));
  const hostname = "127.0.0.1";
  const tcp = {
    postgres: opened.use(
      startFaultProxy({ hostname, port: servers.postgres.port }),
    ),
    elasticsearch: opened.use(startFaultProxy({ hostname, port: http.port })),
  };

  const usage = { rssBytes: 0, files: 0 };
  const environment = {
    DB_HOST: hostname,
    DB_PORT: String(tcp.postgres.port),
    DB_NAME: example.database,
    DB_USER: example.user,
    DB_PASSWORD: secrets.postgres,
    ES_URL: `http://${hostname}:${tcp.elasticsearch.port}`,
    ES_USER: "soak",
    ES_PASSWORD: secrets.elasticsearch,
  };
  const { text, document } = await makeConfig(follow);
  const logs = join(folder, "logs");
  await Deno.mkdir(logs, { recursive: true });
  async function setUp(name: string): Promise<AgentSetup> {
    const own = join(folder, name);
    await Deno.mkdir(own, { recursive: true });
    return {
      folder: own,
      logPrefix: join(logs, name),
      usage,
      env: (start) => ({
        ...environment,
        LOG_FORMAT: start % 2 === 0 ? "json" : "text",
        LOG_LEVEL: start % 3 === 0 ? "debug" : "info",
      }),
    };
  }
  const first = await setUp("first");
  const second = await setUp("second");
  const canFill = await mountSmall(first.folder);
  if (canFill) opened.defer(() => unmount(first.folder));
  for (const own of [first.folder, second.folder]) {
    await Deno.writeTextFile(join(own, "config.yaml"), text);
    const name = "index_config.json";
    await Deno.copyFile(new URL(name, ROOT), join(own, name));
  }

  async function ask(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<string> {
    const response = await fetch(`${servers.elasticsearch.url}${path}`, {
      method,
      signal: AbortSignal.timeout(15_000),
      ...(body !== undefined && {
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    });
    const answer = await response.text();
    if (response.ok) return answer;
    throw new Error(`Cannot ${method} ${path}: ${answer}`);
  }
  const kept = opened.move();
  return {
    servers,
    tcp,
    http,
    databaseUrl,
    searchUrl: `${servers.elasticsearch.url}/movies`,
    document,
    user: example.user,
    secrets: [
      ...Object.values(secrets),
      btoa(`soak:${secrets.elasticsearch}`),
    ],
    usage,
    first,
    second,
    canFill,
    sql: (sql) => runSql(databaseUrl, sql),
    ask,
    async indexNames() {
      const answer = await ask("GET", "/_alias/movies");
      return Object.keys(Named.parse(JSON.parse(answer)));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The bundled configuration with what a soak needs otherwise, and its document query. */
async function makeConfig(
  follow: SoakOptions["follow"],
): Promise<{ text: string; document: string }> {
  const config = parseDocument(
    await Deno.readTextFile(new URL("config.yaml", ROOT)),
  );
  for (const [key, value] of Object.entries(SETTINGS)) {
    config.set(key, config.createNode(value));
  }
  const settings:
    readonly (readonly [readonly (string | number)[], unknown])[] = [
      [["postgres", "connect_timeout"], "3s"],
      [["postgres", "statement_timeout"], "6s"],
      [["postgres", "page_size"], 100],
      [["elasticsearch", "request_timeout"], "6s"],
      [["elasticsearch", "max_bytes"], "100KB"],
      // the writer deletes much while sweeps cannot be made
      [["indexes", 0, "max_delete"], "100%"],
      [["indexes", 0, "sweep"], { ids: "3s", content: "8s" }],
      ...(follow === "wal" ? BY_WAL : []),
    ];
  for (const [path, value] of settings) {
    config.setIn(path, config.createNode(value));
  }
  const document = config.getIn(["indexes", 0, "document"], true);
  if (!isSeq(config.get("indexes")) || !isScalar(document)) {
    throw new Error("Cannot find the document query in config.yaml");
  }
  return { text: config.toString(), document: String(document.value) };
}

async function runSql(url: string, text: string): Promise<Row[]> {
  await using session = await openSession(url);
  return await session.sql(text);
}

/** Puts a small file system at the folder; whether that was allowed. */
async function mountSmall(folder: string): Promise<boolean> {
  await unmount(folder); // of a run that was killed
  return await succeeds("mount", [
    ...["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder],
  ]);
}

/** Takes away what {@linkcode openStage} may have mounted at the folder. */
export async function unmount(folder: string): Promise<void> {
  await succeeds("umount", ["--lazy", folder]);
}

async function succeeds(program: string, args: string[]): Promise<boolean> {
  try {
    const command = new Deno.Command(program, { args, stderr: "null" });
    return (await command.output()).success;
  } catch {
    return false; // not there, on this system
  }
}
