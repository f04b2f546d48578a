import { join } from "node:path";
import { z } from "zod";
import { asUser, findProgram, lastLine } from "./command.ts";

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
  readonly endSignal: Deno.Signal;
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

type Identity = z.infer<typeof Identity>;
/** A process, told from a later one that was given the same number by when it was started. */
const Identity = z.strictObject({ pid: z.int(), started: z.string() });

const Claim = z.strictObject({ server: Identity, owner: Identity });

const START_LIMIT_MS = 120_000;
const END_LIMIT_MS = 30_000;
const POLL_MS = 25;

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
    await writeClaim(folder, child.pid);
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

/**
 * Ends a server that an earlier run, killed meanwhile, left behind in this folder.
 * Throws when the run that started it is still there.
 */
export async function endLeftover(folder: string): Promise<void> {
  const claim = await readClaim(folder);
  if (!claim || !await isAlive(claim.server)) return;
  const { server, owner } = claim;
  if (await isAlive(owner)) {
    throw new Error(
      `Cannot use folder ${folder}: process ${owner.pid} runs a server there. End that process first`,
    );
  }
  // the group too: Elasticsearch is two processes
  sendSignal(-server.pid, "SIGKILL");
  while (await isAlive(server)) await pause(POLL_MS);
}

async function writeClaim(folder: string, pid: number): Promise<void> {
  const claim: z.infer<typeof Claim> = {
    server: await identify(pid) ?? { pid, started: "" },
    owner: await identify(Deno.pid) ?? { pid: Deno.pid, started: "" },
  };
  await Deno.writeTextFile(join(folder, "claim.json"), JSON.stringify(claim));
}

async function readClaim(
  folder: string,
): Promise<z.infer<typeof Claim> | undefined> {
  try {
    const text = await Deno.readTextFile(join(folder, "claim.json"));
    return Claim.parse(JSON.parse(text));
  } catch {
    return undefined; // never claimed, or torn by a crash while it was written
  }
}

async function isAlive(process: Identity): Promise<boolean> {
  return (await identify(process.pid))?.started === process.started;
}

/** A living process by its number; a dead one that its parent has not collected is none. */
async function identify(pid: number): Promise<Identity | undefined> {
  if (Deno.build.os !== "linux") return await identifyByList(pid);
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/stat`);
    // the fields after the name in parentheses: the state, …, the 20th is the start
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const started = fields[19];
    return fields[0] === "Z" || !started ? undefined : { pid, started };
  } catch {
    return undefined;
  }
}

async function identifyByList(pid: number): Promise<Identity | undefined> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "lstart=", "-p", String(pid)],
  }).output();
  const started = new TextDecoder().decode(stdout).trim();
  return started ? { pid, started } : undefined;
}

/** Sends a signal; a process that is gone already needs none. */
function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound ||
      error instanceof TypeError; // Deno's own word for a child it has collected
    if (!gone) throw error;
  }
}

async function dyingWithParent(
  { words, endSignal }: ServerCommand,
): Promise<readonly string[]> {
  const able = Deno.build.os === "linux" && await findProgram("setpriv");
  const signal = endSignal.slice("SIG".length);
  return able ? ["setpriv", "--pdeathsig", signal, "--", ...words] : words;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
