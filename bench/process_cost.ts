/** A process as `/proc/PID/stat` shows it. */
export interface ProcessStat {
  readonly parentPid: number;
  /** CPU of the process, and of its children that have ended and were waited for, in milliseconds. */
  readonly cpuMs: number;
  /** The part of it that is of those children. */
  readonly endedMs: number;
}

/** Linux tells CPU in hundredths of a second, whatever its own clock. */
const TICK_MS = 10;

/**
 * Reads the text of `/proc/PID/stat`; the name in it may hold anything.
 * @throws {RangeError} when it is something else.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parseStat } from "./process_cost.ts";
 * const text = "7 (a) b) S 3 7 7 0 -1 4194304 90 0 0 0 11 2 30 4 20 0 1 0 5";
 * deepEqual(parseStat(text), { parentPid: 3, cpuMs: 470, endedMs: 340 });
 * ```
 */
export function parseStat(text: string): ProcessStat {
  const [, parent, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = rest.slice(9, 13).map(Number);
  if (ticks.length !== 4 || !ticks.every(Number.isInteger)) {
    throw new RangeError("Cannot read the state of a process: fields lack");
  }
  const sum = (part: readonly number[]) =>
    TICK_MS * part.reduce((total, count) => total + count, 0);
  return {
    parentPid: Number(parent),
    cpuMs: sum(ticks),
    endedMs: sum(ticks.slice(2)),
  };
}

/** The CPU that a process, all below it and all that ended below it have taken so far, in milliseconds. */
export async function readTreeCpuMs(pid: number): Promise<number> {
  const stats = new Map<number, ProcessStat>();
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const text = await readProcFile(`/proc/${name}/stat`);
    if (text !== undefined) stats.set(Number(name), parseStat(text));
  }
  return sumTree(stats, pid);
}

/** The CPU of all commands that this process has run to their end, in milliseconds. */
export async function readCommandsCpuMs(): Promise<number> {
  return parseStat(await Deno.readTextFile("/proc/self/stat")).endedMs;
}

/**
 * The CPU of a process and all below it.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { sumTree } from "./process_cost.ts";
 * const stats = new Map([
 *   [1, { parentPid: 0, cpuMs: 1000 }],
 *   [2, { parentPid: 1, cpuMs: 100 }],
 *   [3, { parentPid: 2, cpuMs: 10 }],
 * ]);
 * equal(sumTree(stats, 2), 110);
 * ```
 */
export function sumTree(
  stats: ReadonlyMap<number, Pick<ProcessStat, "parentPid" | "cpuMs">>,
  root: number,
): number {
  let sum = stats.get(root)?.cpuMs ?? 0;
  for (const [pid, { parentPid }] of stats) {
    if (parentPid === root) sum += sumTree(stats, pid);
  }
  return sum;
}

/** The most memory that a process has had so far, in bytes; none when it has ended. */
export async function readPeakBytes(pid: number): Promise<number | undefined> {
  const status = await readProcFile(`/proc/${pid}/status`);
  const kilobytes = /^VmHWM:\s*(\d+) kB/m.exec(status ?? "")?.[1];
  return kilobytes === undefined ? undefined : 1_024 * Number(kilobytes);
}

/** What a process leaves behind of its cost when it has ended. */
export interface Watch extends Disposable {
  readonly cpuMs: number;
  readonly peakBytes: number;
}

const WATCH_MS = 20;

/** Looks at a process of one's own, again and again until it is disposed of: an ended one shows nothing any more. */
export function watchProcess(pid: number): Watch {
  let cpuMs = 0;
  let peakBytes = 0;
  const timer = setInterval(async () => {
    const stat = await readProcFile(`/proc/${pid}/stat`);
    // an ended one that nobody has waited for yet has no memory left
    if (stat !== undefined) cpuMs = Math.max(cpuMs, parseStat(stat).cpuMs);
    peakBytes = Math.max(peakBytes, await readPeakBytes(pid) ?? 0);
  }, WATCH_MS);
  return {
    get cpuMs() {
      return cpuMs;
    },
    get peakBytes() {
      return peakBytes;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** The text of a file in /proc; none when its process has ended. */
async function readProcFile(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    return undefined;
  }
}
