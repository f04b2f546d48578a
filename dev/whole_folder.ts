import { dirname } from "node:path";

/**
 * Puts a folder in its place by a rename: what is there is whole. `fill` makes it within the draft that it is given, and
 * returns its path.
 */
export async function placeFolder(
  folder: string,
  fill: (draft: string) => Promise<string>,
): Promise<void> {
  const dir = dirname(folder);
  const draft = await Deno.makeTempDir({ dir, prefix: "draft-" });
  try {
    await Deno.chmod(draft, 0o755);
    await Deno.rename(await fill(draft), folder).catch((error) => {
      // another run was first: its copy is as good
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
  } finally {
    await Deno.remove(draft, { recursive: true });
  }
}
