import type { CatalogTable, ForeignKey } from "./init_catalog.ts";
import { findPlaces, isSecret } from "./init_columns.ts";
import { type Field, showColumn } from "./init_fields.ts";
import { type openFieldNames, quoteName } from "./init_names.ts";
import { type DeletionMark, listStamps, type Stamp } from "./init_stamps.ts";

/** A step from a table to the next one, by a foreign key that the one or the other holds. */
export interface Step {
  readonly foreignKey: ForeignKey;
  readonly holder: "previous" | "this";
  /** The table that the step leads to. */
  readonly table: CatalogTable;
  /** As SQL names it, with its schema, and as the queries call it. */
  readonly name: string;
  readonly alias: string;
}

/** A table as a part of the document. */
export interface Part {
  readonly table: CatalogTable;
  /** As SQL names it, with its schema. */
  readonly name: string;
  /** As the queries call it. */
  readonly alias: string;
  /** The way from the root; none is the root itself. */
  readonly steps: readonly Step[];
  readonly stamp: Stamp | undefined;
  readonly mark: DeletionMark | undefined;
  readonly fields: readonly PartField[];
  readonly leftOut: readonly LeftOut[];
}

/** A column that is not shown, and why. */
export interface LeftOut {
  readonly column: string;
  readonly why: string;
}

/** A field of the document, or of an object in it. */
export type PartField =
  | {
    readonly kind: "value";
    readonly name: string;
    readonly sql: string;
    readonly field: Field;
  }
  | { readonly kind: "object"; readonly name: string; readonly part: Part }
  | {
    readonly kind: "list";
    readonly name: string;
    readonly part: Part;
    /** The table that links the root to the part. */
    readonly through: Part | undefined;
  };

/** The columns of a step: of the table that it comes from, beside those of the table that it leads to. */
export function pairsOf(
  { foreignKey: { columns, referenced }, holder }: Step,
): readonly (readonly [previous: string, own: string])[] {
  return columns.map((column, place) => {
    const other = referenced[place] ?? "";
    return holder === "previous" ? [column, other] : [other, column];
  });
}

/** The fields that the columns of a part are shown as, and the columns that are not shown. */
export function valuesOf(
  { table: { columns, key }, alias, mark, steps }: Omit<
    Part,
    "fields" | "leftOut"
  >,
  { names, keywords, timeZone, hidden, references }: {
    names: ReturnType<typeof openFieldNames>;
    keywords: ReadonlySet<string>;
    timeZone: string;
    hidden: readonly string[];
    references: readonly string[];
  },
): { fields: readonly PartField[]; leftOut: readonly LeftOut[] } {
  const isRoot = steps.length === 0;
  const leftOut: LeftOut[] = [];
  const stamps = listStamps(columns);
  const sqlOf = (name: string) => `${alias}.${quoteName(name, keywords)}`;
  // the agent asks for documents by the root's key, under its own name
  for (const name of isRoot ? key : []) names.keep(name);
  const shown = columns.filter(({ name }) =>
    !hidden.includes(name) && name !== mark?.column
  );
  const fields = shown.flatMap((column): PartField[] => {
    const { name } = column;
    const isKey = key.includes(name);
    if (isSecret(name) && !isKey) {
      leftOut.push({ column: name, why: "by its name a secret" });
      return [];
    }
    const result = showColumn(column, {
      sql: sqlOf(name),
      timeZone,
      isKey,
      isReference: references.includes(name),
      isStamp: stamps.includes(name),
    });
    if ("leftOut" in result) {
      leftOut.push({ column: name, why: result.leftOut });
      return [];
    }
    const isKept = isRoot && isKey;
    const field = isKept ? name : names.take(name);
    return [{ kind: "value", name: field, ...result }];
  });
  const places = findPlaces(shown).map((place): PartField => {
    const [lat, lon] = [place.latitude, place.longitude].map(sqlOf);
    return {
      kind: "value",
      name: names.take(place.name),
      sql:
        `case when ${lat} is not null and ${lon} is not null then array[${lon}, ${lat}] end`,
      field: { type: "geo_point" },
    };
  });
  return { fields: [...fields, ...places], leftOut };
}
