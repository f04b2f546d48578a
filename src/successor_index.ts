import { forgetLetters, type Standings } from "./flip_positions.ts";
import {
  type GenerationMark,
  listGenerations,
  noteGeneration,
} from "./generations.ts";
import type { IndexDefinition } from "./config.ts";
import {
  ensureIndexBeside,
  nameIndexes,
  type TargetIndex,
} from "./index_lifecycle.ts";
import { deleteIndex, findIndexes } from "./index_requests.ts";
import type { Log } from "./logging.ts";
import type { Source } from "./postgres.ts";
import { identifySource } from "./preflight.ts";

/**
 * Makes an index that is to take the place of the one that is searched, under the first name of its recipe that nobody has
 * taken; tuned for its load.
 */
export async function makeSuccessor(
  { source, cluster, stop }: Standings & { readonly source: Source },
  { definition, mark, log }: {
    definition: IndexDefinition;
    mark: GenerationMark;
    log: Log;
  },
): Promise<TargetIndex> {
  const signal = stop.kill;
  const identity = await identifySource(source, signal);
  const recipe = { ...definition, isAlias: true, source: identity };
  const notes = noteGeneration(mark);
  for (const physical of nameIndexes(recipe)) {
    const taken = await findIndexes(cluster, physical, signal);
    if (Object.keys(taken).length > 0) continue;
    const options = { recipe, physical, notes, isForLoad: true, log, signal };
    return await ensureIndexBeside(cluster, options);
  }
  throw new RangeError("Cannot name an index: the names have an end");
}

/**
 * Deletes an index that the agent made for `name`, and what is known of it; nothing where it is searched, or is not marked as
 * one to come or one that is kept.
 */
export async function removeGeneration(
  { cluster, checkpoint, deadLetters, stop }: Standings,
  { name, physical }: { name: string; physical: string },
): Promise<void> {
  const signal = stop.kill;
  const generations = await listGenerations(cluster, name, signal);
  const found = generations.find((one) => one.name === physical);
  const role = found?.mark?.role;
  const isOurs = role === "next" || role === "old";
  if (found !== undefined && (found.isSearched || !isOurs)) return;
  // in this order: what is known of an index is not left behind without it
  await forgetLetters(deadLetters, { index: physical, signal });
  await checkpoint.replace(new Map([[physical, undefined]]), signal);
  if (found === undefined) return;
  await deleteIndex(cluster, { name: physical, signal });
}
