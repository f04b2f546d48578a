import { quoteName, writeName } from "./init_names.ts";
import type { Stamp } from "./init_stamps.ts";
import type { WatchedPart } from "./init_watch.ts";
import {
  comment,
  commentList,
  escapeVariables,
  scalar,
} from "./init_yaml_text.ts";

/** The zone of times that have none, and whether it is no more than a guess. */
export interface GivenZone {
  readonly name: string;
  readonly isGuess: boolean;
}

const INDENT = "      ";
const INNER = "        ";

/** A longer query is written on several lines. */
const MAX_LINE = 160;

/** Whether a stamp has no zone of its own. */
export function isLocal(kind: Stamp["kind"] | undefined): boolean {
  return kind === "local" || kind === "date";
}

/** A table of the list `watch`, as lines of config.yaml; one that cannot be watched as a comment. */
export function watchLines(
  part: WatchedPart,
  { timeZone, keywords }: {
    timeZone: GivenZone;
    keywords: ReadonlySet<string>;
  },
): string[] {
  const { table, name, stamp, missing } = part;
  const wanted = commentList(
    "Wants, where the table is large:",
    missing,
    INDENT,
  );
  if (stamp !== undefined) {
    return [
      ...describeStamp(part, stamp),
      ...wanted,
      ...entryLines(part, stamp, timeZone),
    ];
  }
  const key = table.key.map((column) => quoteName(column, keywords));
  const entry = entryLines(part, ADDED, timeZone);
  return [
    ...commentList(
      `Not watched: no column of ${name} tells of changes, which arrive with the sweep by content, once a day unless \`sweep\` says otherwise. To have them at once, run this, make a trigger as in docs/operations.md, and take the marks away from the lines below.`,
      [
        `alter table ${name} add column updated_at timestamptz not null default now();`,
        `create index on ${name} (updated_at, ${key.join(", ")});`,
      ],
      INDENT,
    ),
    ...wanted,
    ...entry.map((line) => line.replace(INDENT, `${INDENT}# `)),
  ];
}

/** The column that a table gets where it has none. */
const ADDED: Stamp = {
  column: "updated_at",
  kind: "instant",
  tells: "changes",
};

/** What is left to the sweep by a stamp that is not of each change, or is no time. */
function describeStamp(
  { name, table }: WatchedPart,
  { column, kind, tells }: Stamp,
): string[] {
  if (table.key.length === 1 && table.key[0] === column) {
    return comment(
      `No column of ${name} tells of changes, so rows are followed by their key: new ones arrive at once, changed ones with the sweep by content. A column updated_at with a trigger, as in docs/operations.md, tells of both.`,
      INDENT,
    );
  }
  if (tells === "new rows") {
    return comment(
      `${column} tells of new rows: what is changed or removed later arrives with the sweep.`,
      INDENT,
    );
  }
  if (kind !== "number") return [];
  return comment(
    `${column} is a number, which tells nothing of late commits: what they bring may arrive with the sweep.`,
    INDENT,
  );
}

function entryLines(
  { table: { schema, name, key }, documentIds }: WatchedPart,
  { column, kind }: Stamp,
  timeZone: GivenZone,
): string[] {
  const label = `${writeName(schema)}.${writeName(name)}`;
  const lines = [`${INDENT}- table: ${scalar(label)}`];
  const add = (text: string) => lines.push(`${INNER}${text}`);
  if (column !== "updated_at") add(`updated_at: ${scalar(writeName(column))}`);
  if (isLocal(kind)) add(`time_zone: ${timeZone.name}`);
  const [only] = key;
  const names = key.map((name) => scalar(writeName(name)));
  if (key.length > 1) add(`key: [${names.join(", ")}]`);
  else if (only !== undefined && only !== "id") {
    add(`key: ${names.join()}`);
  }
  const [query, ...others] = documentIds;
  if (query === undefined) return lines;
  const line = query.replaceAll("\n", " ");
  if (others.length === 0 && line.length <= MAX_LINE) {
    add(`document_ids: ${scalar(line)}`);
    return lines;
  }
  add("document_ids: |");
  for (const line of documentIds.join("\nunion\n").split("\n")) {
    add(`  ${escapeVariables(line)}`);
  }
  return lines;
}
