import { parseTable, type TableName } from "./config_tables.ts";

const NAME = /"(?:[^"]|"")+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/.source;

/** What is no name, strings and comments, or the names of a table or column with dots in between. */
const TOKEN = new RegExp(
  String
    .raw`'(?:[^']|'')*'|--[^\n]*|/\*[\s\S]*?\*/|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$|(${NAME})(\s*\.\s*)(${NAME})`,
  "gu",
);

/**
 * `sql` with `table` named without its schema, so that a query of `with` may stand in its place.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { unqualify } from "./table_references.ts";
 * const table = { schema: "content", name: "cast" };
 * equal(unqualify("select c.film from content.Cast c where 'content.cast' <> ''", table),
 *   "select c.film from Cast c where 'content.cast' <> ''");
 * equal(unqualify('select "content"."cast".film from other.cast', table), 'select "cast".film from other.cast');
 * ```
 */
export function unqualify(sql: string, table: TableName): string {
  return sql.replaceAll(
    TOKEN,
    (token, _tag, schema?: string, dot?: string, name?: string) => {
      if (schema === undefined || name === undefined) return token;
      const found = parseTable(`${schema}.${name}`);
      const isMeant = found?.schema === table.schema &&
        found.name === table.name;
      return isMeant && dot !== undefined ? name : token;
    },
  );
}
