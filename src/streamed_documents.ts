import { BATCH_KEYS } from "./changes.ts";
import type { ChangeBatch, TableChanges } from "./feed_subscription.ts";
import { joinKey, type Key, transposeKeys } from "./keys.ts";
import type { IndexPlan, TablePlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import { readDocumentKeys } from "./reached_documents.ts";
import { keyParts } from "./table_scan.ts";
import { TextRow } from "./text_row.ts";

/** The documents that streamed changes reach, each once until they are taken. */
export interface StreamedDocuments {
  /** How many wait. */
  readonly count: number;
  /** Whether any document may have changed, since a table was truncated: all ids of the index are to be added. */
  readonly isAllDue: boolean;
  /** Finds the documents of a batch: those that its rows belong to, and those that they belonged to; parts of many. */
  add(batch: ChangeBatch, signal: AbortSignal): AsyncGenerator<void>;
  /** Adds all ids of the index, parts of many; what is on its way there is not among them. */
  addAll(signal: AbortSignal): AsyncGenerator<void>;
  take(): readonly Key[];
}

/** Rows that a statement asks about. */
const PAGE_ROWS = 2_000;

/** Types whose values the log writes as a cast to text does. */
const PLAIN_TYPES = new Set([
  ...["smallint", "integer", "bigint", "uuid", "text", "character varying"],
  ...["numeric", "date", "timestamp with time zone"],
  "timestamp without time zone",
]);

/** Opens it for an index; `readIds` are the ids of all its documents, for when any may have changed. */
export function openStreamedDocuments(
  { source, plan, readIds }: {
    source: Source;
    plan: IndexPlan;
    readIds: (signal: AbortSignal) => AsyncIterable<readonly Key[]>;
  },
): StreamedDocuments {
  const { root } = plan;
  const isPlain = root.key.every(({ type }) => PLAIN_TYPES.has(type));
  let documents = new Set<Key>();
  let isAllDue = false;

  function gather(keys: readonly Key[]): void {
    for (const key of keys) documents.add(key);
  }

  async function* addRows(
    { table: { plan: table, name, formerColumns, formerQuery }, ...changes }:
      TableChanges,
    signal: AbortSignal,
  ): AsyncGenerator<void> {
    const { keys, former } = changes;
    if (table.documentIds === undefined) {
      gather(isPlain ? keys : await rewriteKeys(keys, signal));
      return;
    }
    const columns = formerColumns;
    const query = formerQuery;
    const asked = [
      ...pagesOf(keys).map((page) => ({ keys: page })),
      ...(query === undefined ? [] : pagesOf(former).map((rows) => ({
        keys: rows.map((row) => keyOf(row, table)),
        former: { table: name.name, query, columns, rows },
      }))),
    ];
    for (const options of asked) {
      let after: Key | undefined;
      do {
        const limit = BATCH_KEYS;
        const found = await readDocumentKeys(source, { table, root }, {
          ...options,
          ...{ after, limit, signal },
        });
        gather(found);
        after = found.length < limit ? undefined : found.at(-1);
        if (documents.size >= BATCH_KEYS) yield;
      } while (after !== undefined);
    }
  }

  /** Keys as a cast to text writes them, as scans do. */
  async function rewriteKeys(
    keys: readonly Key[],
    signal: AbortSignal,
  ): Promise<Key[]> {
    const shown = root.key.map(({ type }, index) =>
      `k.k${index}::${type}::text as k${index}`
    );
    const arrays = root.key.map((_, index) => `$${index + 1}::text[]`);
    const names = root.key.map((_, index) => `k${index}`);
    const rows = await source.query({
      label: `keys of ${root.label}`,
      sql: `select ${shown.join(", ")} from unnest(${arrays.join(", ")}) k(${
        names.join(", ")
      })`,
      row: TextRow,
    }, { values: transposeKeys(keys, root.key.length), signal });
    return rows.map((row) => joinKey(keyParts(row, root.key)));
  }

  return {
    get count() {
      return documents.size;
    },
    get isAllDue() {
      return isAllDue;
    },
    async *add({ tables, isTruncated }, signal) {
      isAllDue ||= isTruncated;
      for (const changes of tables) yield* addRows(changes, signal);
    },
    async *addAll(signal) {
      for await (const ids of readIds(signal)) {
        gather(ids);
        if (documents.size >= BATCH_KEYS) yield;
      }
      isAllDue = false;
    },
    take() {
      const taken = [...documents];
      documents = new Set();
      return taken;
    },
  };
}

function pagesOf<Item>(items: readonly Item[]): (readonly Item[])[] {
  const count = Math.ceil(items.length / PAGE_ROWS);
  return Array.from(
    { length: count },
    (_, page) => items.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS),
  );
}

/** The key of a row whose columns begin with it. */
function keyOf(row: readonly (string | null)[], { key }: TablePlan): Key {
  return joinKey(row.slice(0, key.length).map((part) => part ?? ""));
}
