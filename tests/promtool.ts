import { fileURLToPath } from "node:url";
import { fileExists, findProgram, runCommand } from "../dev/command.ts";

const FOLDER = fileURLToPath(
  new URL("../.servers/promtool", import.meta.url),
);

/**
 * Prometheus' own checker: that of PATH, or the one of Debian's package, which is unpacked beside the servers and not
 * installed, as it would start a server. Nothing where neither is to be had.
 */
export async function findPromtool(): Promise<string | undefined> {
  const there = await findProgram("promtool");
  if (there !== undefined) return there;
  const own = `${FOLDER}/usr/bin/promtool`;
  if (await fileExists(own)) return own;
  if (await findProgram("apt-get") === undefined) return undefined;
  const draft = await Deno.makeTempDir();
  try {
    await download(draft);
    await Deno.mkdir(FOLDER, { recursive: true });
    for await (const { name } of Deno.readDir(draft)) {
      if (!name.endsWith(".deb")) continue;
      await runCommand(["dpkg-deb", "-x", `${draft}/${name}`, FOLDER]);
    }
    return await fileExists(own) ? own : undefined;
  } catch {
    return undefined; // no network, or no such package
  } finally {
    await Deno.remove(draft, { recursive: true });
  }
}

/** Downloads the package into a folder; the list of packages may be missing, or old. */
async function download(folder: string): Promise<void> {
  const words = ["apt-get", "-q", "download", "prometheus"];
  try {
    await runCommand(words, { cwd: folder });
  } catch {
    await runCommand(["apt-get", "-q", "update"]);
    await runCommand(words, { cwd: folder });
  }
}

/** What promtool has to say against metrics; nothing where it is content. */
export async function checkMetrics(
  promtool: string,
  text: string,
): Promise<string> {
  const child = new Deno.Command(promtool, {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const told = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes))
    .join("").trim();
  return code === 0 && told === "" ? "" : `status is ${code}: ${told}`;
}
