import type { Position } from "./position.ts";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import { switchAlias } from "./aliases.ts";
import {
  ensureIndex,
  ensureIndexBeside,
  findIndex,
  type IndexRecipe,
  type TargetIndex,
} from "./index_lifecycle.ts";
import { deleteIndex, hasPlainIndex } from "./index_requests.ts";
import { restoreIndex } from "./load_tuning.ts";
import type { Log } from "./logging.ts";

/** The index to write to, and whether the saved position is of it. */
export interface Target {
  readonly index: TargetIndex;
  /** False when everything has to be loaded, whatever was saved. */
  readonly isKnown: boolean;
}

/**
 * Finds the index that goes with a saved position, or the one to begin with.
 *
 * A position is of one database and one index. Another database is loaded into an index of its own, which is searched once
 * it is full; an index that is gone, or was made anew by somebody else, is loaded from the beginning.
 */
export async function openTarget(
  cluster: Cluster,
  { recipe, position, force, log, signal }: {
    recipe: IndexRecipe;
    position: Position | undefined;
    /** Whether an index that has the plain name may be deleted to make room for another database's. */
    force: boolean;
    log: Log;
    signal: AbortSignal;
  },
): Promise<Target> {
  const options = { recipe, isForLoad: true, log, signal };
  if (position === undefined) {
    const index = await ensureIndex(cluster, options);
    return {
      index: await show(cluster, { index, recipe, signal }),
      isKnown: false,
    };
  }
  const { source } = recipe;
  const { system, database } = position.source;
  if (system !== source.system || database !== source.database) {
    await freeName(cluster, {
      name: recipe.name,
      database,
      force,
      log,
      signal,
    });
    const index = await ensureIndexBeside(cluster, options);
    log.warning(
      "this is another database than the one that was read: loading it into an index of its own",
      {
        filledFrom: database,
        now: source.database,
        name: index.name,
      },
    );
    return { index, isKnown: false };
  }
  const { name } = recipe;
  const known = await findIndex(cluster, {
    index: position.index,
    name,
    signal,
  });
  if (known !== undefined) {
    const index = position.load === undefined
      ? await finish(cluster, { index: known, recipe, log, signal })
      : known;
    return { index, isKnown: true };
  }
  const index = await ensureIndex(cluster, options);
  log.warning("the index that was filled is gone: loading everything", {
    filled: position.index.name,
    name: index.name,
  });
  return {
    index: await show(cluster, { index, recipe, signal }),
    isKnown: false,
  };
}

/**
 * Sees to it that the name can become an alias: an index that has it holds the documents of `database`, and those of two
 * databases must not mix.
 * @throws {EtlError} `index-unusable` when there is one and it may not be deleted.
 */
async function freeName(
  cluster: Cluster,
  { name, database, force, log, signal }: {
    name: string;
    database: string;
    force: boolean;
    log: Log;
    signal: AbortSignal;
  },
): Promise<void> {
  if (!await hasPlainIndex(cluster, { name, signal })) return;
  if (!force) {
    const detail = `it was filled from another database, ${database}; ` +
      "delete it, or start once with --force, which does";
    throw new EtlError({ kind: "index-unusable", index: name, detail });
  }
  await deleteIndex(cluster, { name, signal });
  log.warning(
    "index deleted, as --force says: it was filled from another database",
    { name, database },
  );
}

/** Gives an index that is loaded the settings that it is to have, and lets people search it; again after a crash, until it is done. */
export async function finish(
  cluster: Cluster,
  { index, recipe, log, signal }: {
    index: TargetIndex;
    recipe: Pick<IndexRecipe, "name">;
    log: Log;
    signal: AbortSignal;
  },
): Promise<TargetIndex> {
  const restored = await restoreLoaded(cluster, { index, log, signal });
  return await show(cluster, { index: restored, recipe, signal });
}

/** Gives an index that is loaded the settings that it is to have. */
export async function restoreLoaded(
  cluster: Cluster,
  { index, log, signal }: { index: TargetIndex; log: Log; signal: AbortSignal },
): Promise<TargetIndex> {
  const { name } = index;
  if (!index.isTuned) return index;
  await restoreIndex(cluster, { name, signal });
  log.info("index restored after the load", { name });
  return { ...index, isTuned: false };
}

/** Lets people search an index that they do not find yet. */
async function show(
  cluster: Cluster,
  { index, recipe, signal }: {
    index: TargetIndex;
    recipe: Pick<IndexRecipe, "name">;
    signal: AbortSignal;
  },
): Promise<TargetIndex> {
  if (index.isSearched) return index;
  await switchAlias(cluster, { name: recipe.name, target: index, signal });
  return { ...index, isSearched: true };
}
