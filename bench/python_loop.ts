import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { fileExists, findProgram, runCommand } from "../dev/command.ts";
import { showStep } from "../dev/progress.ts";
import type { Bare } from "./bare.ts";
import type { Dataset, Lab } from "./lab.ts";

/** What the loop took. */
export interface LoopRun {
  readonly seconds: number;
  readonly cpuMicros: number;
  readonly peakBytes: number;
}

/** The same job, done by a plain loop in Python. */
export interface PythonLoop {
  /** Loads every film into a new index. */
  run(): Promise<LoopRun>;
}

/** The client of Elasticsearch is of the server's line. */
const PACKAGES = ["psycopg[binary]==3.3.9", "elasticsearch==8.19.3"];

const SCRIPT = fileURLToPath(new URL("loop.py", import.meta.url));

const Told = z.object({
  documents: z.int(),
  seconds: z.number(),
  cpu_seconds: z.number(),
  peak_bytes: z.number(),
});

/** Gets the loop's packages where they are missing. */
export async function openPythonLoop(
  lab: Lab,
  { dataset, bare }: { dataset: Dataset; bare: Bare },
): Promise<PythonLoop> {
  const python = await findProgram("python3");
  if (python === undefined) {
    throw new Error(
      "Cannot measure the Python loop: python3 is missing. Install it, with pip, or leave `loop` out of --only",
    );
  }
  const packages = join(lab.folder, "python");
  // made once all packages are there
  const mark = join(packages, `.complete-${PACKAGES.join("-")}`);
  if (!await fileExists(mark)) {
    await showStep("Installing packages for Python", async () => {
      await Deno.remove(packages, { recursive: true }).catch(() => {});
      const options = ["--quiet", "--disable-pip-version-check"];
      const words = [python, "-m", "pip", "install", ...options];
      await runCommand([...words, "--target", packages, ...PACKAGES]);
      await Deno.writeTextFile(mark, "");
    });
  }
  const document = join(lab.folder, "document.sql");
  await Deno.writeTextFile(document, bare.document);
  const { host, port, database, user, password, films } = dataset;
  const url = `postgres://${user}:${password}@${host}:${port}/${database}`;

  return {
    async run() {
      const { name } = await bare.makeIndex();
      const startedMs = performance.now();
      const text = await runCommand([
        python,
        SCRIPT,
        ...["--database", url, "--elasticsearch", lab.elasticsearchUrl],
        ...["--index", name, "--document", document],
      ], { env: { PYTHONPATH: packages } });
      const seconds = (performance.now() - startedMs) / 1_000;
      const told = Told.parse(JSON.parse(text));
      const count = await lab.search.count();
      if (told.documents !== films || count !== films) {
        throw new Error(
          `Cannot measure the Python loop: ${count} of ${films} films are there`,
        );
      }
      return {
        seconds,
        cpuMicros: 1e6 * told.cpu_seconds / films,
        peakBytes: told.peak_bytes,
      };
    },
  };
}
