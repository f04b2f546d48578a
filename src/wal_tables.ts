import { parseTable, type TableName } from "./config_tables.ts";
import type { KeyColumn } from "./keys.ts";
import type { IndexPlan, TablePlan } from "./plan.ts";
import { quoteIdentifier, type Source } from "./postgres.ts";
import {
  type LoggedColumn,
  type LoggedTable,
  readLoggedTable,
  type Refusal,
  type TableFault,
} from "./postgres_publication.ts";
import { unqualify } from "./table_references.ts";

/** A watched table as the log tells of it. */
export interface WalTable {
  readonly plan: TablePlan;
  readonly name: TableName;
  /** The columns of a row as it was before a change that its documents depend on, those of its key first; none where no others matter. */
  readonly formerColumns: readonly KeyColumn[];
  /** The query for the documents of such rows, in which they take the place of the table; none without such columns. */
  readonly formerQuery: string | undefined;
}

/** What of the changes of a table is not in the log, so that a sweep has to find it. */
export interface BlindSpot {
  readonly table: string;
  /** The columns that are not told of rows as they were. */
  readonly columns: readonly string[];
  /** What ends it. */
  readonly remedy: string;
}

/** How an index can be followed by the log. */
export interface WalPlan {
  readonly tables: readonly WalTable[];
  readonly blindSpots: readonly BlindSpot[];
  /** Why it cannot be. */
  readonly refusal: Refusal | undefined;
}

/** What it means for a table, and what to do about it. */
const FAULTS: Readonly<
  Record<TableFault, (table: string) => Refusal>
> = {
  "no table": (table) => ({
    reason: `${table} is not a table: PostgreSQL logs no changes of it`,
    remedy: "Watch the tables that it shows, or write follow: polling",
  }),
  "unlogged": (table) => ({
    reason: `${table} is unlogged, or has a part that is`,
    remedy: `Run: alter table ${table} set logged`,
  }),
  "inheritance": (table) => ({
    reason: `other tables inherit from ${table}, and are logged by their names`,
    remedy: "Make them its partitions, or write follow: polling",
  }),
  "no identity": (table) => ({
    reason:
      `${table} has no primary key and no replica identity: once it is published, PostgreSQL refuses to update it`,
    remedy: fullRows(table),
  }),
};

function fullRows(table: string): string {
  return `Run: alter table ${table} replica identity full`;
}

/** Finds out what the log tells of the tables that an index watches; no row is read. */
export async function planWal(
  source: Source,
  { tables, root }: Pick<IndexPlan, "tables" | "root">,
  signal: AbortSignal,
): Promise<WalPlan> {
  const planned: WalTable[] = [];
  const blindSpots: BlindSpot[] = [];
  for (const plan of tables) {
    const name = parseTable(plan.from);
    if (name === undefined) {
      throw new TypeError(`Cannot tell the name of ${plan.from}`);
    }
    const logged = await readLoggedTable(source, plan.from, signal);
    if (logged.fault !== undefined) {
      const refusal = FAULTS[logged.fault](plan.from);
      return { tables: [], blindSpots: [], refusal };
    }
    const computed = plan.key.find(({ name }) =>
      logged.columns.some((column) => column.name === name && !column.isLogged)
    );
    if (computed !== undefined) {
      const refusal = {
        reason:
          `${plan.from}.${computed.name} is generated: the log does not tell it`,
        remedy: "Write other columns as key:, or follow: polling",
      };
      return { tables: [], blindSpots: [], refusal };
    }
    const { formerColumns, formerQuery, lacking } = await planFormer(source, {
      ...{ plan, name, logged, root, signal },
    });
    planned.push({ plan, name, formerColumns, formerQuery });
    if (lacking.length === 0) continue;
    const remedy = fullRows(plan.from);
    blindSpots.push({ table: plan.from, columns: lacking, remedy });
  }
  return { tables: planned, blindSpots, refusal: undefined };
}

async function planFormer(
  source: Source,
  { plan, name, logged: { columns }, root, signal }: {
    plan: TablePlan;
    name: TableName;
    logged: LoggedTable;
    root: TablePlan;
    signal: AbortSignal;
  },
): Promise<
  Omit<WalTable, "plan" | "name"> & {
    /** The columns that should be of the identity, and are not. */
    readonly lacking: readonly string[];
  }
> {
  const { documentIds, key } = plan;
  const isLacking = (name: string) =>
    !columns.some((column) => column.name === name && column.isIdentity);
  const lackingKey = key.map(({ name }) => name).filter(isLacking);
  const none = {
    formerColumns: [],
    formerQuery: undefined,
    lacking: lackingKey,
  };
  if (documentIds === undefined) return none;
  const query = unqualify(documentIds, name);
  const isTaken = async (given: readonly LoggedColumn[]) => {
    const values = given.map(({ name, type }) =>
      `null::${type} as ${quoteIdentifier(name)}`
    );
    const rows = `(select ${values.join(", ")} where false)`;
    const described = await source.describe({
      label: `document_ids of ${plan.label}`,
      sql: `with ${quoteIdentifier(name.name)} as ${rows}
select * from (${query}
) z(${root.key.map((_, index) => `k${index}`).join(", ")})`,
      parameterCount: key.length,
    }, signal);
    return !("message" in described);
  };
  // it asks other tables alone
  if (await isTaken([])) return none;
  if (!await isTaken(columns)) {
    // such as one that asks for tableoid
    const all = columns.map(({ name }) => name);
    return { ...none, lacking: all };
  }
  const needed: LoggedColumn[] = [];
  for (const column of columns) {
    const isKey = key.some(({ name }) => name === column.name);
    const others = columns.filter((other) => other !== column);
    if (!isKey && !await isTaken(others)) needed.push(column);
  }
  const lacking = needed.map(({ name }) => name).filter(isLacking);
  if (lacking.length + lackingKey.length > 0) {
    return { ...none, lacking: [...lackingKey, ...lacking] };
  }
  const others = needed.map(({ name, type }) => ({ name, type }));
  return {
    formerColumns: [...key, ...others],
    formerQuery: query,
    lacking: [],
  };
}
