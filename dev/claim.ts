import { join } from "node:path";
import { z } from "zod";
import { pause, POLL_MS, sendSignal } from "./signal.ts";

type Identity = z.infer<typeof Identity>;
/** A process, told from a later one that was given the same number by when it was started. */
const Identity = z.strictObject({ pid: z.int(), started: z.string() });

/** Says, in the folder of a server, which process it is, which one started it, and how it is ended. */
export type Claim = z.infer<typeof Claim>;
const Claim = z.strictObject({
  server: Identity,
  owner: Identity,
  endSignal: z.enum(["SIGINT", "SIGTERM"]),
});

const END_LIMIT_MS = 30_000;

/**
 * Ends a server that an earlier run, killed meanwhile, left behind in this folder.
 * Throws when the run that started it is still there, or when it does not end.
 */
export async function endLeftover(folder: string): Promise<void> {
  const claim = await readClaim(folder);
  if (!claim || !await isThere(claim.server)) return;
  const { server, owner, endSignal } = claim;
  if (await isAlive(owner)) {
    throw new Error(
      `Cannot use folder ${folder}: process ${owner.pid} runs a server there. End that process first`,
    );
  }
  sendSignal(server.pid, endSignal);
  if (await isGone(server)) return;
  sendSignal(-server.pid, "SIGKILL");
  if (await isGone(server)) return;
  throw new Error(
    `Cannot use folder ${folder}: process ${server.pid} does not end. Use another folder`,
  );
}

/** Says in a server's folder that process `pid` is the server, started by this process. */
export async function writeClaim(
  { folder, endSignal }: { folder: string; endSignal: Claim["endSignal"] },
  pid: number,
): Promise<void> {
  const claim: Claim = {
    server: { pid, started: await startOf(pid) },
    owner: { pid: Deno.pid, started: await startOf(Deno.pid) },
    endSignal,
  };
  await Deno.writeTextFile(join(folder, "claim.json"), JSON.stringify(claim));
}

async function startOf(pid: number): Promise<string> {
  return (await findProcess(pid))?.started ?? "";
}

async function isGone(process: Identity): Promise<boolean> {
  const untilMs = performance.now() + END_LIMIT_MS;
  while (await isThere(process)) {
    if (performance.now() > untilMs) return false;
    await pause(POLL_MS);
  }
  return true;
}

async function readClaim(
  folder: string,
): Promise<Claim | undefined> {
  try {
    const text = await Deno.readTextFile(join(folder, "claim.json"));
    return Claim.parse(JSON.parse(text));
  } catch {
    return undefined; // never claimed, or torn by a crash while it was written
  }
}

async function isAlive(process: Identity): Promise<boolean> {
  const found = await findProcess(process.pid);
  return found?.started === process.started && !found.ended;
}

/** Whether the number is taken yet: a process that ended keeps it, and PostgreSQL's lock, until its parent knows. */
async function isThere(process: Identity): Promise<boolean> {
  return (await findProcess(process.pid))?.started === process.started;
}

interface FoundProcess {
  readonly started: string;
  /** It ended, and its parent has not collected it. */
  readonly ended: boolean;
}

async function findProcess(pid: number): Promise<FoundProcess | undefined> {
  if (Deno.build.os !== "linux") return await findByList(pid);
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/stat`);
    // the fields after the name in parentheses: the state, …, the 20th is the start
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const started = fields[19];
    return started ? { started, ended: fields[0] === "Z" } : undefined;
  } catch {
    return undefined;
  }
}

async function findByList(pid: number): Promise<FoundProcess | undefined> {
  const { stdout } = await new Deno.Command("ps", {
    args: ["-o", "lstart=", "-p", String(pid)],
  }).output();
  const started = new TextDecoder().decode(stdout).trim();
  return started ? { started, ended: false } : undefined;
}
