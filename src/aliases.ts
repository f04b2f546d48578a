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
 *
 * With `from`, only where that is the one that is searched until then; where it has the plain name itself, it is deleted in
 * the same step if `isReplacing` says so.
 * @throws {EtlError} `index-unusable` when an index has the plain name and is not to be replaced, or another than `from` is
 * searched.
 */
export async function switchAlias(
  cluster: Cluster,
  { name, target, from, isReplacing = false, signal }: {
    name: string;
    target: { readonly name: string };
    from?: string;
    isReplacing?: boolean;
    signal: AbortSignal;
  },
): Promise<void> {
  const searched = Object.keys(await findIndexes(cluster, name, signal));
  const isPlain = searched.includes(name);
  const fault = isPlain && !isReplacing
    ? "an index has the name that is to be an alias; delete it, and the alias takes its place"
    : from !== undefined && (searched.length !== 1 || searched[0] !== from)
    ? `somebody else has changed what it stands for: ${searched.join(", ")}`
    : undefined;
  if (fault !== undefined) {
    throw new EtlError({ kind: "index-unusable", index: name, detail: fault });
  }
  const removed = searched.filter((index) => index !== target.name);
  await changeAliases(cluster, {
    index: target.name,
    add: [name],
    ...(isPlain
      ? { removeIndexes: removed }
      : { remove: removed.map((index) => ({ index, alias: name })) }),
    signal,
  });
}

/**
 * Gives an index these aliases, and takes others from where they are, or deletes indexes, in one step; where one of those is
 * not there any more, nothing is done.
 */
export async function changeAliases(
  cluster: Cluster,
  { index, add, remove = [], removeIndexes = [], signal }: {
    index: string;
    add: readonly string[];
    remove?: readonly { readonly index: string; readonly alias: string }[];
    removeIndexes?: readonly string[];
    signal: AbortSignal;
  },
): Promise<void> {
  const actions = [
    ...remove.map((removed) => ({
      remove: { ...removed, "must_exist": true },
    })),
    ...removeIndexes.map((index) => ({ "remove_index": { index } })),
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
