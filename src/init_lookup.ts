import { z } from "zod";
import { nearestOf } from "./config_faults.ts";
import type { TableName } from "./config_tables.ts";
import { refuse } from "./init_files.ts";
import { writeName } from "./init_names.ts";
import type { Source, Statement } from "./postgres.ts";

const RelationRow = z.object({
  id: z.string(),
  schema: z.string(),
  name: z.string(),
  kind: z.string(),
});

/** Relations of this name first, then others whose names may have been meant. */
const RELATIONS: Statement<z.infer<typeof RelationRow>> = {
  label: "pg_class",
  sql: `select c.oid::text as id, n.nspname::text as schema,
  c.relname::text as name, c.relkind::text as kind
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
  and n.nspname not in ('pg_catalog', 'information_schema')
  and n.nspname not like 'pg\\_toast%' and n.nspname not like 'pg\\_temp%'
order by n.nspname = $1 and c.relname = $2 desc, c.relname = $2 desc, c.relname, n.nspname
limit 5000`,
  row: RelationRow,
};

/**
 * The object id of a table.
 * @throws {EtlError} `config-invalid` when there is none of this name, with the name that may have been meant.
 */
export async function findTable(
  source: Source,
  { schema, name }: TableName,
  signal: AbortSignal,
): Promise<string> {
  const values = [schema, name];
  const relations = await source.query(RELATIONS, { values, signal });
  const [found] = relations;
  const wanted = `${schema}.${name}`;
  if (found === undefined || found.schema !== schema || found.name !== name) {
    const names = [...new Set(relations.map((relation) => relation.name))];
    const nearest = names.includes(name) || names.length === 0
      ? name
      : nearestOf(name, names);
    const meant = relations.find((relation) => relation.name === nearest);
    const remedy = meant === undefined
      ? "SCHEMA.TABLE"
      : `${writeName(meant.schema)}.${writeName(meant.name)}`;
    return refuse(
      `--table: there is no table ${wanted} in this database, write ${remedy}`,
    );
  }
  if (found.kind === "r" || found.kind === "p") return found.id;
  return refuse(
    `--table: ${wanted} is no table: it has no key, and nothing that tells of changes; write the table beneath it`,
  );
}
