import { dirname, join } from "node:path";
import { fileExists, findProgram } from "./command.ts";
import { installPackages } from "./install.ts";

/** Which releases of Java a server can run on. */
export interface JavaRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The home of a Java development kit, the oldest of the wanted releases.
 * Looked for in JAVA_HOME, beside `javac` on PATH and under /usr/lib/jvm;
 * release 17 is installed where it is wanted and missing.
 */
export async function findJava(range: JavaRange): Promise<string> {
  const found = await lookForJava(range);
  if (found) return found;
  const { from } = range;
  const name = `a Java development kit, release ${from}`;
  await installPackages([`openjdk-${from}-jdk-headless`], name);
  const installed = await lookForJava(range);
  if (installed) return installed;
  throw new Error(`Cannot find ${name}: set JAVA_HOME to one`);
}

/** Whether a Java development kit of these releases is on this machine. */
export async function hasJava(range: JavaRange): Promise<boolean> {
  return await lookForJava(range) !== undefined;
}

async function lookForJava(
  { from, to }: JavaRange,
): Promise<string | undefined> {
  const fitting: { home: string; release: number }[] = [];
  for (const home of await javaHomes()) {
    const release = await javaRelease(home);
    if (release && release >= from && release <= to) {
      fitting.push({ home, release });
    }
  }
  return fitting.sort((a, b) => a.release - b.release)[0]?.home;
}

async function javaHomes(): Promise<string[]> {
  const homes: string[] = [];
  const named = Deno.env.get("JAVA_HOME");
  if (named) homes.push(named);
  const compiler = await findProgram("javac");
  if (compiler) homes.push(dirname(dirname(await Deno.realPath(compiler))));
  const packaged = "/usr/lib/jvm";
  if (await fileExists(packaged)) {
    for await (const { name } of Deno.readDir(packaged)) {
      homes.push(join(packaged, name));
    }
  }
  return homes;
}

async function javaRelease(home: string): Promise<number | undefined> {
  if (!await fileExists(join(home, "bin/javac"))) return undefined;
  const text = await Deno.readTextFile(join(home, "release")).catch(() => "");
  const release = /^JAVA_VERSION="(\d+)/m.exec(text)?.[1];
  return release ? Number(release) : undefined;
}
