import { parse } from "dotenv";
import { dirname, join, resolve } from "node:path";
import type { z } from "zod";
import { readText } from "./config_files.ts";
import {
  type Fault,
  faultsOf,
  formatFaults,
  type Places,
} from "./config_faults.ts";
import { configSchema } from "./config_schema.ts";
import { readSource, type Source } from "./config_source.ts";
import { EtlError } from "./failure.ts";
import { openSecrets, type Secrets } from "./secrets.ts";

/** A place in the configuration, such as `["indexes", 0, "document"]`. */
export type Path = readonly (string | number)[];

/** What came of reading a configuration file. */
export interface LoadedConfig {
  readonly config: Config;
  /** Those of the configuration, and those that are learnt later. */
  readonly secrets: Secrets;
  /** `config.yaml:12:3` of a path; the nearest enclosing place where the key itself is absent. */
  readonly locate: (path: Path) => string;
}

/** The whole configuration: every default filled in, every file read. */
export type Config = z.output<ReturnType<typeof configSchema>>;

/** An index and the query that it is kept equal to. */
export type IndexDefinition = Config["indexes"][number];

/** A table whose changes reach the documents of an index. */
export type WatchedTable = IndexDefinition["root"];

/**
 * The configuration in `file`, with `${NAME}` taken from `env` and, where it is not set there, from `.env` beside the file.
 * Throws an {@linkcode EtlError} `config-invalid` with every fault of the file and of the files it names.
 */
export async function loadConfig(
  file: string,
  env: Readonly<Record<string, string>>,
): Promise<LoadedConfig> {
  const absolute = resolve(file);
  const folder = dirname(absolute);
  const reading = await readText(absolute);
  if ("state" in reading) {
    const remedy = "write its path with --config FILE";
    return refuse([`${file}: ${reading.state}, ${remedy}`]);
  }
  const dotenv = await readDotenv(folder, dirname(file));
  const source = readSource(reading.text, { ...dotenv.values, ...env });
  const place = { folder, shown: dirname(file) };
  const result = source.value === undefined
    ? undefined
    : await configSchema(place).safeParseAsync(source.value);
  const issues = result?.error?.issues ?? [];
  const told = new Set(source.faults.map(({ path }) => JSON.stringify(path)));
  const faults = [
    ...source.faults,
    ...faultsOf(issues.filter((issue) => !isWhole(issue)), source)
      .filter(({ path }) => !told.has(JSON.stringify(path)))
      .map((fault) => nameVariables(fault, source)),
    ...(result?.success ? findCollisions(result.data, absolute, source) : []),
  ];
  const lines = [
    ...dotenv.faults,
    ...formatFaults(faults, file),
    ...new Set(issues.filter(isWhole).map(({ message }) => message)),
  ];
  if (lines.length > 0 || !result?.success) return refuse(lines);
  const locate = (path: Path) => {
    const { line, column } = source.locate(path);
    return `${file}:${line}:${column}`;
  };
  const config = result.data;
  return { config, secrets: openSecrets(config), locate };
}

function refuse(faults: readonly string[]): never {
  throw new EtlError({ kind: "config-invalid", faults });
}

/** Whether the message is a line of its own: a fault of another file. */
function isWhole(issue: z.core.$ZodIssue): boolean {
  return issue.code === "custom" && issue.params?.whole === true;
}

/** A value that was filled in does not stand in the file: says where it comes from. */
function nameVariables(fault: Fault, source: Source): Fault {
  const names = source.variablesIn(fault.path);
  if (names.length === 0) return fault;
  const message = `${fault.message} (filled in from ${names.join(", ")})`;
  return { ...fault, message };
}

/** The variables of `.env`, where there is one; `shown` is the folder as the user named it. */
export async function readDotenv(
  folder: string,
  shown: string,
): Promise<{
  readonly values: Readonly<Record<string, string>>;
  readonly faults: readonly string[];
}> {
  const reading = await readText(resolve(folder, ".env"));
  if ("text" in reading) return { values: parse(reading.text), faults: [] };
  if (reading.missing) return { values: {}, faults: [] };
  const file = join(shown, ".env");
  const faults = [`${file}: ${reading.state}, write NAME=value lines in it`];
  return { values: {}, faults };
}

/** Files that the agent would write over one another, or over the configuration. */
function findCollisions(
  { stateFile, logging, rejections }: Config,
  file: string,
  places: Places,
): readonly Fault[] {
  const written = [
    { path: ["state_file_name"], name: stateFile },
    { path: ["logging", "file", "path"], name: logging.file?.path },
    { path: ["rejections", "file"], name: rejections.file },
  ];
  // beside the state file the agent writes its draft, and the list of paused indexes; beside the dead letters a draft, and a lock
  const beside = [".draft", ".paused"].map((end) => `${stateFile}${end}`);
  beside.push(`${rejections.file}.draft`, `${rejections.file}.lock`);
  const taken = new Set([file, ...beside]);
  return written.flatMap(({ path, name }) => {
    if (name === undefined || !taken.has(name)) {
      taken.add(name ?? file);
      return [];
    }
    const message = "is a file that is in use already, write another path";
    return [{ ...places.locate(path), path, message }];
  });
}
