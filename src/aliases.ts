import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import { findIndexes } from "./index_requests.ts";

const Acknowledged = z.object({ acknowledged: z.boolean() });

/**
 * The alias that only writes to an index go through.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { writeAlias } from "./aliases.ts";
 * equal(writeAlias("movies-0a1b2c3d"), "movies-0a1b2c3d-write");
 * ```
 */
export function writeAlias(physical: string): string {
  return `${physical}-write`;
}

/**
 * Lets people search `target` under `name`, in one step: whoever searches meets the old index or this one.
 * @throws {EtlError} `index-unusable` when an index has the plain name.
 */
export async function switchAlias(
  cluster: Cluster,
  { name, target, signal }: {
    name: string;
    target: { readonly name: string };
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

/** Gives an index these aliases, and takes others from where they are, in one step. */
export async function changeAliases(
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
