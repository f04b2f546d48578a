import type { Catalog, CatalogTable, ForeignKey } from "./init_catalog.ts";
import {
  nameOfReference,
  openAliases,
  openFieldNames,
  quoteName,
  quoteTable,
} from "./init_names.ts";
import { type Part, type PartField, type Step, valuesOf } from "./init_part.ts";
import { findDeletionMark, findStamp, listStamps } from "./init_stamps.ts";

/** A document as it is put together from tables. */
export interface DocumentTree {
  readonly root: Part;
  /** What foreign keys lead to and is not read, each with the reason. */
  readonly notes: readonly string[];
}

/** How many foreign keys lead from the root to a table at most. */
export const MAX_STEPS = 2;
/** How many tables are read beside the root at most: each is a subquery, and one to watch. */
const MAX_TABLES = 30;
/** Elasticsearch takes 10,000 nested objects a document: a list of that many rows on average is left out. */
const MAX_AVERAGE = 1_000;

/** What is known while a tree is planned. */
interface Planning {
  readonly catalog: Catalog;
  readonly timeZone: string;
  readonly aliasOf: (table: string) => string;
  readonly notes: Set<string>;
  tableCount: number;
}

type FieldNames = ReturnType<typeof openFieldNames>;

/**
 * The document that has a row of the root with what foreign keys lead to: the rows that it refers to as objects, the rows
 * that refer to it as lists (as an object where there is one at most), and within both what these refer to. A table that
 * only links two others is passed through.
 */
export function planTree(catalog: Catalog, timeZone: string): DocumentTree {
  const planning: Planning = {
    catalog,
    timeZone,
    aliasOf: openAliases(catalog.keywords),
    notes: new Set(),
    tableCount: 0,
  };
  const root = planPart(planning, catalog.root, { steps: [], hidden: [] });
  return { root, notes: [...planning.notes] };
}

/** A table with its columns, and what it refers to; the root with what refers to it as well. */
function planPart(
  planning: Planning,
  table: CatalogTable,
  { steps, hidden }: {
    steps: readonly Step[];
    /** Columns that say again by what the rows were found. */
    hidden: readonly string[];
  },
): Part {
  const { catalog: { foreignKeys, keywords }, timeZone, aliasOf } = planning;
  const isRoot = steps.length === 0;
  const base = {
    table,
    name: quoteTable(table, keywords),
    alias: steps.at(-1)?.alias ?? aliasOf(table.name),
    steps,
    stamp: findStamp(table.columns),
    mark: findDeletionMark(table.columns),
  };
  const names = openFieldNames();
  const outgoing = foreignKeys.filter(({ from }) => from === table.id);
  const incoming = isRoot
    ? foreignKeys.filter(({ to }) => to === table.id)
    : [];
  // whether a row that is only shown with others was touched is nothing to search for
  const stamps = isRoot
    ? []
    : listStamps(table.columns).filter((name) => !table.key.includes(name));
  const { fields, leftOut } = valuesOf(base, {
    names,
    keywords,
    timeZone,
    hidden: [...hidden, ...stamps],
    references: outgoing.flatMap(({ columns }) => columns),
  });
  return {
    ...base,
    leftOut,
    fields: [
      ...fields,
      ...outgoing
        .filter(({ columns }) => !columns.every((one) => hidden.includes(one)))
        .flatMap((key) => planObject(planning, base, { key, names })),
      ...incoming.flatMap((key) => planList(planning, { key, names })),
    ],
  };
}

/** The row that a foreign key of the part refers to. */
function planObject(
  planning: Planning,
  part: Pick<Part, "table" | "name" | "steps">,
  { key, names }: { key: ForeignKey; names: FieldNames },
): PartField[] {
  const { catalog: { root, keywords } } = planning;
  if (part.steps.length >= MAX_STEPS) return [];
  const by = `to which ${part.name} refers by ${
    key.columns.map((column) => quoteName(column, keywords)).join(", ")
  }`;
  if (key.to === root.id || key.to === part.table.id) {
    const back = key.to === root.id ? root : part.table;
    // what leads from a list to the root again is a list itself
    if (part.steps.length === 0 || back === part.table) {
      planning.notes.add(`${quoteTable(back, keywords)}, ${by}: it leads back`);
    }
    return [];
  }
  const table = reach(planning, key.to, { by, isList: false });
  if (table === undefined) return [];
  const steps = [...part.steps, toStep(planning, key, { table })];
  const [column = "", ...others] = key.columns;
  const reference = others.length === 0 ? nameOfReference(column) : undefined;
  const name = names.take(
    ...(reference === undefined ? [] : [reference]),
    table.name,
    `${table.name}_by_${key.columns.join("_")}`,
  );
  const inner = planPart(planning, table, { steps, hidden: [] });
  return [{ kind: "object", name, part: inner }];
}

