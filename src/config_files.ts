/** The largest file that is read: what is written by hand is far smaller. */
export const MAX_FILE_BYTES = 1_000_000;

/** The text of a file, or why there is none, as a phrase that follows "file". */
export type FileReading =
  | { readonly text: string }
  | { readonly state: string; readonly missing: boolean };

/** The text of the file at `path`, of {@linkcode MAX_FILE_BYTES} at most; a file that cannot be used is told, not thrown. */
export async function readText(path: string): Promise<FileReading> {
  try {
    const bytes = await readBytes(path);
    if (bytes.length > MAX_FILE_BYTES) {
      return { state: "is larger than 1 MB", missing: false };
    }
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { text };
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    return { state: describeReadError(error), missing };
  }
}

/** Reads one byte more than is allowed at most, so that a pipe or a device ends too. */
async function readBytes(path: string): Promise<Uint8Array> {
  const file = await Deno.open(path);
  try {
    const bytes = new Uint8Array(MAX_FILE_BYTES + 1);
    let size = 0;
    while (size < bytes.length) {
      const count = await file.read(bytes.subarray(size));
      if (count === null) break;
      size += count;
    }
    return bytes.subarray(0, size);
  } finally {
    file.close();
  }
}

function describeReadError(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "is not there";
  if (error instanceof Deno.errors.NotADirectory) return "is not there";
  if (error instanceof Deno.errors.IsADirectory) return "is a folder";
  if (error instanceof Deno.errors.PermissionDenied) return "may not be read";
  if (error instanceof Deno.errors.NotCapable) return "may not be read";
  if (error instanceof TypeError) return "is not UTF-8 text";
  return "cannot be read";
}

/** Whether there is a folder at `path`. */
export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}
