import { z } from "zod";
import type { TablePlan } from "./plan.ts";
import type { KeyRange, Position } from "./position.ts";
import type { Source } from "./postgres.ts";
import type { Value } from "./postgres_session.ts";
import { compareKey, keyColumns, keyParts } from "./table_scan.ts";
import { TextRow } from "./text_row.ts";

/** What is known of the whole load that is under way. */
export type Load = NonNullable<Position["load"]>;

/** So much of a table is looked at, in blocks from all over it: a bound is off by a few hundredths of the table. */
const SAMPLE_BYTES = 1_000_000;

const SizeRow = z.object({ bytes: z.string(), has_others: z.string() });

/**
 * The keys after `after` as ranges of about as many keys each, `maxCount` at most, none of them for less than `pageSize`
 * keys, so that each key is in exactly one; they are quantiles of a sample of the table.
 *
 * A sample needs no statistics and no permission besides the one to read, sees the whole key, and so copes with a key whose
 * first column says little. PostgreSQL alone compares keys. What cannot be sampled, such as a view, is one range.
 */
export async function splitKeys(
  source: Source,
  table: TablePlan,
  { after, maxCount, pageSize, signal }: {
    after: readonly string[] | undefined;
    maxCount: number;
    pageSize: number;
    signal: AbortSignal;
  },
): Promise<KeyRange[]> {
  const whole = makeRange(after, undefined);
  if (maxCount < 2) return [whole];
  const percent = await readPercent(source, table, signal);
  if (percent === undefined) return [whole];
  const values: Value[] = [
    String(percent),
    String(maxCount),
    String(pageSize),
  ];
  const condition = compareKey(table, { operator: ">", key: after, values });
  const columns = keyColumns(table);
  const names = columns.map((_, index) => `k${index}`);
  const rows = await source.query({
    label: `sample of ${table.label}`,
    sql: `select ${names.map((name) => `${name}::text`).join(", ")}
from (
  select s.*, least($2::bigint,
    floor(total * 100 / $1::real / $3::bigint)::bigint) as parts
  from (
    select ${
      columns.map((column, index) => `${column} as k${index}`).join(", ")
    },
      row_number() over (order by ${columns.join(", ")}) as place,
      count(*) over () as total
    from ${table.from} c tablesample system ($1::real)${
      condition.map((text) => `\n    where ${text}`).join("")
    }
  ) s
) q
where place * parts / total <> (place - 1) * parts / total and place < total
order by place`,
    row: TextRow,
  }, { values, signal });
  const bounds = rows.map((row) => keyParts(row, table.key));
  return [...bounds, undefined].map((upto, index) =>
    makeRange(index === 0 ? after : bounds[index - 1], upto)
  );
}

/** How much of `table` a sample takes, in hundredths; none where it cannot be sampled. */
async function readPercent(
  source: Source,
  table: TablePlan,
  signal: AbortSignal,
): Promise<number | undefined> {
  const [row] = await source.query({
    label: `size of ${table.label}`,
    // partitions, and tables that inherit, are part of it
    sql: `with recursive part(id) as (
  select $1::regclass::oid
  union
  select i.inhrelid from pg_inherits i join part on i.inhparent = part.id
)
select coalesce(sum(pg_relation_size(part.id)), 0)::text as bytes,
  bool_or(c.relkind not in ('r', 'p', 'm'))::text as has_others
from part join pg_class c on c.oid = part.id`,
    row: SizeRow,
  }, { values: [table.from], signal });
  const bytes = Number(row?.bytes ?? "0");
  if (bytes === 0 || row?.has_others !== "false") return undefined;
  return Math.min(100, 100 * SAMPLE_BYTES / bytes);
}

/**
 * What a position says of a load that still has to read `ranges`; none when that is nothing. The last one, where it is all
 * that is left, is told by its beginning alone.
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { loadOf } from "./load_ranges.ts";
 * deepEqual(loadOf([{ after: ["7"] }]), { after: ["7"] });
 * deepEqual(loadOf([{ upto: ["7"] }]), { ranges: [{ upto: ["7"] }] });
 * equal(loadOf([]), undefined);
 * ```
 */
export function loadOf(ranges: readonly KeyRange[]): Load | undefined {
  const [first] = ranges;
  if (first === undefined) return undefined;
  if (ranges.length === 1 && first.upto === undefined) return { ...first };
  return { ranges: [...ranges] };
}

/** The keys after `after`, up to `upto` and with it. */
export function makeRange(
  after: readonly string[] | undefined,
  upto: readonly string[] | undefined,
): KeyRange {
  return {
    ...(after === undefined ? {} : { after: [...after] }),
    ...(upto === undefined ? {} : { upto: [...upto] }),
  };
}
