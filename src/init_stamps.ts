import type { CatalogColumn, CatalogTable } from "./init_catalog.ts";
import { plain } from "./init_columns.ts";

/** A column that orders the changes of a table. */
export interface Stamp {
  readonly column: string;
  /** As the type of the column: with time zone, without, a day, or a number. */
  readonly kind: "instant" | "local" | "date" | "number";
  /** Whether it is of each change, or of new rows alone. */
  readonly tells: "changes" | "new rows";
}

/** A column that marks rows as deleted; both are SQL, of the column in SQL. */
export interface DeletionMark {
  readonly column: string;
  readonly deleted: (column: string) => string;
  readonly kept: (column: string) => string;
}

const KINDS: Readonly<Record<string, Stamp["kind"]>> = {
  timestamptz: "instant",
  timestamp: "local",
  date: "date",
  int8: "number",
  int4: "number",
};

/** Names of stamps, without case and underscores; the first ones are preferred. */
const CHANGED = [
  "updatedat",
  "updatedon",
  "updateddate",
  "updatedtime",
  "updated",
  "dateupdated",
  "updateat",
  "updatedate",
  "updatetime",
  "lastupdate",
  "lastupdated",
  "lastupdatedat",
  "lastupdatedate",
  "modifiedat",
  "modifiedon",
  "modifieddate",
  "modified",
  "datemodified",
  "modifydate",
  "modifytime",
  "lastmodified",
  "lastmodifiedat",
  "lastmodifieddate",
  "changedat",
  "changedon",
  "changed",
  "lastchange",
  "lastchanged",
  "writedate",
  "mtime",
];
const CREATED = [
  "createdat",
  "createdon",
  "createddate",
  "createdtime",
  "created",
  "datecreated",
  "createat",
  "createdate",
  "createtime",
  "creationdate",
  "creationtime",
  "insertedat",
  "inserted",
  "addedat",
  "addedon",
  "added",
  "dateadded",
  "ctime",
];
const DELETED = [
  "deletedat",
  "deletedon",
  "deleteddate",
  "deletedtime",
  "datedeleted",
  "deleteat",
  "deletedate",
  "deletiondate",
  "isdeleted",
  "deleted",
  "softdeleted",
  "removedat",
  "removedon",
  "isremoved",
  "removed",
];

/**
 * The column that tells of changes in a table, where one is recognized by its name and its type: of each change, or else
 * of new rows.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { findStamp } from "./init_stamps.ts";
 * const time = { kind: "b", type: "", form: "", base: "timestamptz", isArray: false };
 * const columns = [{ ...time, name: "created_at" }, { ...time, name: "LastUpdate" }];
 * equal(findStamp(columns)?.column, "LastUpdate");
 * ```
 */
export function findStamp(
  columns: readonly CatalogColumn[],
): Stamp | undefined {
  return findNamed(columns, CHANGED, "changes") ??
    findNamed(columns, CREATED, "new rows");
}

/** Every column that is named as a stamp is. */
export function listStamps(columns: readonly CatalogColumn[]): string[] {
  return columns
    .filter(({ name }) => [...CHANGED, ...CREATED].includes(plain(name)))
    .map(({ name }) => name);
}

function findNamed(
  columns: readonly CatalogColumn[],
  names: readonly string[],
  tells: Stamp["tells"],
): Stamp | undefined {
  const found = columns.flatMap(({ name, base, isArray }) => {
    const rank = names.indexOf(plain(name));
    const kind = isArray ? undefined : KINDS[base];
    if (rank < 0 || kind === undefined) return [];
    // a time tells more than a day, and a day more than a number
    const coarse = kind === "number" ? 2 : kind === "date" ? 1 : 0;
    return [{ column: name, kind, tells, order: coarse * 100 + rank }];
  });
  const [first] = found.toSorted((one, other) => one.order - other.order);
  if (first === undefined) return undefined;
  const { column, kind } = first;
  return { column, kind, tells };
}

/** The number that a table without a stamp may be followed by: its key, where that is one that grows. */
export function findCounter(
  { columns, key }: CatalogTable,
): Stamp | undefined {
  const [name] = key;
  const column = columns.find((column) => column.name === name);
  const kind = key.length === 1 && column !== undefined && !column.isArray
    ? KINDS[column.base]
    : undefined;
  if (column === undefined || kind !== "number") return undefined;
  return { column: column.name, kind, tells: "new rows" };
}

/** The column that marks rows as deleted, where one is recognized by its name and its type. */
export function findDeletionMark(
  columns: readonly CatalogColumn[],
): DeletionMark | undefined {
  const marks = columns.flatMap(({ name, base, isArray }) => {
    const rank = DELETED.indexOf(plain(name));
    const condition = isArray ? undefined : CONDITIONS[base];
    if (rank < 0 || condition === undefined) return [];
    return [{ column: name, ...condition, rank }];
  });
  const [first] = marks.toSorted((one, other) => one.rank - other.rank);
  if (first === undefined) return undefined;
  const { column, deleted, kept } = first;
  return { column, deleted, kept };
}

const FILLED: Omit<DeletionMark, "column"> = {
  deleted: (column) => `${column} is not null`,
  kept: (column) => `${column} is null`,
};
const COUNTED: Omit<DeletionMark, "column"> = {
  deleted: (column) => `coalesce(${column}, 0) <> 0`,
  kept: (column) => `coalesce(${column}, 0) = 0`,
};
const CONDITIONS: Readonly<Record<string, Omit<DeletionMark, "column">>> = {
  bool: {
    deleted: (column) => `${column} is true`,
    kept: (column) => `${column} is not true`,
  },
  timestamptz: FILLED,
  timestamp: FILLED,
  date: FILLED,
  int2: COUNTED,
  int4: COUNTED,
  int8: COUNTED,
};
