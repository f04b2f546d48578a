import { z } from "zod";
import type { Place } from "./position.ts";
import type { Time } from "./horizon.ts";
import { joinKey, type Key, type KeyColumn } from "./keys.ts";
import type { StampColumn, TablePlan } from "./plan.ts";
import { quoteIdentifier, quoteLiteral, type Source } from "./postgres.ts";
import type { Value } from "./postgres_session.ts";

/** Which rows of a table are new to the agent. */
export interface ChangeRange {
  /** Rows stamped earlier than this, less a margin and `lookbackMs`, are not looked at. */
  readonly from: Time;
  readonly lookbackMs: number;
  /** For a stamp that is a number, in place of `from`: rows with a lower one are not looked at. */
  readonly high: string | undefined;
  /** Rows written by transactions older than this were seen already. */
  readonly seen: string | undefined;
}

/** What one page of a table's changes is asked for. */
export interface ChangeQuery extends ChangeRange {
  /** The row after which the page begins. */
  readonly after: Place | undefined;
  /** The last row that the page may hold. */
  readonly upto: Place | undefined;
  readonly limit: number;
}

/** A changed row: its place in the order of `(stamp, key)`. */
export interface ChangedRow {
  readonly place: Place;
  readonly key: Key;
}

/** A backend publishes its transaction's start a moment after the start is fixed. */
const MARGIN_MS = 1_000;

/** A local clock that is set back shows hours again that it has shown: two in Antarctica/Troll, one elsewhere. */
const SET_BACK_MS = 2 * 3_600_000;

const ChangeRow = z.object({ stamp: z.string() }).catchall(z.string());

/** One page of the changes of `table`, in their order. */
export async function readChanges(
  source: Source,
  table: TablePlan,
  { after, upto, limit, signal, ...range }: ChangeQuery & {
    signal: AbortSignal;
  },
): Promise<ChangedRow[]> {
  const order = [table.stamp, ...table.key];
  const columns = order.map(({ name }) => `c.${quoteIdentifier(name)}`);
  const values: Value[] = [];
  const conditions = rangeConditions(table.stamp, range, values);
  function compare(operator: ">" | "<=", place: Place): void {
    const typed = order.map(({ type }, index) => {
      values.push(place[index] ?? null);
      return `$${values.length}::${type}`;
    });
    conditions.push(
      `(${columns.join(", ")}) ${operator} (${typed.join(", ")})`,
    );
  }
  if (after !== undefined) compare(">", after);
  if (upto !== undefined) compare("<=", upto);
  values.push(String(limit));
  const texts = columns.map((column, index) =>
    `${column}::text as ${index === 0 ? "stamp" : `k${index - 1}`}`
  );
  const rows = await source.query({
    label: `changes of ${table.label}`,
    sql: `select ${texts.join(", ")}
from ${table.from} c
where ${conditions.join("\n  and ")}
order by ${columns.join(", ")}
limit $${values.length}::bigint`,
    row: ChangeRow,
  }, { values, signal });
  return rows.map(({ stamp, ...row }) => {
    const parts = keyParts(row, table.key);
    return { place: [stamp, ...parts], key: joinKey(parts) };
  });
}

/**
 * Those of some tables in which the first page of a scan has a row, by one statement for all of them.
 *
 * `order by` keeps it on the index: where rows of the range are many by PostgreSQL's estimate, it would rather read the
 * table until the first one comes, and when there is none, to its end.
 */
export async function findChanged(
  source: Source,
  looks: readonly { readonly table: TablePlan; readonly range: ChangeRange }[],
  signal: AbortSignal,
): Promise<ReadonlySet<TablePlan>> {
  const values: Value[] = [];
  const parts = looks.map(({ table: { stamp, from }, range }, place) =>
    `(select ${place} as place from ${from} c
where ${rangeConditions(stamp, range, values).join("\n  and ")}
order by c.${quoteIdentifier(stamp.name)} limit 1)`
  );
  const rows = await source.query({
    label: `changes of ${looks.map(({ table }) => table.label).join(", ")}`,
    sql: `select p.place::text as place from (
${parts.join("\nunion all\n")}
) p`,
    row: z.object({ place: z.string() }),
  }, { values, signal });
  const places = new Set(rows.map(({ place }) => Number(place)));
  return new Set(
    looks.map(({ table }) => table).filter((_, place) => places.has(place)),
  );
}

/** The highest stamp in `table`; none where it has none. */
export async function readHighest(
  source: Source,
  table: TablePlan,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [row] = await source.query({
    label: `highest ${table.stamp.name} of ${table.label}`,
    sql: `select max(c.${
      quoteIdentifier(table.stamp.name)
    })::text as high from ${table.from} c`,
    row: z.object({ high: z.string().nullable() }),
  }, { signal });
  return row?.high ?? undefined;
}

