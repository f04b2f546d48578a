import { z } from "zod";
import { EtlError } from "./failure.ts";
import { codeOf, removeFile, replaceFile } from "./file_replacement.ts";

/** The indexes that are paused, each with the time since when. */
export type PausedIndexes = ReadonlyMap<string, string>;

const Content = z.strictObject({
  version: z.literal(1),
  paused: z.record(z.string(), z.iso.datetime()),
});

/** Far more than any number of indexes takes: what is larger is no such file. */
const MAX_BYTES = 1_000_000;

/**
 * The control file that goes with a state file.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { pauseFileOf } from "./pause_file.ts";
 * equal(pauseFileOf("/data/state.yaml"), "/data/state.yaml.paused");
 * ```
 */
export function pauseFileOf(stateFile: string): string {
  return `${stateFile}.paused`;
}

/**
 * The indexes that the control file lists; a file that is not there lists none.
 * @throws {EtlError} `config-invalid` when it is there and cannot be used: nothing that was paused is taken for resumed.
 */
export async function readPauses(file: string): Promise<PausedIndexes> {
  let text: string;
  try {
    const { size } = await Deno.stat(file);
    if (size > MAX_BYTES) refuse(file, "it is larger than 1 MB");
    text = await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Map();
    if (error instanceof EtlError) throw error;
    return refuse(file, `it cannot be read, code is ${codeOf(error)}`);
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return refuse(file, "it is not JSON, or cut off");
  }
  const { data, error } = Content.safeParse(content);
  if (data !== undefined) return new Map(Object.entries(data.paused));
  const paths = error?.issues.map(({ path }) => path.join(".")) ?? [];
  const place = paths.find((path) => path !== "") ?? "its top";
  return refuse(file, `it is not one of pg2es, see ${place}`);
}

/** Adds indexes to those that are paused; one that is paused already keeps its time. */
export async function pauseIndexes(
  file: string,
  names: readonly string[],
): Promise<PausedIndexes> {
  const since = new Date().toISOString();
  const added = names.map((name) => [name, since] as const);
  const paused = new Map([...added, ...await readPauses(file)]);
  await writePauses(file, paused);
  return paused;
}

/**
 * Takes one index, or without it all, from those that are paused; returns which were. All are resumed also where the file
 * is damaged.
 */
export async function resumeIndexes(
  file: string,
  name?: string,
): Promise<PausedIndexes> {
  if (name === undefined) {
    const paused = await readPauses(file).catch(() => new Map());
    await writePauses(file, new Map());
    return paused;
  }
  const paused = await readPauses(file);
  const since = paused.get(name);
  if (since === undefined) return new Map();
  const others = [...paused].filter(([other]) => other !== name);
  await writePauses(file, new Map(others));
  return new Map([[name, since]]);
}

async function writePauses(file: string, paused: PausedIndexes): Promise<void> {
  try {
    if (paused.size === 0) return await removeFile(file);
    const content = { version: 1, paused: Object.fromEntries(paused) };
    await replaceFile(file, `${JSON.stringify(content, undefined, 2)}\n`);
  } catch (error) {
    const fault = `Cannot write control file ${file}: code is ${
      codeOf(error)
    }. Let the agent's user write to its folder`;
    throw new EtlError({ kind: "config-invalid", faults: [fault] }, {
      cause: error,
    });
  }
}

function refuse(file: string, detail: string): never {
  const fault = `Cannot use control file ${file}: ${detail}. ` +
    "Mend it, or resume all indexes by pg2es resume";
  throw new EtlError({ kind: "config-invalid", faults: [fault] });
}
