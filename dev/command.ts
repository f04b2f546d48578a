/** How a command is run. */
export interface CommandOptions {
  /** The account to run as; matters only to root. */
  readonly user?: string | undefined;
  /** The folder to run in. */
  readonly cwd?: string;
  /** Variables added to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a command to its end and returns what it wrote to standard output.
 * Throws when it cannot be run or fails, with the last line it wrote.
 */
export async function runCommand(
  words: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const [program = "", ...args] = asUser(words, options.user);
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.env ? { env: { ...options.env } } : {}),
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (code === 0) return text;
  const told = lastLine(new TextDecoder().decode(stderr)) || lastLine(text);
  throw new Error(`Cannot run ${words[0]}: status is ${code}. ${told}`);
}

/** The words that run `words` as `user`: the same ones unless this process is root. */
export function asUser(
  words: readonly string[],
  user: string | undefined,
): readonly string[] {
  if (!user || !isRoot()) return words;
  const account = [`--reuid=${user}`, `--regid=${user}`, "--init-groups"];
  return ["setpriv", ...account, "--", ...words];
}

/** Whether this process runs as root, which the servers refuse to do. */
export function isRoot(): boolean {
  return Deno.uid() === 0;
}

/** The full path of a program found by PATH, or nothing. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const path = `${folder}/${name}`;
    if (folder && await fileExists(path)) return path;
  }
  return undefined;
}

/** Whether a file or folder is there. */
export async function fileExists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

/**
 * The last line of a text that has more than white space.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { lastLine } from "./command.ts";
 * equal(lastLine("starting\nfailed: disk full\n\n"), "failed: disk full");
 * ```
 */
export function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1)?.trim() ?? "";
}
