import { loadConfig } from "./config.ts";
import { findDefinition } from "./named_index.ts";
import { pauseFileOf, pauseIndexes, resumeIndexes } from "./pause_file.ts";

/** The command line of `pause` and of `resume`. */
export interface PauseArguments {
  readonly config: string;
  /** One index of the configuration; all without it. */
  readonly index?: string;
}

/**
 * Lists one index, or all of the configuration, in the control file; an agent that runs stops them within about a second, one
 * that is started later does not begin. Tells so.
 * @throws {EtlError} `config-invalid` when there is no such index, or the control file is damaged or cannot be written.
 */
export async function pause(given: PauseArguments): Promise<void> {
  const { file, names } = await find(given);
  const paused = await pauseIndexes(file, names);
  tell(names.map((name) => `${name}: paused since ${paused.get(name)}`));
}

/**
 * Takes one index, or all, from the control file; an agent that runs goes on with them where it was. Tells so.
 * @throws {EtlError} as {@linkcode pause} does; a damaged file does not hinder resuming all.
 */
export async function resume(given: PauseArguments): Promise<void> {
  const { file, names } = await find(given);
  const resumed = await resumeIndexes(file, given.index);
  const all = new Set([...names, ...resumed.keys()]);
  tell([...all].map((name) => {
    const since = resumed.get(name);
    return since === undefined
      ? `${name}: was not paused`
      : `${name}: resumed, was paused since ${since}`;
  }));
}

function tell(lines: readonly string[]): void {
  const text = lines.map((line) => `${line}\n`).join("");
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

async function find(
  { config: file, index }: PauseArguments,
): Promise<{ file: string; names: readonly string[] }> {
  const { config } = await loadConfig(file, Deno.env.toObject());
  const indexes = index === undefined
    ? config.indexes
    : [findDefinition(config, index)];
  return {
    file: pauseFileOf(config.stateFile),
    names: indexes.map(({ name }) => name),
  };
}
