/** A table by the names that PostgreSQL keeps. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** A table whose changes reach the documents of an index. */
export interface WatchedTable {
  readonly table: TableName;
  /** The table as it is written in the file, for logs and the state file. */
  readonly label: string;
  /** The column that orders the changes of rows: a time, or a number. */
  readonly updatedAt: string;
  /** The time zone of a column that has none of its own. */
  readonly timeZone?: string;
  /** The columns of the key, at least one. */
  readonly key: readonly string[];
  /** The query for the documents that rows reach: `$1` is the list of their keys, one `$n` for each column of the key. */
  readonly documentIds?: string;
  /** Where the table stands in the file, for messages. */
  readonly path: readonly (string | number)[];
}

/** PostgreSQL cuts longer names off. */
const MAX_IDENTIFIER_BYTES = 63;
const IDENTIFIER = /"(?:[^"]|"")+"|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/
  .source;
const TABLE = new RegExp(`^(?:(${IDENTIFIER})\\.)?(${IDENTIFIER})$`, "u");
const COLUMN = new RegExp(`^(${IDENTIFIER})$`, "u");

/**
 * The table that is written as in SQL: quotes keep case and all characters, no schema is `public`. `undefined` where it is no table.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parseTable } from "./config_tables.ts";
 * deepEqual(parseTable("content.Film_Work"), { schema: "content", name: "film_work" });
 * deepEqual(parseTable('"My Schema"."T"'), { schema: "My Schema", name: "T" });
 * deepEqual(parseTable("film"), { schema: "public", name: "film" });
 * ```
 */
export function parseTable(written: string): TableName | undefined {
  const [, schema, table] = TABLE.exec(written) ?? [];
  const schemaName = schema === undefined ? "public" : toName(schema);
  const name = table === undefined ? undefined : toName(table);
  if (schemaName === undefined || name === undefined) return undefined;
  return { schema: schemaName, name };
}

/**
 * The column that is written as in SQL, `undefined` where it is none.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { parseColumn } from "./config_tables.ts";
 * equal(parseColumn("Updated_At"), "updated_at");
 * equal(parseColumn('"Updated At"'), "Updated At");
 * equal(parseColumn("updated at"), undefined);
 * ```
 */
export function parseColumn(written: string): string | undefined {
  const [, column] = COLUMN.exec(written) ?? [];
  return column === undefined ? undefined : toName(column);
}

function toName(identifier: string): string | undefined {
  const name = identifier.startsWith('"')
    ? identifier.slice(1, -1).replaceAll('""', '"')
    : identifier.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const { length } = new TextEncoder().encode(name);
  return length <= MAX_IDENTIFIER_BYTES ? name : undefined;
}

const LITERAL_OR_COMMENT =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$([A-Za-z_]\w*)?\$[\s\S]*?\$\1\$/g;

/**
 * The numbers of the parameters `$n` in a query, each once, lowest first; those in strings and comments do not count.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parameterNumbers } from "./config_tables.ts";
 * deepEqual(parameterNumbers("select '$3' where a = any($2) and b = any($1)"), [1, 2]);
 * ```
 */
export function parameterNumbers(query: string): readonly number[] {
  const code = query.replaceAll(LITERAL_OR_COMMENT, " ");
  const found = code.matchAll(/\$(\d+)/g);
  const numbers = new Set(Array.from(found, ([, digits]) => Number(digits)));
  return [...numbers].sort((one, other) => one - other);
}

/**
 * A query without the semicolons and the white space around it.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { trimQuery } from "./config_tables.ts";
 * equal(trimQuery(" select 1 ;\n"), "select 1");
 * ```
 */
export function trimQuery(query: string): string {
  return query.replace(/[\s;]+$/, "").trimStart();
}
