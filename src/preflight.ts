import { z } from "zod";
import type { IndexDefinition, Path, WatchedTable } from "./config.ts";
import { isStrict, propertyNames } from "./index_config.ts";
import type { KeyColumn } from "./keys.ts";
import type {
  AgentColumn,
  DocumentPlan,
  IndexPlan,
  StampColumn,
  TablePlan,
} from "./plan.ts";
import {
  type QueryFault,
  quoteIdentifier,
  type Source,
  type Statement,
} from "./postgres.ts";

/** What was found of an index: a plan to follow it, or the faults that stand in the way. */
export interface Preflight {
  readonly plan?: IndexPlan;
  readonly faults: readonly Fault[];
}

/** Something in the configuration that the database contradicts: where, and what to write instead. */
export interface Fault {
  readonly path: Path;
  readonly text: string;
}

/** The cluster and database that are read: together they tell one source from another. */
export interface SourceIdentity {
  readonly system: string;
  readonly database: string;
}

const IDENTITY: Statement<SourceIdentity> = {
  label: "pg_control_system",
  sql:
    `select system_identifier::text as system, current_database()::text as database
from pg_control_system()`,
  row: z.object({ system: z.string(), database: z.string() }),
};

const COLUMNS: Statement<{ name: string; type: string }> = {
  label: "pg_attribute",
  // without a type modifier, and bpchar for character: a cast to it cuts nothing off
  sql: `select attname::text as name, format_type(atttypid, -1) as type
from pg_attribute
where attrelid = to_regclass($1) and attnum > 0 and not attisdropped
order by attnum`,
  row: z.object({ name: z.string(), type: z.string() }),
};

const AGENT_COLUMNS: readonly AgentColumn[] = ["_deleted", "_routing"];

/** What a stamp of each type is held against. */
const STAMP_KINDS: Readonly<Record<string, StampColumn["kind"]>> = {
  "timestamp with time zone": "instant",
  "timestamp without time zone": "local",
  "date": "date",
  "bigint": "number",
  "integer": "number",
};

/** Which database this is. */
export async function identifySource(
  source: Source,
  signal: AbortSignal,
): Promise<SourceIdentity> {
  const [identity] = await source.query(IDENTITY, { signal });
  if (identity === undefined) {
    throw new RangeError("Cannot identify the database: no row came");
  }
  return identity;
}

/**
 * Holds an index's part of the configuration against the database: tables, columns, queries and, where the mapping is
 * strict, fields. `path` is where the index stands in the file. Reads no row.
 */
export async function planIndex(
  source: Source,
  { definition, path, pageSize, signal }: {
    definition: IndexDefinition;
    path: Path;
    pageSize: number;
    signal: AbortSignal;
  },
): Promise<Preflight> {
  const faults: Fault[] = [];
  const planned: TablePlan[] = [];
  for (const watched of definition.watch) {
    const table = await planTable(source, { watched, faults, signal });
    if (table !== undefined) planned.push(table);
  }
  const tables = nameApart(planned);
  const root = tables.find(({ documentIds }) => documentIds === undefined);
  if (root === undefined) return { faults };
  const document = await planDocument(source, {
    definition,
    path,
    key: root.key,
    faults,
    signal,
  });
  for (const [place, watched] of definition.watch.entries()) {
    if (watched.documentIds === undefined) continue;
    const fault = await checkDocumentIds(source, { watched, root, signal });
    if (fault !== undefined) {
      faults.push({
        path: [...path, "watch", place, "document_ids"],
        text: fault,
      });
    }
  }
  if (document === undefined || faults.length > 0) return { faults };
  const { name, lookbackMs } = definition;
  return {
    plan: { name, document, root, tables, lookbackMs, pageSize },
    faults,
  };
}

