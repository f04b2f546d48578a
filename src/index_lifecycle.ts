import { createHash } from "node:crypto";
import type { Cluster } from "./elasticsearch.ts";
import { changeAliases, writeAlias } from "./aliases.ts";
import { EtlError, recovers } from "./failure.ts";
import { createIndex, findIndexes, type FoundIndex } from "./index_requests.ts";
import {
  type IndexBody,
  isTuned,
  mayRestore,
  readTemplateSettings,
  tuneBody,
} from "./load_tuning.ts";
import type { Log } from "./logging.ts";
import { bodyOf, type Ingredients } from "./made_from.ts";

/** The index that documents are written to, as it is in Elasticsearch. */
export interface TargetIndex {
  /** Its own name, behind the alias that people search. */
  readonly name: string;
  readonly uuid: string;
  /** The alias that only writes go through: a write to an index that is gone makes none. */
  readonly alias: string;
  /** Whether people find it under the configured name. */
  readonly isSearched: boolean;
  /** For how long it remembers the version of a deleted document, in milliseconds. */
  readonly gcDeletesMs: number;
  /** Whether it has to be restored once it is loaded. */
  readonly isTuned: boolean;
}

/** What an index is made from. */
export interface IndexRecipe extends Ingredients {
  /** What people search: an alias, or, where `isAlias` is false, the index itself. */
  readonly name: string;
  readonly isAlias?: boolean;
  /** The database that the query reads: documents of two never share an index. */
  readonly source: { readonly system: string; readonly database: string };
}

