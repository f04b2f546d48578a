import { join } from "node:path";
import { isRoot, runCommand } from "./command.ts";
import {
  type ElasticsearchHome,
  findElasticsearch,
} from "./elasticsearch_home.ts";
import { openFolder } from "./folder.ts";
import { findOpenSearch } from "./opensearch_home.ts";
import { freePort } from "./port.ts";
import { type ServerProcess, startProcess } from "./server_process.ts";
import { readVersions } from "./server_versions.ts";

/** How an Elasticsearch is started. */
export interface ElasticsearchOptions {
  /** The folder for configuration, data and log; data that is there already is used. */
  readonly folder: string;
  /** The exact version of an Elasticsearch; what {@linkcode readVersions} tells unless given. */
  readonly version?: string;
  /** A port of 127.0.0.1; a free one unless given. */
  readonly port?: number;
  /** The size of its heap; 512 MB unless given. */
  readonly heapMb?: number;
  /** Settings of elasticsearch.yml beside what a single local node needs. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** Options of the Java machine; by default it compiles lightly, which halves the time to start. */
  readonly javaOptions?: readonly string[];
}

/** An Elasticsearch of this process; disposing of it stops it and keeps its data. */
export interface ElasticsearchServer extends AsyncDisposable {
  /** Its address, `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** The port of 127.0.0.1, the same over stop and start. */
  readonly port: number;
  /** The process that runs now, the leader of its process group. Throws when it is stopped. */
  readonly pid: number;
  /** Stops it in order. Does nothing when it is stopped. */
  stop(): Promise<void>;
  /** Ends it as a crash does. Does nothing when it is stopped. */
  kill(): Promise<void>;
  /** Starts it again. Does nothing when it runs. */
  start(): Promise<void>;
}

const USER = "pg2es-dev";

/**
 * Starts an Elasticsearch on 127.0.0.1, and downloads it first where it is missing.
 * Throws one line that says what to do when that is not possible.
 */
export async function startElasticsearch(
  options: ElasticsearchOptions,
): Promise<ElasticsearchServer> {
  const { product, version } = options.version === undefined
    ? readVersions().search
    : { product: "elasticsearch", version: options.version };
  if (product === "opensearch") return await startOpenSearch(version, options);
  const home = await findElasticsearch(version);
  const folder = await openFolder(options.folder);
  const port = options.port ?? freePort();
  await prepareFolder(folder, settingsFor(home, { ...options, folder, port }));
  return await runServer({
    folder,
    port,
    words: [join(home.folder, "bin/elasticsearch")],
    env: environment(home, { ...options, folder }),
  });
}

/** An OpenSearch by the runner of its plugins' tests, which takes no port above 9299. */
async function startOpenSearch(
  version: string,
  { heapMb = 512, ...options }: ElasticsearchOptions,
): Promise<ElasticsearchServer> {
  const home = await findOpenSearch(version);
  const folder = await openFolder(options.folder);
  const port = options.port ?? freePort(RUNNER_PORTS);
  const transportPort = freePort();
  const settings = {
    "transport.port": transportPort,
    "discovery.seed_hosts": [`127.0.0.1:${transportPort}`],
    "cluster.routing.allocation.disk.threshold_enabled": false,
    ...(version.startsWith("2.") ? { "discovery.type": "single-node" } : {}),
    ...options.settings,
  };
  await prepareNode(folder, settings);
  const heap = [`-Xms${heapMb}m`, `-Xmx${heapMb}m`];
  const temporary = `-Djava.io.tmpdir=${join(folder, "temporary")}`;
  return await runServer({
    folder,
    port,
    words: [
      join(home.java, "bin/java"),
      ...[...heap, "-XX:+UseSerialGC", ...LIGHT, temporary],
      ...["-cp", join(home.library, "*"), RUNNER],
      ...["-clusterName", "pg2es-dev", "-numOfNode", "1"],
      ...["-basePath", folder, "-baseHttpPort", String(port - 1)],
    ],
    env: {},
  });
}

const RUNNER = "org.codelibs.opensearch.runner.OpenSearchRunner";
const RUNNER_PORTS = { from: 9_201, to: 9_299 };

/** A port that nothing listens on now, and that the search server of the tests can. */
export function freeSearchPort(): number {
  return readVersions().search.product === "opensearch"
    ? freePort(RUNNER_PORTS)
    : freePort();
}

