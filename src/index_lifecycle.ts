import { createHash } from "node:crypto";
import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import type { IndexConfig } from "./index_config.ts";
import type { Log } from "./logging.ts";

/** The index that documents are written to, as it is in Elasticsearch. */
export interface TargetIndex {
  /** Its own name, behind the alias that people search. */
  readonly name: string;
  readonly uuid: string;
  /** The alias that only writes go through: a write to an index that is gone makes none. */
  readonly alias: string;
}

/** What an index is made from. */
export interface IndexRecipe {
  /** The alias that people search. */
  readonly name: string;
  readonly indexConfig: IndexConfig;
  /** The document query. */
  readonly document: string;
}

const FoundIndexes = z.record(
  z.string(),
  z.object({
    aliases: z.record(z.string(), z.unknown()),
    settings: z.object({ index: z.object({ uuid: z.string() }) }),
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
  const [first, ...others] = Object.entries(found);
  if (others.length > 0) {
    const detail = `the alias stands for ${
      others.length + 1
    } indexes; leave it on one`;
    throw new EtlError({ kind: "index-unusable", index: name, detail });
  }
  if (first !== undefined) {
    const [physical, { aliases, settings }] = first;
    const alias = writeAlias(physical);
    if (!(alias in aliases)) {
      await addAliases(cluster, { physical, aliases: [alias], signal });
    }
    return { name: physical, uuid: settings.index.uuid, alias };
  }
  const physical = `${name}-${hashRecipe(recipe)}`;
  const beside = await findIndexes(cluster, physical, signal);
  if (physical in beside) {
    await addAliases(cluster, {
      physical,
      aliases: [name, writeAlias(physical)],
      signal,
    });
  } else {
    await createIndex(cluster, { physical, recipe, signal });
    log.info("index made", { index: physical, alias: name });
  }
  const uuid = (await findIndexes(cluster, physical, signal))[physical]
    ?.settings.index.uuid;
  if (uuid === undefined) {
    throw new EtlError({ kind: "index-missing", index: physical });
  }
  return { name: physical, uuid, alias: writeAlias(physical) };
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

/** Eight hexadecimal digits that change with the settings, the mappings or the document query. */
function hashRecipe({ indexConfig, document }: IndexRecipe): string {
  const text = JSON.stringify([indexConfig, document]);
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
      query: { filter_path: "*.aliases,*.settings.index.uuid" },
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
  { physical, recipe: { name, indexConfig }, signal }: {
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
      aliases: { [name]: {}, [writeAlias(physical)]: {} },
    },
    answer: Acknowledged,
  }, signal);
}

function withGcDeletes(
  settings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (/"(index\.)?gc_deletes"/.test(JSON.stringify(settings))) {
    return { ...settings };
  }
  return { ...settings, "index.gc_deletes": GC_DELETES };
}

async function addAliases(
  cluster: Cluster,
  { physical, aliases, signal }: {
    physical: string;
    aliases: readonly string[];
    signal: AbortSignal;
  },
): Promise<void> {
  await cluster.request({
    method: "POST",
    path: "/_aliases",
    index: physical,
    body: {
      actions: aliases.map((alias) => ({ add: { index: physical, alias } })),
    },
    answer: Acknowledged,
  }, signal);
}