async function planTable(
  source: Source,
  { watched, faults, signal }: {
    watched: WatchedTable;
    faults: Fault[];
    signal: AbortSignal;
  },
): Promise<TablePlan | undefined> {
  const { schema, name } = watched.table;
  const from = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  const columns = await source.query(COLUMNS, { values: [from], signal });
  if (columns.length === 0) {
    const text =
      `there is no table ${watched.label} in this database, or the agent's role may not see its schema; write schema.table`;
    faults.push({ path: [...watched.path, "table"], text });
    return undefined;
  }
  const known = columns.map(({ name }) => name).join(", ");
  function find(column: string, setting: string): KeyColumn | undefined {
    const found = columns.find(({ name }) => name === column);
    if (found === undefined) {
      const text =
        `${watched.label} has no column ${column}; write ${setting}: with one of ${known}`;
      faults.push({ path: [...watched.path, setting], text });
    }
    return found;
  }
  const stamp = find(watched.updatedAt, "updated_at");
  const key = watched.key.map((column) => find(column, "key"));
  const kind = stamp === undefined ? undefined : STAMP_KINDS[stamp.type];
  if (stamp !== undefined && kind === undefined) {
    const text =
      `${watched.label}.${stamp.name} is ${stamp.type}; write a column of type timestamptz, timestamp, date, bigint or integer`;
    faults.push({ path: [...watched.path, "updated_at"], text });
  }
  if (kind === "local" && watched.timeZone === undefined) {
    const text =
      `${watched.label}.${watched.updatedAt} is a timestamp without time zone; write time_zone: with the zone it is in, such as UTC`;
    faults.push({ path: watched.path, text });
  }
  const present = key.filter((column) => column !== undefined);
  if (stamp === undefined || kind === undefined) return undefined;
  if (present.length < key.length) return undefined;
  const { documentIds, timeZone = "UTC" } = watched;
  return {
    label: watched.label,
    from,
    stamp: { ...stamp, kind, timeZone },
    key: present,
    ...(documentIds === undefined ? {} : { documentIds }),
  };
}

/** A table that is watched by several of its columns is named with the column, so that each has a position of its own. */
function nameApart(tables: readonly TablePlan[]): TablePlan[] {
  return tables.map((table) => {
    const isShared = tables.some((other) =>
      other !== table && other.label === table.label
    );
    return isShared
      ? { ...table, label: `${table.label}.${table.stamp.name}` }
      : table;
  });
}

async function planDocument(
  source: Source,
  { definition, path, key, faults, signal }: {
    definition: IndexDefinition;
    path: Path;
    key: readonly KeyColumn[];
    faults: Fault[];
    signal: AbortSignal;
  },
): Promise<DocumentPlan | undefined> {
  const place = [...path, "document"];
  const sql = definition.document;
  const label = `document of ${definition.name}`;
  const columns = await source.describe({ label, sql }, signal);
  if ("message" in columns) {
    faults.push({ path: place, text: wordFault(columns, sql) });
    return undefined;
  }
  const names = columns.map(({ name }) => name);
  const fault = (text: string) => faults.push({ path: place, text });
  for (
    const name of new Set(
      names.filter((name, index) => names.indexOf(name) !== index),
    )
  ) {
    fault(
      `the query shows two columns ${name}; give one of them another name with "as"`,
    );
  }
  for (const { name } of key) {
    if (!names.includes(name)) {
      fault(
        `the query does not show ${name}, the key of ${definition.root.label}; add it to the select list`,
      );
    }
  }
  const agentColumns = new Set(
    AGENT_COLUMNS.filter((name) => names.includes(name)),
  );
  const fields = names.filter((name) =>
    !AGENT_COLUMNS.some((column) => column === name)
  );
  for (const name of fields.filter((name) => name.startsWith("_"))) {
    fault(
      `a field cannot be named ${name}; only _deleted and _routing may begin with _, and are for the agent`,
    );
  }
  if (isStrict(definition.indexConfig)) {
    const mapped = propertyNames(definition.indexConfig);
    for (const name of fields.filter((name) => !mapped.includes(name))) {
      fault(
        `the column ${name} is not in the strict mapping; add it to mappings.properties of index_config, or take it out of the query`,
      );
    }
  }
  return { sql, label, key, fields, agentColumns };
}

async function checkDocumentIds(
  source: Source,
  { watched, root, signal }: {
    watched: WatchedTable;
    root: TablePlan;
    signal: AbortSignal;
  },
): Promise<string | undefined> {
  const sql = watched.documentIds ?? "";
  const label = `document_ids of ${watched.label}`;
  const columns = await source.describe({
    label,
    sql,
    parameterCount: watched.key.length,
  }, signal);
  if ("message" in columns) return wordFault(columns, sql);
  if (columns.length === root.key.length) return undefined;
  return `the query shows ${columns.length} columns; it must show the key of ${root.label} and no more: ${
    root.key.map(({ name }) => name).join(", ")
  }`;
}

/** The fault with the line of the query that it is on. */
function wordFault({ message, position }: QueryFault, sql: string): string {
  if (position === undefined) return message;
  const line = sql.slice(0, position).split("\n").length;
  return `${message} (line ${line} of the query)`;
}
