import type { CatalogTable } from "./init_catalog.ts";
import { quoteName } from "./init_names.ts";
import { pairsOf, type Part, type PartField, type Step } from "./init_part.ts";
import { findCounter, type Stamp } from "./init_stamps.ts";

/** A table of the document, and how its changes are found. */
export interface WatchedPart {
  readonly table: CatalogTable;
  /** As SQL names it, with its schema. */
  readonly name: string;
  /** None where the table has no column that could tell of changes: it is not watched. */
  readonly stamp: Stamp | undefined;
  /** The queries for the documents that changed rows reach, one for each way to the table; none for the root. */
  readonly documentIds: readonly string[];
  /** The statements that make what the look for changes and the queries want, and do not have. */
  readonly missing: readonly string[];
}

/** The tables of a document, the root first, each once however many ways lead to it. */
export function planWatch(
  root: Part,
  keywords: ReadonlySet<string>,
): readonly WatchedPart[] {
  const parts = Map.groupBy(listParts(root), ({ table }) => table.id);
  return [...parts.values()].map((ways) => {
    const [part = root] = ways;
    const { table, name } = part;
    const stamp = part === root ? part.stamp ?? findCounter(table) : part.stamp;
    const queries = ways.filter((way) => way !== root)
      .map((way) => documentIds(root, way, keywords));
    const wanted = ways.flatMap(({ steps }) => {
      const step = steps.at(-1);
      // what is not watched is not looked for from its changes
      const isUsed = step?.holder === "this" || stamp !== undefined;
      if (step === undefined || !isUsed) return [];
      const { columns } = step.foreignKey;
      const holder = step.holder === "this" ? part : steps.at(-2) ?? root;
      return [{ holder, leading: columns, columns }];
    });
    if (stamp !== undefined) {
      const columns = [...new Set([stamp.column, ...table.key])];
      wanted.unshift({ holder: part, leading: [stamp.column], columns });
    }
    const missing = wanted
      .filter(({ holder, leading }) => !hasIndex(holder.table, leading))
      .map(({ holder: { table, name }, columns }) => {
        const names = columns.map((column) => quoteName(column, keywords));
        // a partitioned table takes its index at once
        const how = table.isPartitioned ? "" : " concurrently";
        return `create index${how} on ${name} (${names.join(", ")});`;
      });
    return {
      table,
      name,
      stamp,
      documentIds: [...new Set(queries)],
      missing: [...new Set(missing)],
    };
  });
}

/** Whether an index of the table begins with these columns, in whatever order. */
function hasIndex(
  { indexes }: CatalogTable,
  columns: readonly string[],
): boolean {
  return indexes.some((index) => {
    const leading = index.slice(0, columns.length);
    return columns.every((column) => leading.includes(column));
  });
}

/** A part, those that it is linked by, and those within. */
export function listParts(part: Part): readonly Part[] {
  const within = (field: PartField): readonly Part[] => {
    if (field.kind === "value") return [];
    const through = field.kind === "list" && field.through !== undefined
      ? [field.through]
      : [];
    return [...through, ...listParts(field.part)];
  };
  return [part, ...part.fields.flatMap(within)];
}

/**
 * The query for the documents that rows of a part reach: back along the foreign keys to the root. A table at either end is
 * left out where the foreign key itself has what is asked for.
 */
function documentIds(
  root: Part,
  { table: { key, columns }, steps, alias }: Part,
  keywords: ReadonlySet<string>,
): string {
  const stations = [root, ...steps];
  let first = 0;
  let last = steps.length;
  let shown = root.table.key.map((name) => ({ alias: root.alias, name }));
  let asked = key.map((name) => ({ alias, name }));
  const opening = renamed(steps[0], {
    names: root.table.key,
    to: "own",
    alias: steps[0]?.alias ?? "",
  });
  if (opening !== undefined) {
    shown = opening;
    first = 1;
  }
  const closing = renamed(steps.at(-1), {
    names: key,
    to: "previous",
    alias: stations[last - 1]?.alias ?? "",
  });
  if (closing !== undefined && last - 1 >= first) {
    asked = closing;
    last--;
  }
  const sql = ({ alias, name }: { alias: string; name: string }) =>
    `${alias}.${quoteName(name, keywords)}`;
  const lines = [
    `select ${shown.map(sql).join(", ")}`,
    `from ${stations[first]?.name} ${stations[first]?.alias}`,
  ];
  for (let place = first; place < last; place++) {
    const step = steps[place];
    const previous = stations[place]?.alias ?? "";
    if (step === undefined) continue;
    const on = pairsOf(step).map(([from, own]) =>
      `${sql({ alias: step.alias, name: own })} = ${
        sql({ alias: previous, name: from })
      }`
    );
    lines.push(`join ${step.name} ${step.alias} on ${on.join(" and ")}`);
  }
  const types = key.map((name) =>
    columns.find((column) => column.name === name)?.type
  );
  const [only] = asked;
  const condition = asked.length === 1 && only !== undefined
    ? `${sql(only)} = any($1)`
    : `(${asked.map(sql).join(", ")}) in (select * from unnest(${
      types.map((type, place) => `$${place + 1}::${type}[]`).join(", ")
    }))`;
  return [...lines, `where ${condition}`].join("\n");
}

/** Columns of one end of a step by their names at the other end; nothing where the foreign key has not all of them. */
function renamed(
  step: Step | undefined,
  { names, to, alias }: {
    names: readonly string[];
    to: "own" | "previous";
    alias: string;
  },
): { alias: string; name: string }[] | undefined {
  if (step === undefined) return undefined;
  const pairs = pairsOf(step);
  const found = names.flatMap((wanted) => {
    const pair = pairs.find(([previous, own]) =>
      wanted === (to === "own" ? previous : own)
    );
    if (pair === undefined) return [];
    const [previous, own] = pair;
    return [{ alias, name: to === "own" ? own : previous }];
  });
  return found.length === names.length ? found : undefined;
}
