import { z } from "zod";
import { quoteIdentifier, type Source, type Statement } from "./postgres.ts";

/** What keeps an index from being followed by the WAL for now: why, and what somebody does about it. */
export interface Refusal {
  readonly reason: string;
  readonly remedy: string;
}

/** A publication as far as it goes for the agent. */
export interface Publication {
  /** Whether it tells of inserts, updates, deletions and truncations, and of partitions as of the table that they are of. */
  readonly isWhole: boolean;
  /** What tells it, and that it has a table with its replica identity, from one that was made anew; by table, quoted. */
  readonly members: ReadonlyMap<string, string>;
  /** The same of a publication for all tables. */
  readonly everyTable: string | undefined;
}

const PublicationRow = z.object({
  oid: z.string(),
  is_whole: z.enum(["true", "false"]),
  is_for_all: z.enum(["true", "false"]),
  member: z.string().nullable(),
  identity: z.string().nullable(),
  schema: z.string().nullable(),
  name: z.string().nullable(),
});

// by way of JSON, since releases before 15 have no filters
const PUBLICATION: Statement<z.infer<typeof PublicationRow>> = {
  label: "pg_publication",
  sql: `select p.oid::text as oid, p.puballtables::text as is_for_all,
  (p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate and p.pubviaroot)::text as is_whole,
  r.oid::text as member, c.relreplident::text as identity, n.nspname::text as schema, c.relname::text as name
from pg_publication p
left join pg_publication_rel r on r.prpubid = p.oid
  and to_jsonb(r) ->> 'prqual' is null and to_jsonb(r) ->> 'prattrs' is null
left join pg_class c on c.oid = r.prrelid
left join pg_namespace n on n.oid = c.relnamespace
where p.pubname = $1
order by n.nspname, c.relname`,
  row: PublicationRow,
};

/** The publication of this name; nothing where there is none. */
export async function readPublication(
  source: Source,
  name: string,
  signal: AbortSignal,
): Promise<Publication | undefined> {
  const rows = await source.query(PUBLICATION, { values: [name], signal });
  const [first] = rows;
  if (first === undefined) return undefined;
  const members = new Map<string, string>();
  for (const { oid, member, identity, schema, name } of rows) {
    if (member === null || schema === null || name === null) continue;
    members.set(quoteTable(schema, name), `${oid}.${member}.${identity}`);
  }
  return {
    isWhole: first.is_whole === "true",
    members,
    everyTable: first.is_for_all === "true" ? first.oid : undefined,
  };
}

/** A table as plans write it. */
export function quoteTable(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** What tells that a publication has had these tables all the time; nothing where it lacks one. */
export function fingerprintOf(
  { members, everyTable }: Publication,
  tables: readonly string[],
): string | undefined {
  if (everyTable !== undefined) return everyTable;
  const marks = tables.map((table) => members.get(table));
  if (marks.includes(undefined)) return undefined;
  return [...new Set(marks)].sort().join(" ");
}

/** The statements after which a publication has these tables as a whole, beside what else it has. */
export function publicationSql(
  name: string,
  { tables, found }: {
    tables: readonly string[];
    found: Publication | undefined;
  },
): readonly string[] {
  const quoted = quoteIdentifier(name);
  const options = "publish = 'insert, update, delete, truncate', " +
    "publish_via_partition_root = true";
  if (found === undefined) {
    return [
      `create publication ${quoted} for table ${
        tables.join(", ")
      } with (${options})`,
    ];
  }
  // a table that leaves, and comes back, would be another member
  const all = [...new Set([...found.members.keys(), ...tables])].sort();
  return [
    ...found.isWhole ? [] : [`alter publication ${quoted} set (${options})`],
    ...fingerprintOf(found, tables) === undefined
      ? [`alter publication ${quoted} set table ${all.join(", ")}`]
      : [],
  ];
}

/** A column of a table, and whether the log tells what it was before a change. */
export interface LoggedColumn {
  readonly name: string;
  readonly type: string;
  readonly isIdentity: boolean;
  /** Whether it is in the log at all: what PostgreSQL computes is not. */
  readonly isLogged: boolean;
}

/** What the log tells of a table. */
export interface LoggedTable {
  readonly columns: readonly LoggedColumn[];
  /** Why it tells nothing, or must not be asked to. */
  readonly fault: TableFault | undefined;
}

/** `unlogged` tables and views are in no log; one that others inherit from is not told apart; one without an identity would refuse updates. */
export type TableFault =
  | "no table"
  | "unlogged"
  | "inheritance"
  | "no identity";

const LoggedRow = z.object({
  name: z.string(),
  type: z.string(),
  is_identity: z.enum(["true", "false"]),
  is_logged: z.enum(["true", "false"]),
  fault: z.enum(["", "no table", "unlogged", "inheritance", "no identity"]),
});

// of a partitioned table what goes for each partition: they have the rows
const LOGGED: Statement<z.infer<typeof LoggedRow>> = {
  label: "replica identity",
  sql: `with recursive tree as (
  select c.oid, c.relkind, c.relreplident, c.relpersistence, 0 as depth
  from pg_class c where c.oid = to_regclass($1)
  union all
  select c.oid, c.relkind, c.relreplident, c.relpersistence, t.depth + 1
  from tree t
  join pg_inherits i on i.inhparent = t.oid
  join pg_class c on c.oid = i.inhrelid
), leaf as (
  select t.*, (
    select x.indkey::int2[] from pg_index x
    where x.indrelid = t.oid
      and (t.relreplident = 'd' and x.indisprimary or t.relreplident = 'i' and x.indisreplident)
    limit 1
  ) as identity
  from tree t where t.relkind <> 'p'
), top as (
  select case
      when t.relkind not in ('r', 'p') then 'no table'
      when exists (select from tree where relpersistence <> 'p') then 'unlogged'
      when t.relkind = 'r' and exists (select from tree where depth > 0) then 'inheritance'
      when exists (select from leaf where relreplident <> 'f' and identity is null) then 'no identity'
      else '' end as fault
  from tree t where t.depth = 0
)
select a.attname::text as name, format_type(a.atttypid, -1) as type, top.fault,
  (a.attgenerated = '')::text as is_logged,
  (a.attgenerated = '' and not exists (
    select from leaf l
    where l.relreplident <> 'f' and not exists (
      select from pg_attribute b
      where b.attrelid = l.oid and b.attname = a.attname and b.attnum = any (l.identity))
  ))::text as is_identity
from top, pg_attribute a
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum`,
  row: LoggedRow,
};

/** What the log tells of `table`, which is quoted. */
export async function readLoggedTable(
  source: Source,
  table: string,
  signal: AbortSignal,
): Promise<LoggedTable> {
  const rows = await source.query(LOGGED, { values: [table], signal });
  const [{ fault } = { fault: "no table" as const }] = rows;
  return {
    columns: rows.map(({ name, type, is_identity, is_logged }) => ({
      ...{ name, type },
      isIdentity: is_identity === "true",
      isLogged: is_logged === "true",
    })),
    fault: fault === "" ? undefined : fault,
  };
}
