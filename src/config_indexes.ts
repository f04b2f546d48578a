import { join, resolve } from "node:path";
import { z } from "zod";
import { readText } from "./config_files.ts";
import { isWritten } from "./config_postgres.ts";
import { list, present, section, text } from "./config_scalars.ts";
import {
  parameterNumbers,
  parseColumn,
  parseTable,
  trimQuery,
  type WatchedTable,
} from "./config_tables.ts";
import { type IndexConfig, readIndexConfig } from "./index_config.ts";

/** Elasticsearch takes 255; the agent adds a suffix of its own. */
const MAX_NAME_BYTES = 200;
const TABLE = 'write TABLE, SCHEMA.TABLE or "My Schema"."My Table"';
const COLUMN = 'write its name as in SQL, such as updated_at or "Updated At"';
const QUERY = "write a query such as select id, title from content.film_work";

/** Where files are found: `folder` is absolute, `shown` is the same as the user named it. */
export interface Folder {
  readonly folder: string;
  readonly shown: string;
}

/** An index and the query that it is kept equal to. */
export interface IndexDefinition {
  readonly name: string;
  readonly indexConfig: IndexConfig;
  /** The query whose rows are the documents, without a semicolon at its end. */
  readonly document: string;
  /** The table whose rows the documents are of: the one watched without `documentIds`. */
  readonly root: WatchedTable;
  /** Every watched table, the root too, in the order of the file. */
  readonly watch: readonly WatchedTable[];
}

/** Schema of the list `indexes`. */
export function indexesSchema(
  place: Folder,
): z.ZodType<readonly IndexDefinition[]> {
  const remedy = "write an index after each dash, with name, index_config, " +
    "document, watch";
  return list(indexSchema(place), remedy).superRefine((indexes, context) => {
    const names = indexes.map((index) => isMap(index) ? index.name : undefined);
    names.forEach((name, at) => {
      if (typeof name !== "string" || names.indexOf(name) === at) return;
      const message = "is the name of an index above, write another";
      context.addIssue({ code: "custom", path: [at, "name"], message });
    });
  }, { when: ({ value }) => Array.isArray(value) }).transform((indexes) =>
    indexes.map(({ watch, ...index }, indexAt) => {
      const tables = watch.map((table, at) => ({
        ...table,
        path: ["indexes", indexAt, "watch", at],
      }));
      const root = tables.find((table) => !("documentIds" in table));
      if (root === undefined) throw new TypeError("Cannot find the root table");
      return { ...index, root, watch: tables };
    })
  );
}

function indexSchema(place: Folder) {
  const remedy = "write the path of index_config.json";
  return section({
    name: indexName(),
    index_config: text(remedy).transform(async (path, context) => {
      const reading = await readIndexFile(place, path);
      if ("indexConfig" in reading) return reading.indexConfig;
      for (const message of reading.faults ?? []) {
        // These lines are whole: they name the other file.
        context.addIssue({ code: "custom", message, params: { whole: true } });
      }
      if (reading.state !== undefined) {
        context.addIssue(`names a file that ${reading.state}, ${remedy}`);
      }
      return z.NEVER;
    }),
    document: queryText(),
    watch: watchSchema(),
  }).transform(({ name, index_config, document, watch }) => ({
    name,
    indexConfig: index_config,
    document,
    watch,
  }));
}

async function readIndexFile(
  { folder, shown }: Folder,
  path: string,
): Promise<
  | { readonly indexConfig: IndexConfig }
  | { readonly faults?: readonly string[]; readonly state?: string }
> {
  const absolute = resolve(folder, path);
  const reading = await readText(absolute);
  if ("state" in reading) return { state: reading.state };
  const file = absolute === path ? path : join(shown, path);
  return readIndexConfig(reading.text, file);
}

function queryText() {
  return text(QUERY).transform((written, context) => {
    const query = trimQuery(written);
    if (query === "") context.addIssue(`is empty, ${QUERY}`);
    return query;
  });
}

const FORBIDDEN = /[\\/*?"<>|\s,#:]/;

function indexName() {
  const remedy = "write a name such as movies";
  return text(remedy).transform((name, context) => {
    const fault = describeName(name);
    if (fault !== undefined) context.addIssue(`${fault}, ${remedy}`);
    return name;
  });
}

function describeName(name: string): string | undefined {
  if (name !== name.toLowerCase()) return "has capital letters";
  if (FORBIDDEN.test(name)) {
    return 'has a space or one of \\ / * ? " < > | , # :';
  }
  if (/^[-_+.]/.test(name)) return "begins with one of - _ + .";
  const { length } = new TextEncoder().encode(name);
  if (length > MAX_NAME_BYTES) return `is over ${MAX_NAME_BYTES} bytes long`;
}

function watchSchema() {
  const remedy = "write a table after each dash, such as " +
    "`- table: content.film_work`";
  return list(tableSchema(), remedy).superRefine((tables, context) => {
    for (const { path, message } of contradictions(tables)) {
      context.addIssue({ code: "custom", path, message });
    }
  }, { when: ({ value }) => Array.isArray(value) }).transform((tables) =>
    tables.map(({ table, updated_at, key, document_ids }) => ({
      table: table.name,
      label: table.label,
      updatedAt: updated_at,
      key,
      ...present({ documentIds: document_ids }),
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
    }),
    updated_at: columnName().prefault("updated_at"),
    key: keySchema().prefault("id"),
    document_ids: queryText().optional(),
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

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
