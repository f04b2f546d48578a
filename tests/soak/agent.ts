import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { agentFlags } from "../../dev/agent_flags.ts";
import { findProgram } from "../../dev/command.ts";
import { sleep } from "./writer.ts";

/** How agents of the soak are started. */
export interface AgentSetup {
  /** The folder with config.yaml, the only one that it may write to. */
  readonly folder: string;
  /** What log files begin with. */
  readonly logPrefix: string;
  /** What it takes, over all processes. */
  readonly usage: Usage;
  /** Variables for the n-th start. */
  readonly env: (start: number) => Readonly<Record<string, string>>;
}

/** The most that processes of the agent took. */
export interface Usage {
  rssBytes: number;
  files: number;
}

/** The agent, started again whenever it ends. */
export interface Supervised extends AsyncDisposable {
  readonly pid: number;
  /** How it ended without, or other than, being told to. */
  readonly unexpected: readonly string[];
  /** Sends SIGKILL or SIGTERM; resolves when it has ended, and the next one begins. Throws when it is ending already. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const DENO_JSON = fileURLToPath(new URL("../../deno.json", import.meta.url));
const SAMPLE_MS = 500;
/** More than its grace period, on a busy machine too. */
const END_LIMIT_MS = 30_000;

/** Starts the agent and keeps it running until it is disposed of. */
export async function superviseAgent(setup: AgentSetup): Promise<Supervised> {
  const stop = new AbortController();
  const unexpected: string[] = [];
  const told = new Map<number, Deno.Signal>();
  let startCount = 0;
  let child = await spawn(setup, startCount);

  async function run(): Promise<void> {
    for (;;) {
      const running = child;
      const { pid } = running.process;
      const status = await running.ended;
      const signal = told.get(pid);
      told.delete(pid); // another one may get this number
      if (!isExpected(status, signal)) {
        unexpected.push(
          `the agent ended with ${
            status.signal ?? `status ${status.code}`
          }, log ${running.logFile}`,
        );
        await sleep(1_000, stop.signal);
      }
      if (stop.signal.aborted) return;
      child = await spawn(setup, ++startCount);
    }
  }
  const running = run();

  async function end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const { process, ended } = child;
    if (told.has(process.pid)) {
      throw new Error(`Cannot send ${signal}: the agent is ending`);
    }
    told.set(process.pid, signal);
    kill(process, signal);
    const late = setTimeout(() => {
      unexpected.push(
        `the agent, told to stop, still runs after ${END_LIMIT_MS} ms`,
      );
      kill(process, "SIGKILL");
    }, END_LIMIT_MS);
    await ended;
    clearTimeout(late);
  }
  return {
    get pid() {
      return child.process.pid;
    },
    unexpected,
    end,
    async [Symbol.asyncDispose]() {
      stop.abort();
      told.set(child.process.pid, "SIGKILL");
      kill(child.process, "SIGKILL");
      await running;
    },
  };
}

function isExpected(
  { code, signal }: Deno.CommandStatus,
  told: Deno.Signal | undefined,
): boolean {
  if (told === undefined) return false;
  return signal === told || (told === "SIGTERM" && code === 0);
}

function kill(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch {
    // it has ended meanwhile
  }
}

async function spawn(setup: AgentSetup, start: number) {
  const { folder, logPrefix, usage, env } = setup;
  const number = String(start).padStart(4, "0");
  const logFile = `${logPrefix}-${number}.log`;
  const agent = await commandOf(["run", "-c", join(folder, "config.yaml")]);
  const process = new Deno.Command("sh", {
    // the shell opens the log: nothing of it is on its way when the agent is killed
    args: ["-c", 'exec "$@" 2>>"$0"', logFile, ...agent],
    cwd: folder,
    env: { ...env(start) },
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true, // Ctrl-C is for the soak, which ends it
  }).spawn();
  process.ref();
  const sampling = setInterval(() => sample(process.pid, usage), SAMPLE_MS);
  const ended = process.status.finally(() => clearInterval(sampling));
  return { process, ended, logFile };
}

/** The words that start the agent with the permissions of deno.json; it dies with this process. */
export async function commandOf(
  words: readonly string[],
): Promise<readonly string[]> {
  const setpriv = await findProgram("setpriv");
  return [
    ...setpriv ? [setpriv, "--pdeathsig", "KILL", "--"] : [],
    Deno.execPath(),
    ...["run", "--quiet", "--config", DENO_JSON],
    ...agentFlags(),
    MAIN,
    ...words,
  ];
}

async function sample(pid: number, usage: Usage): Promise<void> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    let files = 0;
    for await (const _ of Deno.readDir(`/proc/${pid}/fd`)) files++;
    usage.rssBytes = Math.max(usage.rssBytes, kilobytes * 1024);
    usage.files = Math.max(usage.files, files);
  } catch {
    // it has ended, or this system has no /proc
  }
}
