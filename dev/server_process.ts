import { join } from "node:path";
import { type Claim, endLeftover, writeClaim } from "./claim.ts";
import { asUser, findProgram, lastLine } from "./command.ts";
import { pause, POLL_MS, sendSignal } from "./signal.ts";

/** What is needed to run a server in a folder of its own. */
export interface ServerCommand {
  /** The name for people, e.g. `PostgreSQL`. */
  readonly name: string;
  /** The folder of this server; its log is `log` in there. */
  readonly folder: string;
  /** The folder to run in; {@linkcode ServerCommand.folder} unless given. */
  readonly cwd?: string;
  /** Program and arguments; the program must stay in the foreground. */
  readonly words: readonly string[];
  /** The account to run as; matters only to root, who stays root without it. */
  readonly user?: string;
  /** Variables added to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The signal that ends this server, sent by the system too when this process dies. */
  readonly endSignal: Claim["endSignal"];
  /** Whether the server, the process with this number, answers; asked again and again until it does. */
  isReady(pid: number): Promise<boolean>;
}

/** A running server. */
export interface ServerProcess {
  /** The process that was started; leader of a process group of its own. */
  readonly pid: number;
  /** Sends a signal, to the whole group when asked to, and waits for the end of the process. */
  end(signal: Deno.Signal, to?: "process" | "group"): Promise<void>;
}

const START_LIMIT_MS = 120_000;
const END_LIMIT_MS = 30_000;

/**
 * Starts a server and waits until it is ready. Its session is its own, so that
 * Ctrl-C reaches this process only; the system ends it when this process dies.
 * Throws, with the last line of its log, when it ends or is not ready in 120 s.
 */
export async function startProcess(
  command: ServerCommand,
): Promise<ServerProcess> {
  const { name, folder } = command;
  await endLeftover(folder);
  const logFile = join(folder, "log");
  // the shell opens the log, so it may lie where the server's account may not write
  const log = ["sh", "-c", 'exec "$@" >>"$0" 2>&1', logFile];
  const [program = "", ...args] = [
    ...log,
    // inside the change of account, which would undo it
    ...asUser(await dyingWithParent(command), command.user),
  ];
  const child = new Deno.Command(program, {
    args,
    cwd: command.cwd ?? folder,
    env: { ...command.env },
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.ref();
  try {
    await writeClaim(command, child.pid);
    await untilReady(child, command);
  } catch (error) {
    await end(child, "SIGKILL", "group");
    throw new Error(
      `Cannot start ${name}: ${
        error instanceof Error ? error.message : error
      }. ${lastLine(await Deno.readTextFile(logFile))} (${logFile})`,
      { cause: error },
    );
  }
  return {
    pid: child.pid,
    end: (signal, to = "process") => end(child, signal, to),
  };
}

async function untilReady(
  child: Deno.ChildProcess,
  command: ServerCommand,
): Promise<void> {
  const ended: { code?: number } = {};
  child.status.then(({ code }) => ended.code = code);
  const untilMs = performance.now() + START_LIMIT_MS;
  while (!await command.isReady(child.pid)) {
    if (ended.code !== undefined) {
      throw new Error(`it ended with status ${ended.code}`);
    }
    if (performance.now() > untilMs) {
      throw new Error(`it is not ready after ${START_LIMIT_MS / 1000} s`);
    }
    await pause(POLL_MS);
  }
}

async function end(
  child: Deno.ChildProcess,
  signal: Deno.Signal,
  to: "process" | "group",
): Promise<void> {
  sendSignal(to === "group" ? -child.pid : child.pid, signal);
  const timer = setTimeout(
    () => sendSignal(-child.pid, "SIGKILL"),
    END_LIMIT_MS,
  );
  await child.status;
  clearTimeout(timer);
}

async function dyingWithParent(
  { words, endSignal }: ServerCommand,
): Promise<readonly string[]> {
  const able = Deno.build.os === "linux" && await findProgram("setpriv");
  const signal = endSignal.slice("SIG".length);
  return able ? ["setpriv", "--pdeathsig", signal, "--", ...words] : words;
}
