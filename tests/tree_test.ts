import { equal, ok } from "node:assert/strict";

const ROOT = new URL("../", import.meta.url);

/** Every file that git has, or would have after `git add`. */
async function listTree(): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command("git", {
    args: ["ls-files", "--cached", "--others", "--exclude-standard", "-z"],
    cwd: ROOT,
  }).output();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\0").slice(0, -1);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(new URL(path, ROOT));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** What says how or where the work was done; each in two parts, so that this file does not hold it. */
const FOREIGN: readonly (readonly [string, RegExp])[] = [
  ["a number of an issue", new RegExp("(?<![\\w&#/'\"])" + "#\\d{1,4}\\b")],
  [
    "a machine's path",
    new RegExp("(?<![\\w.}-])/" + "(?:work|root|home)/"),
  ],
  ["a temporary path", new RegExp("(?<![\\w.}-])/" + "tmp/")],
  [
    "a registry's host",
    new RegExp(
      "registry\\." + "npmjs|jsr\\." + "io\\b|pypi\\." + "org|files\\." +
        "pythonhosted|proxy\\." + "golang|deb\\." + "debian|maven\\." +
        "(?:org|apache)",
      "i",
    ),
  ],
];

Deno.test({
  name: "the tree says nothing of how and where it was made",
  ignore: !await exists(".git"), // an unpacked archive has no list of its files
  async fn() {
    const found: string[] = [];
    for (const path of await listTree()) {
      if (!await exists(path)) continue; // deleted, not yet committed
      if (path.endsWith(".png")) continue; // no text
      const text = await Deno.readTextFile(new URL(path, ROOT));
      for (const [index, line] of text.split("\n").entries()) {
        for (const [what, pattern] of FOREIGN) {
          if (pattern.test(line)) found.push(`${path}:${index + 1}: ${what}`);
        }
      }
    }
    equal(found.join("\n"), "");
  },
});
