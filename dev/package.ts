import { Command, CommanderError, InvalidArgumentError } from "commander";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { agentFlags } from "./agent_flags.ts";
import { writeChecksums } from "./checksums.ts";
import { runProgram, showStep, tell } from "./progress.ts";
import { writeSbom } from "./sbom.ts";

const PROJECT = fileURLToPath(new URL("../", import.meta.url));

/** The machines that executables are made for, as people name them, and as Deno does. */
const TARGETS: Readonly<Record<string, string>> = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-arm64": "aarch64-apple-darwin",
  "windows-x64": "x86_64-pc-windows-msvc",
};

/**
 * As one file of all that main.ts reaches: with whole packages beside it, Deno 2.9.6 reads each file of them as a program,
 * and overflows its stack at the test data of one. The bundle cannot be checked for types; main.ts is, by `deno task ok`.
 *
 * Without code cache, which is kept in the system's temporary folder under a name that everybody knows.
 */
const COMPILE_OPTIONS = ["--bundle", "--no-check", "--no-code-cache"];

/** What was asked for on the command line. */
interface Options {
  readonly target: readonly string[];
  readonly output: string;
}

/**
 * Makes the executables of this version, its bill of materials, and the checksums of all of them; those of an earlier run
 * with the same version are replaced.
 */
async function main({ target, output: folder }: Options): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const sums = join(folder, "SHA256SUMS");
  await removeFile(sums); // what is not whole has none
  const names: string[] = [];
  for (const machine of target.length > 0 ? target : Object.keys(TARGETS)) {
    const name = nameExecutable(machine, manifest.version);
    const make = () => compile(machine, join(folder, name));
    await showStep(`Making ${name}`, make);
    names.push(name);
  }
  names.push(await writeSbom(folder));
  await writeChecksums(sums, names);
  for (const name of [...names, basename(sums)]) tell(join(folder, name));
}

function createProgram(): Command {
  const known = Object.keys(TARGETS).join(", ");
  return new Command("deno task package")
    .description("Makes the executables of this version.")
    .option("--target <name...>", `for these machines only: ${known}`, add, [])
    .option("--output <folder>", "where to", "dist")
    .exitOverride()
    .action(main);
}

/** The name of a machine, beside those given before it. */
function add(name: string, before: readonly string[]): string[] {
  if (Object.hasOwn(TARGETS, name)) return [...before, name];
  const known = Object.keys(TARGETS).join(", ");
  throw new InvalidArgumentError(`Write one of ${known}.`);
}

/**
 * The name of the executable of a version for a machine.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { nameExecutable } from "./package.ts";
 * equal(nameExecutable("linux-x64", "1.2.3"), "pg2es-1.2.3-linux-x64");
 * equal(nameExecutable("windows-x64", "1.2.3"), "pg2es-1.2.3-windows-x64.exe");
 * ```
 */
export function nameExecutable(machine: string, version: string): string {
  const name = `pg2es-${version}-${machine}`;
  return machine.startsWith("windows") ? `${name}.exe` : name;
}

/**
 * The arguments of `deno` that make the executable for a machine: with the permissions and settings of `deno task start`.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { compileArguments } from "./package.ts";
 * deepEqual(compileArguments("macos-arm64", "dist/pg2es").slice(-3), ["-o", "dist/pg2es", "main.ts"]);
 * ```
 */
export function compileArguments(machine: string, output: string): string[] {
  const target = ["--target", TARGETS[machine] ?? machine];
  const options = [...COMPILE_OPTIONS, ...agentFlags(), ...target];
  return ["compile", ...options, "-o", output, "main.ts"];
}

/** @throws {Error} when Deno cannot make it, with what to do. */
async function compile(machine: string, output: string): Promise<void> {
  await removeFile(output);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: compileArguments(machine, resolve(output)),
    cwd: PROJECT,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  await removeFile(output);
  const said = new TextDecoder().decode(stderr);
  throw new Error(describeFailure(said, basename(output)));
}

async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * What to do where Deno says this. The base executable is its own, without the tools; it is looked for beside its cache
 * before it is downloaded.
 */
function describeFailure(said: string, name: string): string {
  const url = /https:\/\/\S+\/(release\/\S+\/denort-[^\s/]+\.zip)/.exec(said);
  const [reason = ""] = said.split("\n\nStack backtrace:");
  if (url === null) return `Cannot make ${name}: ${reason.trim()}`;
  const [address, path] = url;
  return `Cannot make ${name}: Deno cannot download its base executable. ` +
    `Run this where ${address} can be reached, or download that elsewhere ` +
    `and put it here as dl/${path} in Deno's cache, which deno info names`;
}

if (import.meta.main) {
  await runProgram(async () => {
    try {
      await createProgram().parseAsync(Deno.args, { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      Deno.exitCode = error.exitCode === 0 ? 0 : 2; // it has told already
    }
  });
}
