import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { isRoot } from "./command.ts";

/**
 * Makes a folder that the account of a server can reach, and returns its full path.
 * Root's own folders are closed to other accounts: then a folder under the
 * system's temporary one stands in, the same one every time.
 * Throws when that one cannot be reached either, or belongs to someone else.
 */
export async function openFolder(folder: string): Promise<string> {
  const wanted = resolve(folder);
  const path = !isRoot() || await isReachable(wanted)
    ? wanted
    : await standIn(wanted);
  await Deno.mkdir(path, { recursive: true, mode: 0o755 });
  return path;
}

async function standIn(wanted: string): Promise<string> {
  const name = createHash("sha256").update(wanted).digest("hex").slice(0, 12);
  const path = join(tmpdir(), `pg2es-dev-${name}`);
  await Deno.mkdir(path, { recursive: true, mode: 0o755 });
  const { uid, isDirectory } = await Deno.lstat(path);
  if (uid !== Deno.uid() || !isDirectory || !await isReachable(path)) {
    throw new Error(
      `Cannot use folder ${path}: it is closed, or not of this account. Move the project to a folder that all accounts may enter`,
    );
  }
  return path;
}

/** Whether every existing folder on the way to `path` may be entered by all accounts. */
async function isReachable(path: string): Promise<boolean> {
  for (let folder = path;; folder = dirname(folder)) {
    const mode = await Deno.stat(folder).then(
      (status) => status.mode,
      () => undefined, // not made yet: the ones above decide
    );
    if (mode && (mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}
