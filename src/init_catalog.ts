import { z } from "zod";
import { Flag } from "./check_relations.ts";
import type { TableName } from "./config_tables.ts";
import type { Source, Statement } from "./postgres.ts";

/** A column as the catalog has it. */
export type CatalogColumn = Readonly<z.infer<typeof ColumnRow>>;
const ColumnRow = z.strictObject({
  name: z.string(),
  /** Its type for a cast, without a length. */
  type: z.string(),
  /** The name of the type beneath domains, as in pg_type; of an array, of its elements. */
  base: z.string(),
  /** As in pg_type: b base, c composite, e enum, r range, m multirange, … */
  kind: z.string(),
  /** That type as it is written, with its length: `character varying(20)`. */
  form: z.string(),
  isArray: z.boolean(),
});

/** A table as the catalog has it. */
export interface CatalogTable extends TableName {
  /** Object id, as in pg_class. */
  readonly id: string;
  readonly columns: readonly CatalogColumn[];
  /** The primary key, or a unique index over columns that are never null; empty where there is neither. */
  readonly key: readonly string[];
  /** The columns of each index that leads to all rows, in its order; null for an expression. */
  readonly indexes: readonly (readonly (string | null)[])[];
  /** About how many rows it has; none where it was never analyzed. */
  readonly rowCount: number | undefined;
  /** Whether the role may read it. */
  readonly isReadable: boolean;
  readonly isPartitioned: boolean;
}

/** A foreign key: `columns` of the table `from` refer to `referenced` of the table `to`, in the same order. */
export interface ForeignKey {
  readonly from: string;
  readonly to: string;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
}

/** What the catalog says of a table and what it leads to. */
export interface Catalog {
  readonly root: CatalogTable;
  /** By object id, the root too. */
  readonly tables: ReadonlyMap<string, CatalogTable>;
  readonly foreignKeys: readonly ForeignKey[];
  /** Words that are no names unless they are quoted. */
  readonly keywords: ReadonlySet<string>;
  /** The time zone that is set for the database, where one is. */
  readonly timeZone: string | undefined;
}

function json<Schema extends z.ZodType>(schema: Schema) {
  return z.string().transform((text): unknown => JSON.parse(text)).pipe(schema);
}

/** The type with this id, without the domains around it. */
function beneath(id: string, modifier: string): string {
  return `lateral (
      with recursive d(id, modifier) as (
        select ${id}, ${modifier}
        union all
        select t.typbasetype, t.typtypmod from d
        join pg_type t on t.oid = d.id and t.typtype = 'd'
      )
      select d.id, d.modifier, t.typname, t.typtype, t.typelem, t.typcategory
      from d join pg_type t on t.oid = d.id and t.typtype <> 'd'
    )`;
}

/** The names of these columns of a table, in their order, as JSON. */
function namesOf(numbers: string, table: string): string {
  return `(
    select json_agg(k.attname order by u.place)
    from unnest(${numbers}) with ordinality u(number, place)
    left join pg_attribute k on k.attrelid = ${table} and k.attnum = u.number
  )`;
}

/** The columns of the index `i`, without those that are only kept in it. */
const INDEXED =
  "(string_to_array(i.indkey::text, ' ')::int2[])[1:i.indnkeyatts]";

const TableRow = z.object({
  id: z.string(),
  schema: z.string(),
  name: z.string(),
  rowCount: z.string().nullable()
    .transform((text) => text === null ? undefined : Number(text)),
  isReadable: Flag,
  isPartitioned: Flag,
  columns: json(z.array(ColumnRow)),
  key: json(z.array(z.string())),
  indexes: json(z.array(z.array(z.string().nullable()))),
});

