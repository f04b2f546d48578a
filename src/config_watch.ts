import { z } from "zod";
import { isWritten } from "./config_postgres.ts";
import { isMap, list, present, section, text } from "./config_scalars.ts";
import {
  parameterNumbers,
  parseColumn,
  parseTable,
  trimQuery,
  type WatchedTable,
} from "./config_tables.ts";

const TABLE = 'write TABLE, SCHEMA.TABLE or "My Schema"."My Table"';
const COLUMN = 'write its name as in SQL, such as updated_at or "Updated At"';
const QUERY = "write a query such as select id, title from content.film_work";
const TIME_ZONE = "write one such as Europe/Berlin, or UTC";

/** A query, without a semicolon at its end. */
export function queryText(): z.ZodType<string, string> {
  return text(QUERY).transform((written, context) => {
    const query = trimQuery(written);
    if (query === "") context.addIssue(`is empty, ${QUERY}`);
    return query;
  });
}

/** Schema of the list `watch`: tables with one root, none twice by the same column. */
export function watchSchema(): z.ZodType<
  readonly Omit<WatchedTable, "path">[]
> {
  const remedy = "write a table after each dash, such as " +
    "`- table: content.film_work`";
  return list(tableSchema(), remedy).superRefine((tables, context) => {
    for (const { path, message } of contradictions(tables)) {
      context.addIssue({ code: "custom", path, message });
    }
  }, { when: ({ value }) => Array.isArray(value) }).transform((tables) =>
    tables.map(({ table, updated_at, key, document_ids, time_zone }) => ({
      table: table.name,
      label: table.label,
      updatedAt: updated_at,
      key,
      ...present({ documentIds: document_ids, timeZone: time_zone }),
    }))
  );
}

function tableSchema() {
  return section({
    table: text(TABLE).transform((label, context) => {
      const name = parseTable(label.trim());
      if (name !== undefined) return { label: label.trim(), name };
      context.addIssue(`is not the name of a table, ${TABLE}`);
      return z.NEVER;
    }).describe("The table; the schema is `public` where none is written"),
    updated_at: columnName().prefault("updated_at")
      .describe("The column that is stamped at each change"),
    key: keySchema().prefault("id")
      .describe(
        "The column that tells rows apart, or the list of such columns",
      ),
    document_ids: queryText().optional().describe(
      "Query for the documents that changed rows reach: `$1` is the list of the rows' keys",
    ),
    time_zone: timeZone().optional().describe(
      "The zone of a stamp that has none, such as `Europe/Berlin`; not required otherwise",
    ),
  }).superRefine(({ document_ids, key }, context) => {
    if (typeof document_ids !== "string" || !Array.isArray(key)) return;
    const message = describeParameters(document_ids, key.length);
    if (message === undefined) return;
    context.addIssue({ code: "custom", path: ["document_ids"], message });
  }, { when: isWritten });
}

function columnName() {
  return text(COLUMN).transform((written, context) => {
    const column = parseColumn(written.trim());
    if (column !== undefined) return column;
    context.addIssue(`is not the name of a column, ${COLUMN}`);
    return z.NEVER;
  });
}

function timeZone() {
  return text(TIME_ZONE).transform((written, context) => {
    const name = written.trim();
    if (/^utc$/i.test(name)) return "UTC";
    if (isTimeZone(name)) return name;
    context.addIssue(`is not the name of a time zone, ${TIME_ZONE}`);
    return z.NEVER;
  });
}

/**
 * Whether a name is one of area and place. PostgreSQL takes others for what they are not: `CET` for a zone without
 * summer, `+02:00` for one west of Greenwich.
 */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z_]+\//.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false; // RangeError is all that it throws
  }
}

function keySchema() {
  const columns = z.array(columnName()).min(1, "is empty, write a column")
    .superRefine((names, context) => {
      names.forEach((name, at) => {
        if (names.indexOf(name) === at) return;
        const message = "is a column of the key already, delete it";
        context.addIssue({ code: "custom", path: [at], message });
      });
    });
  const one = columnName().transform((name) => [name]);
  return z.union([one, columns], {
    error: "is neither a column nor a list of columns, write id or [a, b]",
  });
}

function describeParameters(
  query: string,
  columnCount: number,
): string | undefined {
  if (query === "") return undefined; // told as empty already
  const numbers = parameterNumbers(query);
  if (!numbers.includes(1)) {
    return "has no $1, write where it takes the keys of changed rows, such as " +
      "person_id = any($1)";
  }
  const greatest = Math.max(...numbers);
  if (greatest <= columnCount) return undefined;
  const columns = columnCount === 1 ? "1 column" : `${columnCount} columns`;
  return `has $${greatest}, but key has ${columns}, write $1 to $n in the ` +
    "order of the key";
}

/** A table as far as it is known before the whole list is known to be right. */
type WrittenTable = Readonly<
  Partial<Record<"table" | "updated_at" | "document_ids", unknown>>
>;

function* contradictions(
  tables: readonly WrittenTable[],
): Generator<{ path: (string | number)[]; message: string }> {
  const roots = tables.flatMap((table, at) =>
    isMap(table) && table.document_ids === undefined ? [at] : []
  );
  const [, ...others] = roots;
  if (roots.length === 0 && tables.length > 0) {
    const message = "has no root, write the table that the documents are of " +
      "without document_ids";
    yield { path: [], message };
  }
  for (const at of others) {
    const message = "has no document_ids, as the root above, write the query " +
      "for the documents that a row reaches";
    yield { path: [at], message };
  }
  const seen = new Set<string>();
  for (const [at, table] of tables.entries()) {
    if (!isMap(table) || !isMap(table.table)) continue;
    const watched = JSON.stringify([table.table.name, table.updated_at]);
    if (seen.has(watched)) {
      const message = "is watched above by the same column, delete one";
      yield { path: [at, "table"], message };
    }
    seen.add(watched);
  }
}
