import { z } from "zod";
import type { WatchedFacts } from "./check_facts.ts";
import type { Source } from "./postgres.ts";

/** Statements that are told one by one. */
const MAX_TOLD = 10;

/**
 * What makes an index of a table while others write to it.
 *
 * PostgreSQL makes none concurrently of a partitioned table. It takes what its partitions have, whatever the names, when it
 * makes the index of the table: so they get theirs first, concurrently, and the rest is a matter of the catalog.
 */
export async function adviseIndex(
  source: Source,
  { facts: { name, stamp, key, isPartitioned }, columns, signal }: {
    facts: WatchedFacts;
    /** By name, those of the stamp and the key. */
    columns: readonly string[];
    signal: AbortSignal;
  },
): Promise<string> {
  const on = (table: string) => `on ${table} (${stamp}, ${key})`;
  const make = (table: string) => `create index concurrently ${on(table)}`;
  if (!isPartitioned) return `Run: ${make(name)}`;
  const partitions = await source.query({
    label: "partitions",
    sql: WITHOUT_INDEX,
    row: z.object({ name: z.string() }),
  }, { values: [name, columns], signal });
  const whole = `create index ${on(name)}`;
  const [first, ...others] = partitions.map((partition) =>
    make(partition.name)
  );
  if (others.length < MAX_TOLD) {
    const statements = first === undefined
      ? [whole]
      : [first, ...others, whole];
    return `Run: ${statements.join("; ")}`;
  }
  return `Run: ${first}; then the same on the ${others.length} other partitions that have no such index; then: ${whole}`;
}

/** The partitions with rows of their own that have no valid index on the columns; what another server holds needs none. */
const WITHOUT_INDEX = `select c.oid::regclass::text as name
from pg_partition_tree(to_regclass($1)) t
join pg_class c on c.oid = t.relid and c.relkind = 'r'
where not exists (
  select from pg_index i
  join pg_class x on x.oid = i.indexrelid
  join pg_am m on m.oid = x.relam and m.amname = 'btree'
  where i.indrelid = c.oid and i.indisvalid and not i.indisunique
    and i.indpred is null and i.indexprs is null
    and i.indnatts = i.indnkeyatts
    and (
      select array_agg(a.attname::text order by u.place)
      from unnest(i.indkey::int2[]) with ordinality u(number, place)
      join pg_attribute a on a.attrelid = c.oid and a.attnum = u.number
    ) = $2::text[]
)
order by t.level, name`;