/** A page of the keys of `table` after `after`, up to `upto` and with it, in their order. */
export async function readKeys(
  source: Source,
  table: TablePlan,
  { after, upto, limit, signal }: {
    after: readonly string[] | undefined;
    upto?: readonly string[] | undefined;
    limit: number;
    signal: AbortSignal;
  },
): Promise<{ keys: Key[]; last: readonly string[] | undefined }> {
  const columns = keyColumns(table);
  const values: Value[] = [String(limit)];
  const conditions = [
    ...compareKey(table, { operator: ">", key: after, values }),
    ...compareKey(table, { operator: "<=", key: upto, values }),
  ];
  const texts = columns.map((column) => `${column}::text`);
  const names = columns.map((_, index) => `k.k${index}`);
  const [row] = await source.query({
    label: `keys of ${table.label}`,
    sql: `select json_agg(json_build_array(${names.join(", ")}))::text as keys
from (
  select ${texts.map((text, index) => `${text} as k${index}`).join(", ")}
  from ${table.from} c${
      conditions.length === 0
        ? ""
        : `\n  where ${conditions.join("\n    and ")}`
    }
  order by ${columns.join(", ")}
  limit $1::bigint
) k`,
    row: KeysRow,
  }, { values, signal });
  const parts = row?.keys ?? [];
  return { keys: parts.map(joinKey), last: parts.at(-1) };
}

/**
 * Keys as one value of JSON, none where there is no row. As a row for each they left twice the garbage: 42 in place of 19 MB
 * for what a load of 100,000 documents asks. The rows come in the order of the query below, as nothing else is done to them.
 */
const KeysRow = z.object({
  keys: z.string().transform((text): unknown => JSON.parse(text))
    .pipe(z.custom<readonly (readonly string[])[]>(isKeys)).nullable(),
});

function isKeys(keys: unknown): boolean {
  return Array.isArray(keys) &&
    keys.every((parts) =>
      Array.isArray(parts) && parts.every((part) => typeof part === "string")
    );
}

/** The conditions that a row of `table c` is of the range; their values are added to `values`. */
function rangeConditions(
  stamp: StampColumn,
  range: ChangeRange,
  values: Value[],
): string[] {
  const column = `c.${quoteIdentifier(stamp.name)}`;
  const conditions = [
    stamp.kind === "number" && range.high === undefined
      ? `${column} is not null`
      : `${column} >= ${lowerBound(stamp, range, values)}`,
  ];
  if (range.seen !== undefined) {
    values.push(range.seen);
    // a row's xmin has 32 bits: compared modulo 2^32, as PostgreSQL itself does
    conditions.push(
      `((c.xmin::text::bigint - $${values.length}::bigint) & 4294967295) < 2147483648`,
    );
  }
  return conditions;
}

/** The lowest stamp that a scan looks at, as an expression; its value is added to `values`. */
function lowerBound(
  { kind, timeZone, type }: StampColumn,
  { from, lookbackMs, high }: ChangeRange,
  values: Value[],
): string {
  values.push(kind === "number" ? high ?? null : from);
  const value = `$${values.length}`;
  if (kind === "number") return `${value}::${type}`;
  const isRepeating = kind === "local" && timeZone !== "UTC";
  const marginMs = MARGIN_MS + lookbackMs + (isRepeating ? SET_BACK_MS : 0);
  const time = `(${value}::timestamptz - interval '${marginMs} milliseconds')`;
  const local = `(${time} at time zone ${quoteLiteral(timeZone)})`;
  return kind === "instant" ? time : `${local}::${type}`;
}

/** The columns of the key of `table`, which is called `c`. */
export function keyColumns({ key }: Pick<TablePlan, "key">): string[] {
  return key.map(({ name }) => `c.${quoteIdentifier(name)}`);
}

/** The condition that a row's key is past `key`, or not, in the order of the key; none without a key. Its values are added to `values`. */
export function compareKey(
  table: Pick<TablePlan, "key">,
  { operator, key, values }: {
    operator: ">" | "<=";
    key: readonly string[] | undefined;
    values: Value[];
  },
): string[] {
  if (key === undefined) return [];
  const typed = table.key.map(({ type }, index) => {
    values.push(key[index] ?? null);
    return `$${values.length}::${type}`;
  });
  return [
    `(${keyColumns(table).join(", ")}) ${operator} (${typed.join(", ")})`,
  ];
}

/** The texts of a key's columns in a row that has them as `k0`, `k1` and so on. */
export function keyParts(
  row: Readonly<Record<string, string>>,
  key: readonly KeyColumn[],
): string[] {
  return key.map((_, index) => row[`k${index}`] ?? "");
}
