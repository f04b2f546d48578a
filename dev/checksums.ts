import { createHash } from "node:crypto";
import { dirname, join } from "node:path";

/**
 * Writes the SHA-256 of files, which are beside `file`, as `sha256sum -c` reads it: each a line of its own, in the order
 * of their names.
 */
export async function writeChecksums(
  file: string,
  names: readonly string[],
): Promise<void> {
  const folder = dirname(file);
  let text = "";
  for (const name of names.toSorted()) {
    text += `${await hashFile(join(folder, name))}  ${name}\n`;
  }
  await Deno.writeTextFile(file, text);
}

/** The SHA-256 of a file, as hexadecimal digits; read piece by piece. */
async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const { readable } = await Deno.open(path); // closed at the end of it
  for await (const piece of readable) hash.update(piece);
  return hash.digest("hex");
}
