import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseDocument } from "yaml";
import { z } from "zod";
import { agentFlags } from "../dev/agent_flags.ts";
import type { Dataset, Lab } from "./lab.ts";
import { type Watch, watchProcess } from "./process_cost.ts";

/** A folder with the agent's configuration; its position is beside it. */
export interface Home {
  readonly folder: string;
  readonly configFile: string;
}

/** A line of the agent's log, and when it came, by `performance.now()`. */
export interface Arrival {
  readonly line: LogLine;
  readonly atMs: number;
}

/** A line of the log; the fields of the event are beside these. */
export type LogLine = z.infer<typeof LogLine>;
const LogLine = z.looseObject({ message: z.string() });

/** The agent as a process; disposing of it stops it as SIGTERM does. */
export interface Agent extends AsyncDisposable {
  readonly pid: number;
  readonly startedMs: number;
  /** Its own CPU and memory, which stay known when it has ended. */
  readonly watch: Watch;
  /** How many lines with this message came so far. */
  count(message: string): number;
  /** The next line that is wanted, after the last one that was waited for. Throws when the agent ends without it. */
  waitFor(isWanted: (line: LogLine) => boolean): Promise<Arrival>;
  /** When it ended. Throws when it failed, with what it said last. */
  ended(): Promise<number>;
}

const ROOT = new URL("../", import.meta.url);
const MAIN = fileURLToPath(new URL("main.ts", ROOT));
const DENO_JSON = fileURLToPath(new URL("deno.json", ROOT));

/** The bundled configuration over a data set, with these values in it, and no position. */
export async function openHome(
  lab: Lab,
  dataset: Dataset,
  settings: Readonly<Record<string, unknown>>,
): Promise<Home> {
  const folder = join(lab.folder, "agent");
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  await Deno.mkdir(folder, { recursive: true });
  const bundled = new URL("index_config.json", ROOT);
  await Deno.copyFile(bundled, join(folder, "index_config.json"));
  const { host, port, database, user, password } = dataset;
  const values = {
    "postgres.host": host,
    "postgres.port": port,
    "postgres.database": database,
    "postgres.user": user,
    "postgres.password": password,
    "elasticsearch.node": lab.elasticsearchUrl,
    "logging.format": "json",
    "logging.level": "info",
    ...settings,
  };
  const home = { folder, configFile: join(folder, "config.yaml") };
  await Deno.copyFile(new URL("config.yaml", ROOT), home.configFile);
  await configure(home, values);
  return home;
}

/** Writes values into the configuration by path, for the next start of the agent. */
export async function configure(
  { configFile }: Home,
  values: Readonly<Record<string, unknown>>,
): Promise<void> {
  const config = parseDocument(await Deno.readTextFile(configFile));
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split(".")
      .map((key) => /^\d+$/.test(key) ? Number(key) : key);
    config.setIn(keys, config.createNode(value));
  }
  await Deno.writeTextFile(configFile, config.toString());
}

/** What the agent is: the executable that `PG2ES_BINARY` names, or the program under this Deno. */
export function describeAgent(): string {
  return Deno.env.has("PG2ES_BINARY") ? "executable" : "deno run";
}

/** Starts the agent, with the permissions that deno.json gives it. */
export function startAgent(home: Home, args: readonly string[]): Agent {
  const binary = Deno.env.get("PG2ES_BINARY");
  const program = binary === undefined
    ? [
      ...[Deno.execPath(), "run", "--quiet", "--config", DENO_JSON],
      ...agentFlags(),
      MAIN,
    ]
    : [binary];
  const startedMs = performance.now();
  // it ends with this process, however that ends
  const child = new Deno.Command("setpriv", {
    args: [
      ...["--pdeathsig", "TERM", "--", ...program, ...args],
      ...["--config", home.configFile],
    ],
    cwd: home.folder,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const watch = watchProcess(child.pid);

  const arrivals: Arrival[] = [];
  const told: string[] = [];
  const counts = new Map<string, number>();
  let wake = Promise.withResolvers<void>();
  let hasEnded = false;

  async function readLog(): Promise<void> {
    for await (const text of readLines(child.stderr)) {
      const atMs = performance.now();
      if (text.startsWith("{")) {
        const line = LogLine.parse(JSON.parse(text));
        counts.set(line.message, (counts.get(line.message) ?? 0) + 1);
        arrivals.push({ line, atMs });
      } else told.push(text);
      wake.resolve();
    }
  }
  async function end(): Promise<{ code: number; atMs: number }> {
    const [{ code, atMs }] = await Promise.all([
      child.status.then(({ code }) => ({ code, atMs: performance.now() })),
      readLog(),
    ]);
    hasEnded = true;
    watch[Symbol.dispose]();
    wake.resolve();
    return { code, atMs };
  }
  function said(): string {
    const lines = arrivals.slice(-5).map(({ line }) => JSON.stringify(line));
    return [...lines, ...told].join("\n");
  }
  const ending = end();

  return {
    pid: child.pid,
    startedMs,
    watch,
    count: (message) => counts.get(message) ?? 0,
    async waitFor(isWanted) {
      for (;;) {
        for (;;) {
          const arrival = arrivals.shift();
          if (arrival === undefined) break;
          if (isWanted(arrival.line)) return arrival;
        }
        if (hasEnded) {
          throw new Error(`Cannot measure: the agent ended. ${said()}`);
        }
        await wake.promise;
        wake = Promise.withResolvers();
      }
    },
    async ended() {
      const { code, atMs } = await ending;
      if (code === 0) return atMs;
      throw new Error(
        `Cannot measure: the agent's status is ${code}. ${said()}`,
      );
    },
    async [Symbol.asyncDispose]() {
      if (!hasEnded) child.kill("SIGTERM");
      await ending;
    },
  };
}

async function* readLines(
  bytes: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}

const PassFinished = z.object({
  message: z.literal("pass finished"),
  kind: z.enum(["load", "follow"]),
  written: z.int(),
  seconds: z.number(),
});

/** What a pass did; none where the line is of something else. */
export function passOf(
  line: LogLine,
): { kind: "load" | "follow"; written: number; seconds: number } | undefined {
  return PassFinished.safeParse(line).data;
}

/** Waits until the full load is done. */
export function waitForLoad(agent: Agent): Promise<Arrival> {
  return agent.waitFor((line) => passOf(line)?.kind === "load");
}