interface EnsureOptions {
  readonly recipe: IndexRecipe;
  /** Whether an index that has to be made is tuned for a load, after which it is restored. */
  readonly isForLoad?: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * The index behind the name of `recipe`, made when there is none.
 *
 * An index that has the plain name is used as it is. Otherwise the name is an alias, and the index behind it is named by
 * what it is made from, so that another can be loaded beside it.
 * @throws {EtlError} `index-unusable` when the name stands for several indexes, `request-refused` when Elasticsearch
 * does not take the settings or mappings.
 */
export async function ensureIndex(
  cluster: Cluster,
  { recipe, isForLoad = false, log, signal }: EnsureOptions,
): Promise<TargetIndex> {
  const { name } = recipe;
  const found = await findIndexes(cluster, name, signal);
  const [first, ...others] = Object.keys(found);
  const isStream = Object.values(found).some(({ data_stream: stream }) =>
    stream !== undefined
  );
  const fault = isStream
    ? "it is a data stream, which takes no document again by its id; write another name"
    : others.length > 0
    ? `the alias stands for ${others.length + 1} indexes; leave it on one`
    : undefined;
  if (fault !== undefined) {
    throw new EtlError({ kind: "index-unusable", index: name, detail: fault });
  }
  if (first === undefined) {
    return await ensureIndexBeside(cluster, { recipe, isForLoad, log, signal });
  }
  const target = await adopt(cluster, { physical: first, name, found, signal });
  if (target === undefined) {
    throw new EtlError({ kind: "index-missing", index: name });
  }
  return target;
}

/**
 * The index that `recipe` makes, made when it is not there; nobody searches it before {@linkcode switchAlias}. `physical`
 * is its own name, where that is to be another than the first that {@linkcode nameIndexes} gives; `notes` is what is noted
 * of it in its mapping.
 */
export async function ensureIndexBeside(
  cluster: Cluster,
  { recipe, isForLoad = false, notes = {}, log, signal, ...given }:
    & EnsureOptions
    & { physical?: string; notes?: Readonly<Record<string, unknown>> },
): Promise<TargetIndex> {
  const { physical = nameIndexes(recipe).next().value } = given;
  let found = await findIndexes(cluster, physical, signal);
  if (!(physical in found)) {
    const options = { physical, recipe, isForLoad, notes, log, signal };
    await makeIndex(cluster, options);
    found = await findIndexes(cluster, physical, signal);
  }
  const { name } = recipe;
  const target = await adopt(cluster, { physical, name, found, signal });
  if (target !== undefined) return target;
  throw new EtlError({ kind: "index-missing", index: physical });
}

/** The index of this name and uuid, if it is still there. */
export async function findIndex(
  cluster: Cluster,
  { index, name, signal }: {
    index: { readonly name: string; readonly uuid: string };
    name: string;
    signal: AbortSignal;
  },
): Promise<TargetIndex | undefined> {
  const found = await findIndexes(cluster, index.name, signal);
  const physical = index.name;
  const target = await adopt(cluster, { physical, name, found, signal });
  return target?.uuid === index.uuid ? target : undefined;
}

/**
 * The index of this own name, whoever searches it.
 * @throws {EtlError} `index-missing` when it is gone.
 */
export async function findIndexBeside(
  cluster: Cluster,
  { physical, name, signal }: {
    physical: string;
    /** The alias that people search. */
    name: string;
    signal: AbortSignal;
  },
): Promise<TargetIndex> {
  const found = await findIndexes(cluster, physical, signal);
  const target = await adopt(cluster, { physical, name, found, signal });
  if (target !== undefined) return target;
  throw new EtlError({ kind: "index-missing", index: physical });
}

/** An index that is there, as one to write to: with its write alias, whoever made it. */
async function adopt(
  cluster: Cluster,
  { physical, name, found, signal }: {
    physical: string;
    name: string;
    found: Readonly<Record<string, FoundIndex>>;
    signal: AbortSignal;
  },
): Promise<TargetIndex | undefined> {
  const index = found[physical];
  if (index === undefined) return undefined;
  const alias = writeAlias(physical);
  if (!(alias in index.aliases)) {
    await changeAliases(cluster, { index: physical, add: [alias], signal });
  }
  const isSearched = physical === name || name in index.aliases;
  const { uuid, gc_deletes: gcDeletesMs } = index.settings.index;
  return {
    ...{ name: physical, uuid, alias, isSearched, gcDeletesMs },
    isTuned: isTuned(index),
  };
}

/**
 * Names for the index of a recipe, which change with the settings, the mappings, the document query, the pipeline or the
 * database: the first, and without end others, for indexes that are made from the same once more.
 */
export function* nameIndexes(
  { name, isAlias = true, indexConfig, document, ingestPipeline, source }:
    IndexRecipe,
): Generator<string, never> {
  if (!isAlias) { for (;;) yield name; }
  const { system, database } = source;
  const made = [indexConfig, document, system, database];
  if (ingestPipeline !== undefined) made.push(ingestPipeline);
  for (let round = 0;; round++) {
    const text = JSON.stringify(round === 0 ? made : [...made, round]);
    const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
    yield `${name}-${hash}`;
  }
}

/** Makes the index of `recipe`; with `isForLoad` tuned for that, where nothing stands against it. */
async function makeIndex(
  cluster: Cluster,
  { physical, recipe, isForLoad, notes, log, signal }: {
    physical: string;
    recipe: IndexRecipe;
    isForLoad: boolean;
    notes: Readonly<Record<string, unknown>>;
    log: Log;
    signal: AbortSignal;
  },
): Promise<void> {
  const name = physical;
  const body = bodyOf(recipe, notes);
  const aliases = { [writeAlias(physical)]: {} };
  const make = async (body: IndexBody, fields = {}) => {
    await createIndex(cluster, { name, body: { ...body, aliases }, signal });
    log.info("index made", { name, ...fields });
  };
  if (!isForLoad) return await make(body);
  if (!await mayRestore(cluster, { name, signal })) {
    await make(body);
    log.info("the index is not tuned for the load: the user lacks manage", {
      name,
    });
    return;
  }
  const templates = await readTemplateSettings(cluster, { name, signal });
  try {
    await make(tuneBody(body, templates), { tuned: true });
  } catch (error) {
    if (!recovers(error, "split")) throw error;
    await make(body); // where it is not for the tuning, this says what it is for
    log.info("the index is not tuned for the load: it was refused", {
      name,
      error,
    });
  }
}
