import { createHash } from "node:crypto";
import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import type { IndexConfig } from "./index_config.ts";
import { parseTimeValue } from "./index_settings.ts";
import type { Log } from "./logging.ts";

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
}

/** What an index is made from. */
export interface IndexRecipe {
  /** The alias that people search. */
  readonly name: string;
  readonly indexConfig: IndexConfig;
  /** The document query. */
  readonly document: string;
  /** The database that the query reads: documents of two never share an index. */
  readonly source: { readonly system: string; readonly database: string };
}

const FoundIndexes = z.record(
  z.string(),
  z.object({
    aliases: z.record(z.string(), z.unknown()),
    settings: z.object({
      index: z.object({
        uuid: z.string(),
        "gc_deletes": z.string().default("60s").transform(parseTimeValue),
      }),
    }),
  }),
);

const Acknowledged = z.object({ acknowledged: z.boolean() });

/** Elasticsearch forgets a delete's version after this time; its default of a minute is short for a request that is slow. */
const GC_DELETES = "10m";

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
  { recipe, log, signal }: {
    recipe: IndexRecipe;
    log: Log;
    signal: AbortSignal;
  },
): Promise<TargetIndex> {
  const { name } = recipe;
  const found = await findIndexes(cluster, name, signal);
  const [first, ...others] = Object.keys(found);
  if (others.length > 0) {
    const detail = `the alias stands for ${
      others.length + 1
    } indexes; leave it on one`;
    throw new EtlError({ kind: "index-unusable", index: name, detail });
  }
  if (first === undefined) {
    return await ensureIndexBeside(cluster, { recipe, log, signal });
  }
  const target = await adopt(cluster, { physical: first, name, found, signal });
  if (target === undefined) {
    throw new EtlError({ kind: "index-missing", index: name });
  }
  return target;
}

/** The index that `recipe` makes, made when it is not there; nobody searches it before {@linkcode switchAlias}. */
export async function ensureIndexBeside(
  cluster: Cluster,
  { recipe, log, signal }: {
    recipe: IndexRecipe;
    log: Log;
    signal: AbortSignal;
  },
): Promise<TargetIndex> {
  const physical = `${recipe.name}-${hashRecipe(recipe)}`;
  let found = await findIndexes(cluster, physical, signal);
  if (!(physical in found)) {
    await createIndex(cluster, { physical, recipe, signal });
    log.info("index made", { name: physical });
    found = await findIndexes(cluster, physical, signal);
  }
  const { name } = recipe;
  const target = await adopt(cluster, { physical, name, found, signal });
  if (target === undefined) {
    throw new EtlError({ kind: "index-missing", index: physical });
  }
  return target;
}

/** Whether an index has this very name, and not as an alias. */
export async function hasPlainIndex(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<boolean> {
  return name in await findIndexes(cluster, name, signal);
}

/** Deletes an index for good. */
export async function deleteIndex(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<void> {
  await cluster.request({
    method: "DELETE",
    path: `/${encodeURIComponent(name)}`,
    index: name,
    answer: Acknowledged,
  }, signal);
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
 * Lets people search `target` under `name`, in one step: whoever searches meets the old index or this one.
 * @throws {EtlError} `index-unusable` when an index has the plain name.
 */
export async function switchAlias(
  cluster: Cluster,
  { name, target, signal }: {
    name: string;
    target: TargetIndex;
    signal: AbortSignal;
  },
): Promise<void> {
  const searched = Object.keys(await findIndexes(cluster, name, signal));
  if (searched.includes(name)) {
    const detail =
      "an index has the name that is to be an alias; delete it, and the alias takes its place";
    throw new EtlError({ kind: "index-unusable", index: name, detail });
  }
  await changeAliases(cluster, {
    index: target.name,
    add: [name],
    remove: searched
      .filter((index) => index !== target.name)
      .map((index) => ({ index, alias: name })),
    signal,
  });
}

/** An index that is there, as one to write to: with its write alias, whoever made it. */
async function adopt(
  cluster: Cluster,
  { physical, name, found, signal }: {
    physical: string;
    name: string;
    found: z.infer<typeof FoundIndexes>;
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
  return { name: physical, uuid, alias, isSearched, gcDeletesMs };
}

/** Makes what was written searchable now. */
export async function refreshIndex(
  cluster: Cluster,
  { index, signal }: { index: string; signal: AbortSignal },
): Promise<void> {
  await cluster.request({
    method: "POST",
    path: `/${encodeURIComponent(index)}/_refresh`,
    index,
    answer: z.unknown(),
  }, signal);
}

/** Eight hexadecimal digits that change with the settings, the mappings, the document query or the database. */
function hashRecipe({ indexConfig, document, source }: IndexRecipe): string {
  const { system, database } = source;
  const text = JSON.stringify([indexConfig, document, system, database]);
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

function writeAlias(physical: string): string {
  return `${physical}-write`;
}

async function findIndexes(
  cluster: Cluster,
  name: string,
  signal: AbortSignal,
): Promise<z.infer<typeof FoundIndexes>> {
  try {
    return await cluster.request({
      method: "GET",
      path: `/${encodeURIComponent(name)}`,
      query: {
        filter_path:
          "*.aliases,*.settings.index.uuid,*.settings.index.gc_deletes",
      },
      index: name,
      answer: FoundIndexes,
    }, signal);
  } catch (error) {
    const isMissing = error instanceof EtlError &&
      error.failure.kind === "index-missing";
    if (isMissing) return {};
    throw error;
  }
}

async function createIndex(
  cluster: Cluster,
  { physical, recipe: { indexConfig }, signal }: {
    physical: string;
    recipe: IndexRecipe;
    signal: AbortSignal;
  },
): Promise<void> {
  await cluster.request({
    method: "PUT",
    path: `/${encodeURIComponent(physical)}`,
    index: physical,
    body: {
      settings: withGcDeletes(indexConfig.settings ?? {}),
      mappings: indexConfig.mappings,
      aliases: { [writeAlias(physical)]: {} },
    },
    answer: Acknowledged,
  }, signal).catch((error: unknown) => {
    // made meanwhile: by another agent, or by a try whose answer was lost
    const isThere = error instanceof EtlError && "type" in error.failure &&
      error.failure.type === "resource_already_exists_exception";
    if (!isThere) throw error;
  });
}

function withGcDeletes(
  settings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (/"(index\.)?gc_deletes"/.test(JSON.stringify(settings))) {
    return { ...settings };
  }
  return { ...settings, "index.gc_deletes": GC_DELETES };
}

async function changeAliases(
  cluster: Cluster,
  { index, add, remove = [], signal }: {
    index: string;
    add: readonly string[];
    remove?: readonly { readonly index: string; readonly alias: string }[];
    signal: AbortSignal;
  },
): Promise<void> {
  const actions = [
    ...remove.map((removed) => ({ remove: removed })),
    ...add.map((alias) => ({ add: { index, alias } })),
  ];
  await cluster.request({
    method: "POST",
    path: "/_aliases",
    index,
    body: { actions },
    answer: Acknowledged,
  }, signal);
}
