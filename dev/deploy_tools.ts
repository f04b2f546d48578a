import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileExists, findProgram, runCommand } from "./command.ts";
import { openFolder } from "./folder.ts";
import { runProgram, showStep, tell } from "./progress.ts";
import { placeFolder } from "./whole_folder.ts";

const PROJECT = fileURLToPath(new URL("../", import.meta.url));

/** What checks the files of deploy/: each is found on PATH, or fetched under `.servers/`. */
export type DeployTool = "kubernetes-validate" | "prometheus" | "promtool";

/** Its schemas are those of this release of Kubernetes and of the ones before it. */
const KUBERNETES_VALIDATE = "kubernetes-validate==1.37.0";

/** The tools that one package brings together, by the folder that they are in. */
const FOLDERS: Readonly<Record<DeployTool, string>> = {
  "kubernetes-validate": "kubernetes-validate",
  "prometheus": "prometheus",
  "promtool": "prometheus",
};

/** The words that run a tool, where it is on PATH or was fetched; else nothing. */
export async function findDeployTool(
  name: DeployTool,
): Promise<readonly string[] | undefined> {
  const folder = await toolFolder(name);
  const fetched = join(folder, "bin", name);
  if (await fileExists(fetched)) {
    return ["env", `PYTHONPATH=${folder}`, fetched];
  }
  const found = await findProgram(name);
  return found === undefined ? undefined : [found];
}

/** Fetches what is missing; what cannot be had on this machine is told, and its checks are left out. */
async function main(): Promise<void> {
  await fetchTool("promtool", unpackPrometheus);
  await fetchTool("kubernetes-validate", installValidator);
}

async function fetchTool(
  name: DeployTool,
  fill: (draft: string) => Promise<string>,
): Promise<void> {
  if (await findDeployTool(name)) return;
  const folder = await toolFolder(name);
  try {
    await showStep(`Fetching ${name}`, () => placeFolder(folder, fill));
  } catch (error) {
    const why = error instanceof Error ? error.message : error;
    tell(`${name} is left out. ${why}`);
  }
}

async function toolFolder(name: DeployTool): Promise<string> {
  return join(await openFolder(join(PROJECT, ".servers/tools")), FOLDERS[name]);
}

/** Out of Debian's package: installed, it would start a server. */
async function unpackPrometheus(draft: string): Promise<string> {
  const apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"];
  await runCommand([...apt, "update"]);
  await runCommand([...apt, "download", "prometheus"], { cwd: draft });
  const [archive = ""] = (await listNames(draft))
    .filter((name) => name.endsWith(".deb"));
  await runCommand(["dpkg-deb", "-x", archive, "."], { cwd: draft });
  return join(draft, "usr");
}

async function installValidator(draft: string): Promise<string> {
  const target = join(draft, "tool");
  const pip = ["python3", "-m", "pip", "install", "--quiet"];
  await runCommand([...pip, "--target", target, KUBERNETES_VALIDATE]);
  return target;
}

async function listNames(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name);
}

if (import.meta.main) await runProgram(main);
