import { quoteName } from "./init_names.ts";
import { pairsOf, type Part, type PartField } from "./init_part.ts";

/** Lines are broken where they would be longer. */
const WIDTH = 70;

/** The document query: a row of the root with its objects and lists. */
export function writeQuery(
  root: Part,
  keywords: ReadonlySet<string>,
): string {
  const items = root.fields.map((field) => item(field, root, keywords));
  if (root.mark !== undefined) {
    const column = `${root.alias}.${quoteName(root.mark.column, keywords)}`;
    items.push(`${root.mark.deleted(column)} as _deleted`);
  }
  return `select\n${
    indent(items.join(",\n"))
  }\nfrom ${root.name} ${root.alias}`;
}

function item(
  field: PartField,
  parent: Part,
  keywords: ReadonlySet<string>,
): string {
  const name = quoteName(field.name, keywords);
  if (field.kind === "value") {
    return field.sql === `${parent.alias}.${name}`
      ? field.sql
      : `${field.sql} as ${name}`;
  }
  const query = field.kind === "object"
    ? rowQuery(field.part, parent, keywords)
    : listQuery(field, parent, keywords);
  const gathered = field.kind === "object"
    ? "row_to_json(item.*)"
    : "coalesce(json_agg(item.*), '[]')";
  return `(\n  select ${gathered}\n  from (\n${
    indent(indent(query))
  }\n  ) item\n) as ${name}`;
}

function rowQuery(
  part: Part,
  parent: Part,
  keywords: ReadonlySet<string>,
): string {
  return [
    shownBy(part, keywords),
    `from ${part.name} ${part.alias}`,
    `where ${conditionsOf(part, parent.alias, keywords).join(" and ")}`,
  ].join("\n");
}

function listQuery(
  { part, through }: Extract<PartField, { kind: "list" }>,
  parent: Part,
  keywords: ReadonlySet<string>,
): string {
  const near = through ?? part;
  const lines = [
    shownBy(part, keywords),
    `from ${near.name} ${near.alias}`,
  ];
  if (through !== undefined) {
    const on = conditionsOf(part, through.alias, keywords).join(" and ");
    lines.push(`join ${part.name} ${part.alias} on ${on}`);
  }
  const where = conditionsOf(near, parent.alias, keywords).join(" and ");
  // one order: an unchanged document stays the same bytes
  const order = part.table.key
    .map((name) => `${part.alias}.${quoteName(name, keywords)}`);
  return [...lines, `where ${where}`, `order by ${order.join(", ")}`]
    .join("\n");
}

function shownBy(part: Part, keywords: ReadonlySet<string>): string {
  const items = part.fields.map((field) => item(field, part, keywords));
  const line = items.join(", ");
  return line.length <= WIDTH && !line.includes("\n")
    ? `select ${line}`
    : `select\n${indent(items.join(",\n"))}`;
}

/** By what the rows of a part are found from the table before it, and that they are not marked as deleted. */
function conditionsOf(
  { steps, alias, mark }: Part,
  previous: string,
  keywords: ReadonlySet<string>,
): string[] {
  const step = steps.at(-1);
  const column = (name: string) => quoteName(name, keywords);
  const pairs = step === undefined ? [] : pairsOf(step);
  const conditions = pairs.map(([from, own]) =>
    `${alias}.${column(own)} = ${previous}.${column(from)}`
  );
  if (mark !== undefined) {
    conditions.push(mark.kept(`${alias}.${column(mark.column)}`));
  }
  return conditions;
}

function indent(text: string): string {
  return text.split("\n").map((line) => `  ${line}`).join("\n");
}
