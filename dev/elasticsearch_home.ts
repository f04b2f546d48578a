import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileExists, findProgram, runCommand } from "./command.ts";
import { openFolder } from "./folder.ts";
import { installPackages } from "./install.ts";
import { findJava, type JavaRange } from "./java.ts";
import { showStep } from "./progress.ts";
import { placeFolder } from "./whole_folder.ts";

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCES = join(PROJECT, "dev/elasticsearch");
const ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch";

/** An unpacked Elasticsearch with its plugins; many servers run from it at once. */
export interface ElasticsearchHome {
  readonly folder: string;
  /** The major version, e.g. 8. */
  readonly major: number;
  /** The home of the Java that it runs on. */
  readonly java: string;
}

/** The releases of Java that a major version of Elasticsearch runs on. */
export function javaRange(major: number): JavaRange {
  return major < 9 ? { from: 17, to: 17 } : { from: 21, to: 99 };
}

/**
 * The Elasticsearch of a version, downloaded by Maven and unpacked under
 * `.servers/` of the project on first use; Java, Maven and unzip are installed
 * where they are missing. Throws one line when that is not possible.
 */
export async function findElasticsearch(
  version: string,
): Promise<ElasticsearchHome> {
  const major = Number.parseInt(version);
  const java = await findJava(javaRange(major));
  const cache = await openFolder(join(PROJECT, ".servers/homes"));
  const folder = join(cache, `elasticsearch-${version}`);
  const home = { folder, major, java };
  if (await fileExists(folder)) return home;
  await findTools();
  const what = `Downloading Elasticsearch ${version} by Maven`;
  const fill = (draft: string) => unpack(version, { home, draft });
  await showStep(what, () => placeFolder(folder, fill));
  return home;
}

async function findTools(): Promise<void> {
  const missing: string[] = [];
  if (!await findProgram("mvn")) missing.push("maven");
  if (!await findProgram("unzip")) missing.push("unzip");
  if (missing.length > 0) {
    await installPackages(missing, missing.join(" and "));
  }
}

async function unpack(
  version: string,
  { home, draft }: { home: ElasticsearchHome; draft: string },
): Promise<string> {
  const env = { JAVA_HOME: home.java };
  const options = [
    `-Dartifact=${ARTIFACT}:${version}:zip`,
    `-DoutputDirectory=${draft}`,
  ];
  const copy = ["mvn", "-q", "-B", "dependency:copy", ...options];
  // away from the project, where a pom.xml of a folder above could speak
  await runCommand(copy, { cwd: draft, env });
  const zip = join(draft, `elasticsearch-${version}.zip`);
  await runCommand(["unzip", "-q", zip, "-d", draft]);
  const folder = join(draft, `elasticsearch-${version}`);
  await addPlugins({ ...home, folder }, version);
  return folder;
}

async function addPlugins(
  home: ElasticsearchHome,
  version: string,
): Promise<void> {
  await addPlugin("StemmerPlugin", {
    home,
    version,
    sources: [join(SOURCES, "StemmerPlugin.java")],
  });
  if (home.major < 8) return; // it answers at "/" by itself
  const folder = home.major === 8 ? "eight" : "nine";
  await addPlugin("RootPlugin", {
    home,
    version,
    sources: [
      join(SOURCES, "RootHandler.java"),
      join(SOURCES, folder, "RootPlugin.java"),
    ],
  });
}

interface PluginSource {
  readonly home: ElasticsearchHome;
  readonly version: string;
  readonly sources: readonly string[];
}

async function addPlugin(
  className: string,
  { home, version, sources }: PluginSource,
): Promise<void> {
  const release = home.major < 8 ? "11" : home.major === 8 ? "17" : "21";
  const folder = join(home.folder, "plugins", className);
  const classes = await Deno.makeTempDir();
  try {
    const javac = [join(home.java, "bin/javac"), "--release", release];
    const lib = ["-Xlint:-options", "-cp", join(home.folder, "lib/*")];
    await runCommand([...javac, ...lib, "-d", classes, ...sources]);
    await Deno.mkdir(folder, { recursive: true });
    const archive = join(folder, `${className}.jar`);
    const jar = join(home.java, "bin/jar");
    await runCommand([jar, "--create", "--file", archive, "-C", classes, "."]);
  } finally {
    await Deno.remove(classes, { recursive: true });
  }
  const descriptor = [
    `name=${className}`,
    `description=${className}`,
    "version=1.0.0",
    `classname=pg2es.dev.${className}`,
    `java.version=${release}`,
    `elasticsearch.version=${version}`,
  ];
  await Deno.writeTextFile(
    join(folder, "plugin-descriptor.properties"),
    descriptor.join("\n") + "\n",
  );
}
