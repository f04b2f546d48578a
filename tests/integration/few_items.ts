import { deepEqual } from "node:assert/strict";
import { type Ending, runToEnd } from "./agent_process.ts";
import { itemsWorld } from "./tampering.ts";
import { openWorld, type World } from "./world.ts";

/** How many items a world has. */
export const ITEM_COUNT = 20;

/** A world of few items, whose state file is in a folder of its own. */
export function openItems(): Promise<World> {
  return openWorld({
    ...itemsWorld({ type: "int", key: "n", count: ITEM_COUNT }),
    settings: { "logging.format": "json" },
  });
}

/** One pass of each index, in a process of its own. */
export function runOnce(
  { folder }: World,
  through: readonly string[] = [],
): Promise<Ending> {
  return runToEnd({ folder, args: ["run", "--once"], through });
}

/** Expects the items in the index that are in PostgreSQL. */
export async function expectEqual(world: World): Promise<void> {
  const rows = await world.sql("select id::text from item order by id");
  const documents = await world.documents();
  deepEqual(
    [...documents.keys()].sort(),
    rows.map(({ id }) => id ?? "").sort(),
  );
}

/** The text of a file; none where there is no file. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The names of what is in a folder. */
export async function namesIn(folder: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  return names.sort();
}