/** The rows that refer to the root by a foreign key, or those that they link it to. */
function planList(
  planning: Planning,
  { key, names }: { key: ForeignKey; names: FieldNames },
): PartField[] {
  const { catalog: { root, keywords } } = planning;
  if (key.from === root.id) return []; // told with what the root refers to
  const [column = ""] = key.columns;
  const table = reach(planning, key.from, { by: undefined, isList: true });
  if (table === undefined) return [];
  const step = toStep(planning, key, { table });
  const link = { steps: [step], hidden: key.columns };
  const onward = findOnward(planning, table, key);
  const far = onward === undefined ? undefined : reach(planning, onward.to, {
    by: `at the other end of ${quoteTable(table, keywords)}`,
    isList: false,
  });
  if (onward === undefined || far === undefined) {
    const name = names.take(
      table.name,
      `${table.name}_by_${nameOfReference(column) ?? column}`,
    );
    const part = planPart(planning, table, link);
    const isSingle = table.key.every((column) => key.columns.includes(column));
    return isSingle
      ? [{ kind: "object", name, part }]
      : [{ kind: "list", name, part, through: undefined }];
  }
  const name = names.take(far.name, table.name);
  const through = planPart(planning, table, {
    steps: [step],
    hidden: table.columns.map((column) => column.name),
  });
  const steps = [step, toStep(planning, onward, { table: far })];
  const part = planPart(planning, far, { steps, hidden: [] });
  return [{ kind: "list", name, part, through }];
}

function toStep(
  { catalog: { keywords }, aliasOf }: Planning,
  foreignKey: ForeignKey,
  { table }: { table: CatalogTable },
): Step {
  return {
    foreignKey,
    holder: foreignKey.from === table.id ? "this" : "previous",
    table,
    name: quoteTable(table, keywords),
    alias: aliasOf(table.name),
  };
}

/** The other foreign key of a table that does nothing but link the root to another one. */
function findOnward(
  { catalog: { root, foreignKeys } }: Planning,
  { id, key, columns }: CatalogTable,
  own: ForeignKey,
): ForeignKey | undefined {
  const others = foreignKeys.filter(({ from }) => from === id)
    .filter((other) => other !== own);
  const [onward] = others;
  if (onward === undefined || others.length > 1) return undefined;
  if (onward.to === root.id || onward.to === id) return undefined;
  const known = [
    ...[...key, ...own.columns, ...onward.columns, ...listStamps(columns)],
    findDeletionMark(columns)?.column,
  ];
  return columns.every(({ name }) => known.includes(name)) ? onward : undefined;
}

/** The table with this object id, unless there is a reason to leave it out, which is noted. */
function reach(
  planning: Planning,
  id: string,
  { by, isList }: {
    /** How it is come to, where that is not by its own foreign key. */
    by: string | undefined;
    isList: boolean;
  },
): CatalogTable | undefined {
  const { root, tables, keywords } = planning.catalog;
  const table = tables.get(id);
  if (table === undefined) return undefined;
  const average = (table.rowCount ?? 0) / (root.rowCount ?? Infinity);
  const why = planning.tableCount >= MAX_TABLES
    ? `there are ${MAX_TABLES} tables without it`
    : !table.isReadable
    ? "the role may not read it"
    : table.key.length === 0
    ? "it has no primary key"
    : isList && average > MAX_AVERAGE
    ? `it has about ${Math.round(average)} rows for each document`
    : undefined;
  if (why !== undefined) {
    const name = quoteTable(table, keywords);
    planning.notes.add(
      `${[name, ...by === undefined ? [] : [by]].join(", ")}: ${why}`,
    );
    return undefined;
  }
  planning.tableCount++;
  return table;
}
