import { dirname } from "node:path";

/** A file of the agent's own is for its user alone. */
export const PRIVATE_MODE = 0o600;

/**
 * Puts a new file, a text or what a function writes into it, which its owner alone may read, in the place of the one that is there; on return it is on disk.
 *
 * Written beside, synced and renamed: whenever the power goes, the file is the old one or the new one.
 * @throws the operating system's error; then the file is as it was, or the new one.
 */
export async function replaceFile(
  file: string,
  content: string | ((draft: Deno.FsFile) => Promise<void>),
): Promise<void> {
  const draft = `${file}.draft`;
  try {
    await removeFile(draft);
    await writeDraft(draft, content);
    await Deno.rename(draft, file);
    await syncFolder(dirname(file));
  } catch (error) {
    // on a full disk, what is of no use makes room
    await removeFile(draft).catch(() => {});
    throw error;
  }
}

/**
 * Removes a file, where it is there. What a crash left of a draft may be readable by others, or a link to somewhere else:
 * nothing is written into it.
 */
export async function removeFile(file: string): Promise<void> {
  try {
    await Deno.remove(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function writeDraft(
  draft: string,
  content: string | ((draft: Deno.FsFile) => Promise<void>),
): Promise<void> {
  const options = { write: true, createNew: true, mode: PRIVATE_MODE };
  const file = await Deno.open(draft, options);
  try {
    if (typeof content === "string") {
      await writeAll(file, new TextEncoder().encode(content));
    } else await content(file);
    await file.sync();
  } finally {
    file.close();
  }
}

/** Writes all of `bytes`. */
export async function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array,
): Promise<void> {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray(await file.write(rest));
}

/** Makes what was made, renamed or removed in a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows opens no folders; there the rename itself is all that can be had
  if (Deno.build.os === "windows") return;
  const opened = await Deno.open(folder);
  try {
    await opened.sync();
  } finally {
    opened.close();
  }
}

/** The operating system's word for an error. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  return "code" in error ? String(error.code) : error.name;
}
