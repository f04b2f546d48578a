import { join } from "node:path";
import { z } from "zod";
import { fileExists, runCommand } from "./command.ts";

const Places = z.object({ npmCache: z.string() });

/**
 * The folder of a package in Deno's cache, whichever registry it came from.
 * Throws when it is not there.
 */
export async function findPackage(
  name: string,
  version: string,
): Promise<string> {
  const cache = await (places ??= findCache());
  for await (const registry of Deno.readDir(cache)) {
    const folder = join(cache, registry.name, name, version);
    if (await fileExists(folder)) return folder;
  }
  throw new Error(
    `Cannot find package ${name}@${version} in ${cache}. Run deno install`,
  );
}

let places: Promise<string> | undefined;

async function findCache(): Promise<string> {
  const json = await runCommand([Deno.execPath(), "info", "--json"]);
  return Places.parse(JSON.parse(json)).npmCache;
}
