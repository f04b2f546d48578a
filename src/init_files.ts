import { join } from "node:path";
import { EtlError } from "./failure.ts";
import { codeOf } from "./file_replacement.ts";

/** Ends the command with what is wrong in its command line. */
export function refuse(fault: string): never {
  throw new EtlError({ kind: "config-invalid", faults: [fault] });
}

/**
 * Expects that none of these files is there.
 * @throws {EtlError} `config-invalid` when one is.
 */
export async function expectNone(
  folder: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    if (!await exists(path)) continue;
    refuse(`--out: ${path} is there already, write another folder`);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false; // what may not be looked at may not be written either
  }
}

/**
 * Writes the files, or none of them, into a folder that is made where it is not there.
 * @throws {EtlError} `config-invalid` when one of them is there, or cannot be written.
 */
export async function writeFiles(
  out: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const written: string[] = [];
  try {
    await Deno.mkdir(out, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      const path = join(out, name);
      await Deno.writeTextFile(path, text, { createNew: true });
      written.push(path);
    }
  } catch (error) {
    for (const path of written) await Deno.remove(path);
    if (error instanceof Deno.errors.AlreadyExists) {
      refuse(`--out: a file is there already in ${out}, write another folder`);
    }
    refuse(
      `--out: cannot write to ${out}, code is ${
        codeOf(error)
      }; write the folder that pg2es is started in, or one below it`,
    );
  }
}
