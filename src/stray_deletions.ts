import { Buffer } from "node:buffer";
import type { Documents } from "./documents.ts";
import type { Key } from "./keys.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import { findStrays, type Stray } from "./shown_documents.ts";
import type { Versions } from "./versions.ts";

/**
 * The entries that no document goes with, read as what deletes them, by their ids: any id may be there, also one that is no
 * key, or a copy with another routing.
 *
 * As with every reading the number comes first: an entry that has got a document since then keeps it.
 */
export function openStrayDeletions(
  { source, plan, brief, versions, strays }: {
    source: Source;
    plan: IndexPlan;
    brief: Documents;
    versions: Versions;
    strays: readonly Stray[];
  },
): Documents {
  const byId = Map.groupBy(strays, ({ entry: { id } }) => id);
  return {
    async read(ids, signal) {
      const version = await versions.next(source, signal);
      const readAtMs = performance.now();
      const asked = ids.flatMap((id) => byId.get(id) ?? [])
        .map(({ entry }) => entry);
      const found = await findStrays({ source, plan, brief }, asked, signal);
      const parts: Buffer[] = [];
      const entries: { key: Key; start: number; end: number }[] = [];
      let end = 0;
      for (const { entry: { id, routing } } of found) {
        const start = end;
        const action = {
          delete: {
            _id: id,
            ...(routing === undefined ? {} : { routing }),
            version: 0,
            version_type: "external_gte",
          },
        };
        // a version has more digits than a number of JavaScript's
        const line = JSON.stringify(action)
          .replace('"version":0', `"version":${BigInt(version)}`);
        const bytes = Buffer.from(`${line}\n`);
        parts.push(bytes);
        end += bytes.length;
        entries.push({ key: id, start, end });
      }
      const requests = entries.length === 0
        ? []
        : [{ buffer: Buffer.concat(parts), entries, readAtMs, version }];
      return { requests, rejections: [], rest: [] };
    },
    recycle: () => {},
  };
}
