import type { TableName } from "./config_tables.ts";
import { wordsOf } from "./init_columns.ts";
import { quoteIdentifier } from "./postgres.ts";

/** Names of what the queries make themselves, which no table is called by. */
const TAKEN = ["item", "entry"];

/**
 * A name as SQL takes it, in quotes where it has to be.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { quoteName } from "./init_names.ts";
 * const keywords = new Set(["order"]);
 * equal(quoteName("film_work", keywords), "film_work");
 * equal(quoteName("order", keywords), '"order"');
 * equal(quoteName("Film Work", keywords), '"Film Work"');
 * ```
 */
export function quoteName(
  name: string,
  keywords: ReadonlySet<string>,
): string {
  if (PLAIN.test(name) && !keywords.has(name)) return name;
  if (name.search(UNSEEN) < 0) return quoteIdentifier(name);
  // as it is, it would break the lines of the query, or get lost among them
  const escaped = quoteIdentifier(name.replaceAll("\\", "\\\\"))
    .replaceAll(
      UNSEEN,
      (one) => `\\${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
  return `U&${escaped}`;
}

const PLAIN = /^[a-z_][a-z0-9_]*$/;
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\ufeff]/gu;

/** A table as SQL takes it, with its schema. */
export function quoteTable(
  { schema, name }: TableName,
  keywords: ReadonlySet<string>,
): string {
  return `${quoteName(schema, keywords)}.${quoteName(name, keywords)}`;
}

/**
 * A name as the configuration takes it, which knows no keywords.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { writeName } from "./init_names.ts";
 * equal(writeName("order"), "order");
 * equal(writeName("Film Work"), '"Film Work"');
 * ```
 */
export function writeName(name: string): string {
  return PLAIN.test(name) ? name : quoteIdentifier(name);
}

/** Gives each table of a query a short name of its own: the first letters of its words. */
export function openAliases(
  keywords: ReadonlySet<string>,
): (table: string) => string {
  const taken = new Set(TAKEN);
  return (table) => {
    const letters = wordsOf(table).map((word) => word.slice(0, 1)).join("");
    const wanted = letters.replaceAll(/[^a-z]/g, "") || "t";
    let alias = wanted;
    for (let count = 2; taken.has(alias) || keywords.has(alias); count++) {
      alias = `${wanted}${count}`;
    }
    taken.add(alias);
    return alias;
  };
}

/** Gives each field beside others a name that none of them has. */
export function openFieldNames(): {
  /** Takes a name as it is. */
  readonly keep: (name: string) => void;
  /** Takes the first of the names that is free, or the last one with a number behind it. */
  readonly take: (...wanted: readonly string[]) => string;
} {
  const taken: string[] = [];
  function isFree(name: string): boolean {
    // Elasticsearch reads a dot as the way into an object
    return !taken.some((other) =>
      other === name || other.startsWith(`${name}.`) ||
      name.startsWith(`${other}.`)
    );
  }
  return {
    keep: (name) => {
      taken.push(name);
    },
    take(...wanted) {
      const names = wanted.map(toFieldName);
      let name = names.find(isFree);
      for (let count = 2; name === undefined; count++) {
        const numbered = `${names.at(-1)}_${count}`;
        if (isFree(numbered)) name = numbered;
      }
      taken.push(name);
      return name;
    },
  };
}

/**
 * The field that a column of this name goes into: no underscore at its front, no dots.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { toFieldName } from "./init_names.ts";
 * equal(toFieldName("first.name"), "first_name");
 * equal(toFieldName("_id"), "id");
 * ```
 */
export function toFieldName(name: string): string {
  return name.replaceAll(/[.\p{Cc}]/gu, "_").replace(/^[\s_]+/, "").trim() ||
    "field";
}

/**
 * What a foreign key's columns are called without what says that they are keys.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { nameOfReference } from "./init_names.ts";
 * equal(nameOfReference("author_id"), "author");
 * equal(nameOfReference("authorId"), "author");
 * equal(nameOfReference("author"), undefined);
 * ```
 */
export function nameOfReference(column: string): string | undefined {
  return REFERENCE.exec(column)?.[1];
}

const REFERENCE =
  /^(.+)(?:_(?:id|ID|uuid|UUID|fk|FK|key|code)|(?<=[\p{Ll}\p{N}])(?:Id|ID|Uuid|UUID|Fk|Key|Code))$/u;
