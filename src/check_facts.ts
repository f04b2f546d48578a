import { z } from "zod";
import { Flag, ROW_COUNT } from "./check_relations.ts";
import type { WatchedTable } from "./config.ts";
import type { TablePlan } from "./plan.ts";
import { quoteIdentifier, type Source, type Statement } from "./postgres.ts";

/** Rows without a stamp are counted up to here; of a table that is over a million rows, as its statistics tell. */
const MAX_COUNTED = 10_000;
const MAX_COUNTED_TABLE = 1_000_000;

/** What the catalog says of a watched table and the column that stamps it. */
export type WatchedFacts = z.infer<typeof FactsRow>;
const FactsRow = z.object({
  name: z.string(),
  /** The column that stamps its rows, and those of its key, quoted where they must be. */
  stamp: z.string(),
  key: z.string(),
  isTable: Flag,
  isPartitioned: Flag,
  /** Whether a unique index on the key can be made: that of a partitioned table has all that it is partitioned by. */
  mayBeUnique: Flag,
  rowCount: z.coerce.number(),
  isRequired: Flag,
  hasDefault: Flag,
  stampsInserts: Flag,
  stampsUpdates: Flag,
  isLink: Flag,
  hasUniqueKey: Flag,
});

/** A row trigger before the change of `event` that names the column, or is not in a language that could be looked into. */
function hasTrigger(event: number): string {
  return `exists (
    select from pg_trigger t
    join pg_proc p on p.oid = t.tgfoid
    join pg_language l on l.oid = p.prolang
    where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled in ('O', 'A')
      and t.tgtype & 3 = 3 and t.tgtype & ${event} = ${event}
      and (
        l.lanname in ('c', 'internal')
        or strpos(lower(p.prosrc), lower($2)) > 0
        or strpos(encode(t.tgargs, 'escape'), $2) > 0
      )
  )::text`;
}

/** Bits of `tgtype`, from PostgreSQL's pg_trigger.h. */
const ON_INSERT = 4;
const ON_UPDATE = 16;

const FACTS: Statement<WatchedFacts> = {
  label: "pg_class",
  sql: `select c.oid::regclass::text as name,
  quote_ident($2::text) as stamp,
  (
    select string_agg(quote_ident(k.name), ', ' order by k.place)
    from unnest($3::text[]) with ordinality k(name, place)
  ) as key,
  (c.relkind in ('r', 'p'))::text as "isTable",
  (c.relkind = 'p')::text as "isPartitioned",
  (not exists (
    select from pg_partition_tree(c.oid) t
    join pg_partitioned_table p on p.partrelid = t.relid
    cross join unnest(p.partattrs::int2[]) u(number)
    left join pg_attribute b on b.attrelid = p.partrelid and b.attnum = u.number
    where b.attname is null or b.attname <> all($3)
  ))::text as "mayBeUnique",
  ${ROW_COUNT} as "rowCount",
  a.attnotnull::text as "isRequired",
  (a.atthasdef or a.attidentity <> '')::text as "hasDefault",
  ${hasTrigger(ON_INSERT)} as "stampsInserts",
  ${hasTrigger(ON_UPDATE)} as "stampsUpdates",
  (not exists (
    select from pg_attribute x
    where x.attrelid = c.oid and x.attnum > 0 and not x.attisdropped
      and x.attname <> $2
      and not exists (
        select from pg_index i
        where i.indrelid = c.oid and i.indisunique
          and x.attnum = any(i.indkey::int2[])
      )
      and not exists (
        select from pg_constraint f
        where f.conrelid = c.oid and f.contype = 'f'
          and x.attnum = any(f.conkey)
      )
  ))::text as "isLink",
  exists (
    select from pg_index i
    where i.indrelid = c.oid and i.indisunique and i.indisvalid
      and i.indpred is null and i.indexprs is null
      and (
        select bool_and(k.attname = any($3))
        from unnest(i.indkey::int2[]) with ordinality u(number, place)
        join pg_attribute k on k.attrelid = c.oid and k.attnum = u.number
        where u.place <= i.indnkeyatts
      )
  )::text as "hasUniqueKey"
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attname = $2
where c.oid = to_regclass($1)`,
  row: FactsRow,
};

/** What the catalog says of a watched table; none where it is gone. */
export async function readFacts(
  source: Source,
  { configured, table, signal }: {
    configured: WatchedTable;
    table: TablePlan;
    signal: AbortSignal;
  },
): Promise<WatchedFacts | undefined> {
  const values = [table.from, table.stamp.name, configured.key];
  const [facts] = await source.query(FACTS, { values, signal });
  return facts;
}

/** How many rows of `table` have no stamp: counted in a table of ordinary size, as its statistics tell in a large one. */
export async function countNulls(
  source: Source,
  { configured, table, facts, signal }: {
    configured: WatchedTable;
    table: TablePlan;
    facts: WatchedFacts;
    signal: AbortSignal;
  },
): Promise<number> {
  const row = z.object({ count: z.coerce.number() });
  const label = `${table.label} without ${table.stamp.name}`;
  if (facts.rowCount > MAX_COUNTED_TABLE) {
    const { schema, name } = configured.table;
    const [estimate] = await source.query({
      label,
      sql: `select (null_frac * $4::float8)::bigint::text as count
from pg_stats where schemaname = $1 and tablename = $2 and attname = $3`,
      row,
    }, {
      values: [schema, name, table.stamp.name, String(facts.rowCount)],
      signal,
    });
    return estimate?.count ?? 0;
  }
  const [counted] = await source.query({
    label,
    sql: `select count(*)::text as count from (
  select from ${table.from} c
  where c.${quoteIdentifier(table.stamp.name)} is null
  limit ${MAX_COUNTED}
) n`,
    row,
  }, { signal });
  return counted?.count ?? 0;
}
