/**
 * Loaded before main.ts by crash_steps.ts: tells on standard output each step that lasts on the disk, as soon as it is
 * done, and does nothing more before it is told to go on by a byte on standard input. Waiting stops all of the process.
 */
import { basename } from "node:path";

const names = new WeakMap<Deno.FsFile, string>();
const { open, remove, rename, writeFile, writeTextFile } = Deno;
const { sync, truncate, write } = Deno.FsFile.prototype;
const answer = new Uint8Array(1);

function tell(name: string, what: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${name}: ${what}\n`));
  Deno.stdin.readSync(answer);
}

function nameOf(path: string | URL): string {
  return basename(String(path));
}

Deno.open = async (path, options) => {
  const file = await open(path, options);
  const { isDirectory } = await file.stat();
  names.set(file, isDirectory ? "folder" : nameOf(path));
  return file;
};

/** Writes in two parts, so that a crash may come in between. */
Deno.FsFile.prototype.write = async function (bytes) {
  const name = names.get(this);
  if (name === undefined) return await write.call(this, bytes);
  const half = Math.ceil(bytes.length / 2);
  await writeAll(this, bytes.subarray(0, half));
  if (half < bytes.length) tell(name, "half written");
  await writeAll(this, bytes.subarray(half));
  tell(name, "written");
  return bytes.length;
};

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    rest = rest.subarray(await write.call(file, rest));
  }
}

Deno.FsFile.prototype.sync = async function () {
  await sync.call(this);
  tell(names.get(this) ?? "a file", "synced");
};

Deno.FsFile.prototype.truncate = async function (size) {
  const { size: before } = await this.stat();
  await truncate.call(this, size);
  if (before !== (size ?? 0)) tell(names.get(this) ?? "a file", "cut");
};

Deno.rename = async (from, to) => {
  await rename(from, to);
  tell(nameOf(from), "renamed");
};

Deno.remove = async (path, options) => {
  await remove(path, options);
  tell(nameOf(path), "removed");
};

Deno.writeFile = async (path, ...rest) => {
  await writeFile(path, ...rest);
  tell(nameOf(path), "written");
};

Deno.writeTextFile = async (path, ...rest) => {
  await writeTextFile(path, ...rest);
  tell(nameOf(path), "written");
};
