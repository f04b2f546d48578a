import type { PostgresConfig } from "./config_postgres.ts";
import { quoteName } from "./init_names.ts";
import type { Part } from "./init_part.ts";
import { writeQuery } from "./init_query.ts";
import type { DocumentTree } from "./init_tree.ts";
import { listParts, type WatchedPart } from "./init_watch.ts";
import {
  comment,
  commentList,
  escapeVariables,
  scalar,
  variable,
} from "./init_yaml_text.ts";
import { type GivenZone, isLocal, watchLines } from "./init_yaml_watch.ts";

/** What a configuration is written from. */
export interface ConfigDraft {
  /** The name of the index. */
  readonly name: string;
  readonly address: PostgresConfig;
  readonly tree: DocumentTree;
  readonly watch: readonly WatchedPart[];
  readonly timeZone: GivenZone;
  readonly keywords: ReadonlySet<string>;
}

/** The names of the files beside config.yaml. */
export const INDEX_CONFIG_FILE = "index_config.json";
/** As {@linkcode INDEX_CONFIG_FILE}. */
export const SCHEMA_FILE = "config.schema.json";

const INDENT = "    ";

/** The text of config.yaml. */
export function writeConfig(draft: ConfigDraft): string {
  const { name, address, tree: { root }, watch, keywords } = draft;
  const lines = [
    `# yaml-language-server: $schema=${SCHEMA_FILE}`,
    "",
    ...comment(
      `Made by \`pg2es init\` from ${root.name}: a beginning, to be read and changed. \`pg2es check\` tells what stands in the way before the first row is loaded; docs/configuration.md has every key.`,
    ),
    "",
    ...postgresLines(address),
    "",
    "elasticsearch:",
    "  node: ${ES_URL:-http://localhost:9200}",
    ...comment("For an Elasticsearch that asks who comes.", "  "),
    "  username: ${ES_USER:-}",
    "  password: ${ES_PASSWORD:-}",
    "",
    "indexes:",
    `  - name: ${scalar(name)}`,
    "",
    ...comment(
      "The types of the fields. A text is found by its words, and as a whole by its name with .raw behind it; a list is nested. Another type for a field takes another index: look at them before the first load.",
      INDENT,
    ),
    `    index_config: ${INDEX_CONFIG_FILE}`,
    "",
    ...documentComment(draft),
    "    document: |",
    ...writeQuery(root, keywords).split("\n")
      .map((line) => `      ${escapeVariables(line)}`),
    "",
    ...watchComment(draft),
    "    watch:",
    ...watch.flatMap((part, place) => {
      const lines = watchLines(part, draft);
      const isCommented = lines[0]?.trimStart().startsWith("#");
      return isCommented && place > 0 ? ["", ...lines] : lines;
    }),
    "",
    ...comment(
      "What no stamp tells, such as rows that are deleted, arrives with the sweep, which compares the whole index: by ids, and by content. These are the defaults.",
      INDENT,
    ),
    "    # sweep: {ids: 1h, content: 24h}",
  ];
  return `${lines.join("\n")}\n`;
}

function postgresLines(
  { host, port, otherHosts, database, user, password, ssl }: PostgresConfig,
): string[] {
  const hosts = otherHosts ?? [];
  const several = [{ host, port }, ...hosts].map(({ host, port }) =>
    `    - ${scalar(`${host.includes(":") ? `[${host}]` : host}:${port}`)}`
  );
  return [
    "postgres:",
    ...(hosts.length > 0 ? ["  hosts:", ...several] : [
      `  host: ${variable("DB_HOST", host)}`,
      `  port: ${variable("DB_PORT", String(port))}`,
    ]),
    `  database: ${variable("DB_NAME", database)}`,
    ...comment(
      "A role that may read, and no more: docs/operations.md says what it needs.",
      "  ",
    ),
    `  user: ${variable("DB_USER", user)}`,
    ...comment(
      "The password is in the environment, or in .env beside this file; not here.",
      "  ",
    ),
    `  password: \${DB_PASSWORD${password === undefined ? ":-" : ""}}`,
    ...(ssl === false ? [] : ["  ssl: true"]),
  ];
}

function watchComment({ watch, timeZone }: ConfigDraft): string[] {
  const hasLocal = watch.some(({ stamp }) => isLocal(stamp?.kind));
  const guess = timeZone.isGuess ? " UTC is a guess." : "";
  return comment(
    `The tables whose changes reach a document, the root first; document_ids leads from changed rows to documents.${
      hasLocal
        ? ` time_zone is the zone of times that have none of their own: that of the sessions that write them.${guess}`
        : ""
    }`,
    INDENT,
  );
}

function documentComment({ tree, keywords }: ConfigDraft): string[] {
  const byTable = new Map(
    listParts(tree.root).map((part) => [part.table.id, part]),
  );
  const parts = [...byTable.values()];
  const column = (part: Part, name: string) =>
    `${part.name}.${quoteName(name, keywords)}`;
  const leftOut = parts.flatMap((part) =>
    part.leftOut.map((one) => `${column(part, one.column)}: ${one.why}`)
  );
  const marks = parts.flatMap((part) =>
    part.mark === undefined ? [] : column(part, part.mark.column)
  );
  return [
    ...comment(
      "One row a document: its columns are the fields, and its key is the _id. Take out what nobody searches for, here and in the fields.",
      INDENT,
    ),
    ...commentList(
      "Rows that are marked as deleted are no documents, and in no list:",
      marks,
      INDENT,
    ),
    ...commentList("Left out:", leftOut, INDENT),
    ...commentList(
      "Not read, though a foreign key leads there:",
      tree.notes,
      INDENT,
    ),
  ];
}
