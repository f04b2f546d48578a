import { z } from "zod";
import type { Source } from "./postgres.ts";

/** A table or view that a query reads. */
export interface Relation {
  /** Object id of it. */
  readonly id: string;
  /** Quoted where it must be, with its schema where that is not searched. */
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  readonly kind: "table" | "view" | "materialized view" | "foreign table";
  /** As PostgreSQL estimates them, or, of a table that was never analyzed, as its size tells. */
  readonly rowCount: number;
  /** The partitioned tables that it is a part of. */
  readonly ancestors: readonly string[];
}

const KINDS = {
  r: "table",
  p: "table",
  v: "view",
  m: "materialized view",
  f: "foreign table",
} as const;

/** Bytes of a row, for a table that was never analyzed. */
const ROW_BYTES = 100;

/** A boolean as text. */
export const Flag = z.enum(["true", "false"])
  .transform((text) => text === "true");

/** An estimate of the rows of the table `c` of pg_class. Nothing is known of a partitioned one but what its partitions have. */
export const ROW_COUNT = `coalesce(
    (
      select sum(${estimate("l")})
      from pg_partition_tree(c.oid) t
      join pg_class l on l.oid = t.relid
      where t.isleaf
    ),
    ${estimate("c")}
  )::bigint::text`;

function estimate(table: string): string {
  return `case when ${table}.relpages > 0 and ${table}.reltuples >= 0 then ${table}.reltuples::bigint
    else pg_relation_size(${table}.oid) / ${ROW_BYTES} end`;
}

const RelationRow = z.object({
  id: z.string(),
  name: z.string(),
  schema: z.string(),
  table: z.string(),
  kind: z.enum(["r", "p", "v", "m", "f"]),
  row_count: z.coerce.number(),
  ancestors: z.string().nullable(),
});

/**
 * The tables and views that a query reads, through views too.
 *
 * They are those that PostgreSQL locks when it reads the query, which it does before the first row. The dependencies of a
 * temporary view tell the same, but need the right to make one, and a primary; the agent has neither for sure.
 */
export async function readRelations(
  source: Source,
  { label, sql }: { label: string; sql: string },
  signal: AbortSignal,
): Promise<readonly Relation[]> {
  const rows = await source.query({
    label,
    sql: `select distinct c.oid::text as id, c.oid::regclass::text as name,
  n.nspname::text as schema, c.relname::text as table, c.relkind::text as kind,
  ${ROW_COUNT} as row_count,
  (select string_agg(a.relid::oid::text, ' ') from pg_partition_ancestors(c.oid) a) as ancestors
from pg_locks l
join pg_class c on c.oid = l.relation
join pg_namespace n on n.oid = c.relnamespace
where l.pid = pg_backend_pid()
  and l.database = (select oid from pg_database where datname = current_database())
  and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname not in ('pg_catalog', 'information_schema')
union all
select null, null, null, null, null, null, null from (${sql}
) q where false
order by name`,
    row: RelationRow,
  }, { signal });
  return rows.map(({ row_count, ancestors, kind, ...row }) => ({
    ...row,
    kind: KINDS[kind],
    rowCount: row_count,
    ancestors: ancestors?.split(" ") ?? [],
  }));
}