const TABLES: Statement<CatalogTable> = {
  label: "pg_class",
  sql: `select c.oid::text as id, n.nspname::text as schema,
  c.relname::text as name,
  (case when c.reltuples > 0 then c.reltuples::bigint end)::text as "rowCount",
  (
    has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
  )::text as "isReadable",
  (c.relkind = 'p')::text as "isPartitioned",
  coalesce((
    select json_agg(json_build_object(
      'name', a.attname,
      'type', format_type(a.atttypid, -1),
      'base', coalesce(e.typname, b.typname),
      'kind', coalesce(e.typtype, b.typtype),
      'form', format_type(coalesce(e.id, b.id), coalesce(e.modifier, b.modifier)),
      'isArray', e.id is not null
    ) order by a.attnum)
    from pg_attribute a
    cross join ${beneath("a.atttypid", "a.atttypmod")} b
    left join ${beneath("b.typelem", "b.modifier")} e
      on b.typcategory = 'A'
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  ), '[]')::text as columns,
  coalesce((
    select ${namesOf(INDEXED, "i.indrelid")}
    from pg_index i
    where i.indrelid = c.oid and i.indisunique and i.indisvalid
      and i.indpred is null and i.indexprs is null
      and not exists (
        select from pg_attribute k
        where k.attrelid = c.oid and k.attnum = any(${INDEXED})
          and not k.attnotnull
      )
    order by i.indisprimary desc, i.indnkeyatts, i.indexrelid
    limit 1
  ), '[]')::text as key,
  coalesce((
    select json_agg(${namesOf(INDEXED, "i.indrelid")} order by i.indexrelid)
    from pg_index i
    join pg_class x on x.oid = i.indexrelid
    join pg_am m on m.oid = x.relam and m.amname = 'btree'
    where i.indrelid = c.oid and i.indisvalid and i.indpred is null
  ), '[]')::text as indexes
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.oid = any($1::oid[])`,
  row: TableRow,
};

const FOREIGN_KEYS: Statement<ForeignKey> = {
  label: "pg_constraint",
  // those of partitions are those of the table that they are of, unless they are asked for themselves
  sql: `select f.conrelid::text as "from", f.confrelid::text as "to",
  ${namesOf("f.conkey", "f.conrelid")}::text as columns,
  ${namesOf("f.confkey", "f.confrelid")}::text as referenced
from pg_constraint f
where f.contype = 'f'
  and (f.conparentid = 0 or f.conrelid = $2::oid)
  and (f.conrelid = any($1::oid[]) or f.confrelid = $2::oid)
order by f.conrelid::regclass::text, f.conkey, f.confrelid::regclass::text`,
  row: z.object({
    from: z.string(),
    to: z.string(),
    columns: json(z.array(z.string())),
    referenced: json(z.array(z.string())),
  }),
};

const KEYWORDS: Statement<{ word: string }> = {
  label: "pg_get_keywords",
  sql: `select word::text as word from pg_get_keywords() where catcode <> 'U'`,
  row: z.object({ word: z.string() }),
};

const TIME_ZONE: Statement<{ zone: string }> = {
  label: "pg_db_role_setting",
  sql: `select split_part(u.setting, '=', 2) as zone
from pg_db_role_setting s
join pg_database d on d.oid = s.setdatabase and d.datname = current_database()
cross join unnest(s.setconfig) u(setting)
where s.setrole = 0 and lower(u.setting) like 'timezone=%'`,
  row: z.object({ zone: z.string() }),
};

/**
 * What the catalog says of the table with this object id and of those that foreign keys lead to: from it to those it
 * refers to and those that refer to it, and `depth` steps further to those that these refer to. Reads no row of theirs.
 */
export async function readCatalog(
  source: Source,
  { id, depth, signal }: { id: string; depth: number; signal: AbortSignal },
): Promise<Catalog> {
  const foreignKeys: ForeignKey[] = [];
  const known = new Set([id]);
  let latest = [id];
  for (let step = 0; step <= depth && latest.length > 0; step++) {
    const values = [latest, step === 0 ? id : null];
    const found = await source.query(FOREIGN_KEYS, { values, signal });
    foreignKeys.push(...found);
    const reached = new Set(found.flatMap(({ from, to }) => [from, to]));
    latest = [...reached].filter((table) => !known.has(table));
    for (const table of latest) known.add(table);
  }
  const [tables, keywords, zones] = await Promise.all([
    source.query(TABLES, { values: [[...known]], signal }),
    source.query(KEYWORDS, { signal }),
    source.query(TIME_ZONE, { signal }),
  ]);
  const byId = new Map(tables.map((table) => [table.id, table]));
  const root = byId.get(id);
  if (root === undefined) throw new RangeError("Cannot find the table again");
  return {
    root,
    tables: byId,
    foreignKeys: distinct(foreignKeys),
    keywords: new Set(keywords.map(({ word }) => word)),
    timeZone: zones[0]?.zone,
  };
}

/** Two constraints may say the same. */
function distinct(foreignKeys: readonly ForeignKey[]): readonly ForeignKey[] {
  const byText = new Map(
    foreignKeys.map((foreignKey) => [JSON.stringify(foreignKey), foreignKey]),
  );
  return [...byText.values()];
}
