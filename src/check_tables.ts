import { z } from "zod";
import { attempt, type Observation, warn } from "./check_finding.ts";
import { explainQuery, type Scan } from "./check_plan.ts";
import { adviseIndex } from "./check_partitions.ts";
import { countNulls, readFacts, type WatchedFacts } from "./check_facts.ts";
import { ROW_COUNT } from "./check_relations.ts";
import { describeStamp } from "./check_stamp.ts";
import type { WatchedTable } from "./config.ts";
import type { IndexPlan, TablePlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import { readDocumentKeys } from "./reached_documents.ts";
import { readChanges, readKeys } from "./table_scan.ts";

/** A table of fewer rows is read as a whole in milliseconds. */
export const LARGE_TABLE = 10_000;

/** A watched table in the configuration, beside the plan made of it. */
export interface Watched {
  readonly configured: WatchedTable;
  readonly table: TablePlan;
  readonly plan: IndexPlan;
}

/** Whether the changes of a watched table can be followed, all of them and without reading the whole of it. */
export async function checkTable(
  source: Source,
  { configured, table, plan }: Watched,
  signal: AbortSignal,
): Promise<readonly Observation[]> {
  const facts = await readFacts(source, { configured, table, signal });
  if (facts === undefined) return [];
  const nullCount = facts.isRequired || !facts.isTable
    ? 0
    : await countNulls(source, { configured, table, facts, signal });
  const observations = [
    ...describeStamp(facts, {
      table,
      nullCount,
      lookbackMs: plan.lookbackMs,
    }),
  ];
  if (facts.isTable && !facts.hasUniqueKey) {
    const { key } = facts;
    observations.push(warn(
      `nothing keeps the key (${key}) of ${facts.name} unique: of two rows with one key and stamp one may be passed over`,
      facts.mayBeUnique
        ? `Run: create unique index on ${facts.name} (${key}), or write other columns as key:`
        : "Write other columns as key: those of a unique index, which has all columns that the table is partitioned by",
    ));
  }
  observations.push(
    ...await attempt(() =>
      checkScan(source, { configured, table, facts, signal })
    ),
    ...await attempt(() => checkDocumentIds(source, { table, plan, signal })),
  );
  return observations;
}

/** Whether an index leads a pass to what changed. */
async function checkScan(
  source: Source,
  { configured, table, facts, signal }: {
    configured: WatchedTable;
    table: TablePlan;
    facts: WatchedFacts;
    signal: AbortSignal;
  },
): Promise<readonly Observation[]> {
  const from = new Date().toISOString();
  const scans = await explainQuery(
    source,
    (explaining) =>
      readChanges(explaining, table, {
        from,
        lookbackMs: 0,
        high: "0",
        seen: undefined,
        after: undefined,
        upto: undefined,
        limit: 1_000,
        signal,
      }),
    signal,
  );
  const stamp = table.stamp.name;
  if (scans.every(({ condition }) => condition?.includes(stamp))) return [];
  const columns = [stamp, ...configured.key];
  const remedy = facts.isTable
    ? await adviseIndex(source, { facts, columns, signal })
    : `Make an index on (${facts.stamp}, ${facts.key}) of the table that is beneath it`;
  return [warn(
    `no index leads to what changed in ${facts.name}: each pass reads all of it, about ${facts.rowCount} rows`,
    remedy,
  )];
}

/** Whether an index leads from changed rows to the documents that they reach. */
async function checkDocumentIds(
  source: Source,
  { table, plan: { root }, signal }: {
    table: TablePlan;
    plan: IndexPlan;
    signal: AbortSignal;
  },
): Promise<readonly Observation[]> {
  if (table.documentIds === undefined) return [];
  const { keys } = await readKeys(source, table, {
    after: undefined,
    limit: 2,
    signal,
  });
  const scans = await explainQuery(
    source,
    (explaining) =>
      readDocumentKeys(explaining, { table, root }, {
        keys,
        after: undefined,
        limit: 1_000,
        signal,
      }),
    signal,
  );
  const large = await findLargeScans(source, scans, signal);
  return large.map(({ name, rowCount }) =>
    warn(
      `document_ids of ${table.label} reads all of ${name}, about ${rowCount} rows, for each page of changes`,
      `Make an index on the columns of ${name} that the query looks up, and compare them as they are, without a cast`,
    )
  );
}

/** The tables that `scans` read as a whole, where they are large. */
export async function findLargeScans(
  source: Source,
  scans: readonly Scan[],
  signal: AbortSignal,
): Promise<readonly { readonly name: string; readonly rowCount: number }[]> {
  const whole = scans.filter(({ condition }) => condition === undefined);
  if (whole.length === 0) return [];
  return await source.query({
    label: "table sizes",
    sql: `select c.name, c.row_count as "rowCount" from (
  select distinct c.oid::regclass::text as name, ${ROW_COUNT} as row_count
  from unnest($1::text[], $2::text[]) u(schema, name)
  join pg_namespace n on n.nspname = u.schema
  join pg_class c on c.relnamespace = n.oid and c.relname = u.name
) c
where c.row_count::bigint > ${LARGE_TABLE}
order by c.name`,
    row: z.object({ name: z.string(), rowCount: z.coerce.number() }),
  }, {
    values: [
      whole.map(({ schema }) => schema),
      whole.map(({ table }) => table),
    ],
    signal,
  });
}
