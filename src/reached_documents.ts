import {
  joinKey,
  type Key,
  type KeyColumn,
  splitKey,
  transposeKeys,
} from "./keys.ts";
import type { IndexPlan, TablePlan } from "./plan.ts";
import { quoteIdentifier, type Source, useParameters } from "./postgres.ts";
import type { Value } from "./postgres_session.ts";
import { keyParts } from "./table_scan.ts";
import { TextRow } from "./text_row.ts";

/** Rows that take the place of a table in a query. */
export interface FormerRows {
  readonly table: string;
  /** The query, which names the table without its schema. */
  readonly query: string;
  readonly columns: readonly KeyColumn[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** The documents, in the order of their keys, that rows of `table` with these keys belong to; or, with `former`, that they belonged to. */
export async function readDocumentKeys(
  source: Source,
  { table, root }: { table: TablePlan; root: IndexPlan["root"] },
  { keys, former, after, limit, signal }: {
    keys: readonly Key[];
    former?: FormerRows;
    after: Key | undefined;
    limit: number;
    signal: AbortSignal;
  },
): Promise<Key[]> {
  if (table.documentIds === undefined) {
    throw new TypeError(
      `Cannot ask ${table.label} for documents: it is the root`,
    );
  }
  const values: Value[] = transposeKeys(keys, table.key.length);
  const query = former === undefined
    ? table.documentIds
    : queryFormer(former, values);
  const names = root.key.map((_, index) => `k${index}`);
  const typed = root.key.map(({ type }, index) =>
    `d.k${index}::${type} as k${index}`
  );
  const conditions = [
    useParameters(table.key.length),
    ...names.map((name) => `q.${name} is not null`),
  ];
  if (after !== undefined) {
    const parts = splitKey(after, root.key.length);
    const parameters = root.key.map(({ type }, index) => {
      values.push(parts[index] ?? null);
      return `$${values.length}::${type}`;
    });
    conditions.push(
      `(${names.map((name) => `q.${name}`).join(", ")}) > (${
        parameters.join(", ")
      })`,
    );
  }
  values.push(String(limit));
  const rows = await source.query({
    label: `document_ids of ${table.label}`,
    sql: `select ${names.map((name) => `q.${name}::text as ${name}`).join(", ")}
from (select distinct ${typed.join(", ")} from (${query}
) d(${names.join(", ")})) q
where ${conditions.join(" and ")}
order by ${names.map((name) => `q.${name}`).join(", ")}
limit $${values.length}::bigint`,
    row: TextRow,
  }, { values, signal });
  return rows.map((row) => joinKey(keyParts(row, root.key)));
}

/** The query with its rows in place of the table; they are added to `values`. */
function queryFormer(
  { table, query, columns, rows }: FormerRows,
  values: Value[],
): string {
  const arrays = columns.map((_, index) => {
    values.push(rows.map((row) => row[index] ?? null));
    return `$${values.length}::text[]`;
  });
  const names = columns.map((_, index) => `c${index}`);
  const shown = columns.map(({ name, type }, index) =>
    `f.c${index}::${type} as ${quoteIdentifier(name)}`
  );
  return `with ${quoteIdentifier(table)} as (
select ${shown.join(", ")} from unnest(${arrays.join(", ")}) f(${
    names.join(", ")
  }))
select * from (${query}
) z`;
}
