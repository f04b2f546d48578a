import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { findIndexes, type FoundIndex, replaceMeta } from "./index_requests.ts";
import { type MadeFrom, notesOf, readMadeFrom } from "./made_from.ts";

/** Where it is noted in the mapping of an index which of the indexes of its name it is. */
const NOTE = "pg2es_generation";

/**
 * What is noted of an index besides what it was made from. `next` is filled beside the one that is searched, to take its
 * place; `old` had been searched, and is kept. The one that is searched is told by the alias, not by this.
 */
export type GenerationMark = z.infer<typeof GenerationMark>;
const GenerationMark = z.object({
  role: z.enum(["next", "old", "searched"]),
  /** Since when it is that, by the clock of the agent that noted it. */
  since: z.iso.datetime(),
  /** Whether somebody asked for it by hand. */
  by_hand: z.boolean().optional(),
  /** What the searched one is not to be replaced by, since somebody went back to it: a fingerprint. */
  stays: z.string().optional(),
});

/** One of the indexes that were made for a name. */
export interface Generation {
  /** Its own name. */
  readonly name: string;
  readonly uuid: string;
  readonly isSearched: boolean;
  readonly madeFrom: MadeFrom;
  readonly mark: GenerationMark | undefined;
}

/**
 * Whether `physical` is named as an index that the agent makes for `name`.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { isOfName } from "./generations.ts";
 * equal(isOfName("movies-0a1b2c3d", "movies"), true);
 * equal(isOfName("movies-eu-0a1b2c3d", "movies"), false);
 * equal(isOfName("movies-2026", "movies"), false);
 * ```
 */
export function isOfName(physical: string, name: string): boolean {
  return physical.startsWith(`${name}-`) &&
    /^[0-9a-f]{8}$/.test(physical.slice(name.length + 1));
}

/**
 * The indexes that the agent made for `name` behind an alias, from the oldest mark on; none that somebody else made, whatever
 * it is called.
 */
export async function listGenerations(
  cluster: Cluster,
  name: string,
  signal: AbortSignal,
): Promise<readonly Generation[]> {
  const found = await findIndexes(cluster, `${name}-*`, signal);
  const generations = Object.entries(found).flatMap(([physical, index]) => {
    const madeFrom = readMadeFrom(index);
    if (madeFrom === undefined || !isOfName(physical, name)) return [];
    const { uuid } = index.settings.index;
    const isSearched = name in index.aliases;
    return [{
      name: physical,
      uuid,
      isSearched,
      madeFrom,
      mark: markOf(index),
    }];
  });
  const sinceOf = ({ mark }: Generation) => mark?.since ?? "";
  return generations.toSorted((one, other) =>
    sinceOf(one) < sinceOf(other) ? -1 : 1
  );
}

/** The notes of an index that is made as this. */
export function noteGeneration(mark: GenerationMark): Record<string, unknown> {
  return { [NOTE]: mark };
}

/** Notes of an index which of the indexes of its name it is; nothing where it is gone. */
export async function markGeneration(
  cluster: Cluster,
  { name, mark, signal }: {
    /** The index by its own name. */
    name: string;
    mark: GenerationMark;
    signal: AbortSignal;
  },
): Promise<void> {
  const found = (await findIndexes(cluster, name, signal))[name];
  if (found === undefined) return;
  const meta = { ...notesOf(found), ...noteGeneration(mark) };
  await replaceMeta(cluster, { name, meta, signal });
}

function markOf(found: FoundIndex): GenerationMark | undefined {
  return GenerationMark.safeParse(notesOf(found)[NOTE]).data;
}