async function prepareNode(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const node = join(folder, "node_1");
  const own = [node, join(folder, "temporary")];
  await Deno.mkdir(join(node, "config"), { recursive: true });
  await Deno.mkdir(join(folder, "temporary"), { recursive: true });
  const lines = Object.entries(settings)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  const file = join(node, "config/opensearch.yml");
  await Deno.writeTextFile(file, lines.join(""));
  if (!isRoot()) return;
  await addUser();
  await runCommand(["chown", "-R", `${USER}:${USER}`, ...own]);
}

/** Runs the server of a folder that is prepared. */
async function runServer(
  { folder, port, words, env }: {
    folder: string;
    port: number;
    words: readonly string[];
    env: Readonly<Record<string, string>>;
  },
): Promise<ElasticsearchServer> {
  const url = `http://127.0.0.1:${port}`;
  let running: ServerProcess | undefined;

  async function start(): Promise<void> {
    running ??= await startProcess({
      name: "Elasticsearch",
      folder,
      words,
      user: USER,
      env,
      endSignal: "SIGTERM",
      isReady: () => isReady(url),
    });
  }
  async function end(
    signal: Deno.Signal,
    to: "process" | "group",
  ): Promise<void> {
    await running?.end(signal, to);
    running = undefined;
  }

  await start();
  return {
    url,
    port,
    get pid() {
      if (!running) throw new Error("Cannot tell the process: it is stopped");
      return running.pid;
    },
    stop: () => end("SIGTERM", "process"),
    kill: () => end("SIGKILL", "group"),
    start,
    [Symbol.asyncDispose]: () => end("SIGTERM", "process"),
  };
}

function environment(
  home: ElasticsearchHome,
  { folder, heapMb = 512, javaOptions = LIGHT }: ElasticsearchOptions,
): Record<string, string> {
  const heap = [`-Xms${heapMb}m`, `-Xmx${heapMb}m`];
  const temporary = join(folder, "temporary");
  // the launcher litters; its script splits options at spaces, so not in such a folder
  const litter = /\s/.test(temporary) ? [] : [`-Djava.io.tmpdir=${temporary}`];
  return {
    ES_JAVA_HOME: home.java,
    ES_PATH_CONF: join(folder, "config"),
    ES_TMPDIR: temporary,
    ES_JAVA_OPTS: [...heap, ...javaOptions].join(" "),
    CLI_JAVA_OPTS: [...LIGHT, ...litter].join(" "),
  };
}

const LIGHT = ["-XX:TieredStopAtLevel=1"];

const JAVA_OPTIONS = `-XX:+UseSerialGC
-XX:+ExitOnOutOfMemoryError
-Djava.io.tmpdir=\${ES_TMPDIR}
20-:--add-modules=jdk.incubator.vector
`;

const LOGGING = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1.} %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
`;

function settingsFor(
  home: ElasticsearchHome,
  { folder, port, settings }: ElasticsearchOptions,
): Record<string, unknown> {
  return {
    "cluster.name": "pg2es-dev",
    "node.name": "pg2es-dev",
    "discovery.type": "single-node",
    "http.port": port,
    "transport.port": freePort(),
    "path.data": join(folder, "data"),
    "path.logs": join(folder, "logs"),
    // a nearly full disk of a developer's machine must not make indexes read-only
    "cluster.routing.allocation.disk.threshold_enabled": false,
    ...(home.major < 8 ? {} : { "xpack.security.enabled": false }),
    ...settings,
  };
}

async function prepareFolder(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
): Promise<void> {
  const own = ["config", "data", "logs", "temporary"]
    .map((name) => join(folder, name));
  for (const path of own) await Deno.mkdir(path, { recursive: true });
  const lines = Object.entries(settings)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`);
  const config = join(folder, "config");
  await Deno.writeTextFile(join(config, "elasticsearch.yml"), lines.join(""));
  await Deno.writeTextFile(join(config, "jvm.options"), JAVA_OPTIONS);
  await Deno.writeTextFile(join(config, "log4j2.properties"), LOGGING);
  if (!isRoot()) return;
  await addUser();
  await runCommand(["chown", "-R", `${USER}:${USER}`, ...own]);
}

/** Makes the account that Elasticsearch runs as, since it refuses root. */
async function addUser(): Promise<void> {
  const exists = () => runCommand(["id", USER]).then(() => true, () => false);
  if (await exists()) return;
  const options = ["--system", "--user-group", "--no-create-home"];
  try {
    await runCommand(["useradd", ...options, USER]);
  } catch (error) {
    if (!await exists()) throw error; // else another run made it meanwhile
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(5_000);
    const answer = await fetch(`${url}/_cluster/health`, { signal });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}
