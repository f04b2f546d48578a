import type { KeySchema } from "../src/config_json_schema.ts";

/** A place in docs/configuration.md where the keys of a section stand: the comment before the table, and the one behind it. */
const PLACE = /(<!-- keys of (\S+) -->\n\n)[^]*?(\n\n<!-- end of keys -->)/g;

/** What the place of the keys at the top is called. */
const TOP = "config.yaml";

const HEAD = ["Key", "Meaning", "Default", "Bounds"];

/** The page with a table of keys, made from the schema, at each place that names a section. */
export function fillKeyTables(page: string, schema: KeySchema): string {
  return page.replaceAll(PLACE, (_, opening, section, closing) => {
    const keys = findSection(schema, section);
    return `${opening}${formatTable(rowsOf(keys))}${closing}`;
  });
}

/** The names of the sections that a page has places for. */
export function listPlaces(page: string): string[] {
  return Array.from(page.matchAll(PLACE), ([_, __, section = ""]) => section);
}

/** The names of all sections of a schema: `config.yaml`, and the ways to the maps within, such as `indexes.watch`. */
export function listSections(schema: KeySchema, path = TOP): string[] {
  const keys = keysOf(schema);
  if (keys === undefined) return [];
  return [
    path,
    ...Object.entries(keys).flatMap(([name, inner]) =>
      listSections(inner, path === TOP ? name : `${path}.${name}`)
    ),
  ];
}

function findSection(
  schema: KeySchema,
  section: string,
): Readonly<Record<string, KeySchema>> {
  const names = section === TOP ? [] : section.split(".");
  let keys = keysOf(schema);
  for (const name of names) {
    const inner = keys?.[name];
    keys = inner === undefined ? undefined : keysOf(inner);
  }
  if (keys !== undefined) return keys;
  const known = listSections(schema).join(", ");
  throw new Error(`Cannot find the keys of ${section}: there are ${known}`);
}

/** The keys of a map, of the items of a list, or of the one of several forms that is such. */
function keysOf(
  { properties, items, anyOf = [] }: KeySchema,
): Readonly<Record<string, KeySchema>> | undefined {
  if (properties !== undefined) return properties;
  const inner = [items, ...anyOf].filter((one) => one !== undefined);
  return inner.map(keysOf).find((keys) => keys !== undefined);
}

function rowsOf(keys: Readonly<Record<string, KeySchema>>): string[][] {
  const rows = Object.entries(keys).map(([name, key]) => {
    if (key.description === undefined) {
      throw new Error(
        `Cannot tell what ${name} means: write .describe("…") behind it in the schema`,
      );
    }
    return [`\`${name}\``, key.description, defaultOf(key), boundsOf(key)];
  });
  // a column that says nothing of any key is left out
  const columns = HEAD.flatMap((title, place) =>
    place < 2 || rows.some((row) => row[place] !== "") ? [{ title, place }] : []
  );
  return [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ place }) => row[place] ?? "")),
  ];
}

function defaultOf(key: KeySchema): string {
  if (typeof key.default === "string") return `\`${key.default}\``;
  return key.default === undefined ? key.preset ?? "" : "see below";
}

function boundsOf(key: KeySchema): string {
  if (key.bounds !== undefined) return key.bounds;
  if (key.enum !== undefined) {
    return key.enum.map((word) => `\`${word}\``).join(", ");
  }
  return key.minItems === 1 ? "one at least" : "";
}

/** A table as `deno fmt` writes it. */
function formatTable([head = [], ...rows]: readonly string[][]): string {
  const widths = head.map((title, place) =>
    Math.max(...[head, ...rows].map((row) => widthOf(row[place] ?? title)))
  );
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, place) =>
        cell + " ".repeat((widths[place] ?? 0) - widthOf(cell))
      ).join(" | ")
    } |`;
  return [
    line(head),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.map(line),
  ].join("\n");
}

function widthOf(text: string): number {
  return [...text].length;
}
