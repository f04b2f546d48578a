import { EtlError } from "./failure.ts";
import { findKeys } from "./document_ids.ts";
import {
  type Hand,
  type HandledIndex,
  openIndexes,
  openStages,
} from "./hand_tools.ts";
import type { Key } from "./keys.ts";
import { mend, settleKeys } from "./mending.ts";
import { addSettlements } from "./settlement.ts";
import type { Settlement, SettlingStages } from "./settlement.ts";
import type { TablePlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import { readKeys } from "./table_scan.ts";

/** Which documents are read again: those with these ids, or those of the rows of the root table for which a condition holds. */
export type RefreshSelection =
  | { readonly ids: readonly string[] }
  | { readonly where: string };

/** What a refresh did. */
export interface Refreshment extends Settlement {
  readonly index: string;
  /** How many documents were read again. */
  readonly documents: number;
}

/**
 * Reads documents of `index` again and settles them, whether or not they changed.
 *
 * An agent may run meanwhile: each reading is numbered before it is made, and of two readings the newer one wins.
 * @throws {EtlError} `config-invalid` when the condition is not SQL, or there is no such index.
 */
export async function refreshDocuments(
  hand: Hand,
  { index: name, ...selection }: { index: string } & RefreshSelection,
): Promise<Refreshment> {
  const [index] = await openIndexes(hand, name);
  if (index === undefined) throw new RangeError("Cannot refresh: no index");
  const { plan } = index;
  const { source, stop } = hand;
  const signal = stop.kill;
  const pages = "ids" in selection
    ? [selection.ids]
    : await selectKeys(source, {
      root: plan.root,
      where: selection.where,
      limit: plan.pageSize,
      signal,
    });
  const stages = await openStages(hand, index);
  let documents = 0;
  let total: Settlement = { written: 0, superseded: 0, rejected: 0 };
  for await (const ids of pages) {
    const unique = [...new Set(ids)];
    documents += unique.length;
    const settled = await settleIds(hand, { index, stages, ids: unique });
    total = addSettlements(total, settled);
  }
  return { index: name, documents, ...total };
}

/** Reads the documents with these ids again and settles them; those that there are not are deleted. */
export async function settleIds(
  { source, stop }: Hand,
  { index: { plan, sides }, stages, ids }: {
    index: HandledIndex;
    stages: SettlingStages;
    ids: readonly string[];
  },
): Promise<Settlement> {
  const columns = plan.root.key;
  const signal = stop.kill;
  const keys = await findKeys(source, { ids, columns, signal });
  const others = ids.filter((id) => !keys.has(id));
  const settled = await settleKeys(stages, [...keys], stop);
  // an id that is no key has no document, but may be in the index
  const removed = await mend(
    { stages, sides, stop },
    others.map((id) => ({ kind: "extra", entry: { id }, isCopy: false })),
  );
  return addSettlements(settled, removed);
}

/** The keys of the rows for which `where` holds, page by page. */
async function selectKeys(
  source: Source,
  { root, where, limit, signal }: {
    root: TablePlan;
    where: string;
    limit: number;
    signal: AbortSignal;
  },
): Promise<AsyncIterable<readonly Key[]>> {
  const from = `(select c.* from ${root.from} c where (\n${where}\n))`;
  const label = "--where";
  const columns = await source.describe(
    { label, sql: `select 1 from ${from} c` },
    signal,
  );
  if ("message" in columns) {
    const remedy = "write a condition on the root table, such as id > 7";
    const fault = `--where: ${columns.message}; ${remedy}`;
    throw new EtlError({ kind: "config-invalid", faults: [fault] });
  }
  async function* paginate(): AsyncGenerator<readonly Key[]> {
    let after: readonly string[] | undefined;
    do {
      const options = { after, limit, signal };
      const page = await readKeys(source, { ...root, label, from }, options);
      yield page.keys;
      after = page.keys.length < limit ? undefined : page.last;
    } while (after !== undefined);
  }
  return paginate();
}
