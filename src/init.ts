import { join, resolve } from "node:path";
import { indexName } from "./config_indexes.ts";
import { configJsonSchema } from "./config_json_schema.ts";
import type { PostgresConfig } from "./config_postgres.ts";
import { parseTable, type TableName } from "./config_tables.ts";
import { readAddress } from "./init_address.ts";
import { type Catalog, readCatalog } from "./init_catalog.ts";
import { expectNone, refuse, writeFiles } from "./init_files.ts";
import { findTable } from "./init_lookup.ts";
import { writeIndexConfig } from "./init_mapping.ts";
import { quoteTable } from "./init_names.ts";
import { findCounter, findStamp } from "./init_stamps.ts";
import { MAX_STEPS, planTree } from "./init_tree.ts";
import { planWatch } from "./init_watch.ts";
import { INDEX_CONFIG_FILE, SCHEMA_FILE, writeConfig } from "./init_yaml.ts";
import { createLog } from "./logging.ts";
import { openSource } from "./postgres.ts";

/** The command line of `init`. */
export interface InitArguments {
  /** The table that the documents are of, as SQL names it. */
  readonly table: string;
  /** The address of the database; the variables of config.yaml without it. */
  readonly url?: string;
  /** The name of the index; that of the table without it. */
  readonly name?: string;
  /** The folder that the files are written to. */
  readonly out: string;
}

const CONFIG_FILE = "config.yaml";

/**
 * Writes a configuration to begin with for the documents of a table, from what PostgreSQL's catalog says of it and of the
 * tables that foreign keys lead to. Reads no row, and writes over no file. Tells what it wrote, and what to do next.
 * @throws {EtlError} `config-invalid` when the table cannot be followed, or a file is there already.
 */
export async function init(given: InitArguments): Promise<void> {
  const table = readTable(given.table);
  const folder = resolve(given.out);
  await expectNone(given.out, [CONFIG_FILE, INDEX_CONFIG_FILE, SCHEMA_FILE]);
  const name = readName(given.name ?? toIndexName(table.name));
  const env = Deno.env.toObject();
  const address = await readAddress(given.url, { env, folder });
  const catalog = await askCatalog(address, table);
  checkRoot(catalog);
  const { root, keywords } = catalog;
  const zone = catalog.timeZone ?? "";
  const isKnown = /^[A-Za-z_]+\/[\w+/-]+$/.test(zone) || zone === "UTC";
  const timeZone = { name: isKnown ? zone : "UTC", isGuess: !isKnown };
  const tree = planTree(catalog, timeZone.name);
  const watch = planWatch(tree.root, keywords);
  const draft = { name, address, tree, watch, timeZone, keywords };
  await writeFiles(given.out, {
    [INDEX_CONFIG_FILE]: writeIndexConfig(tree.root),
    [SCHEMA_FILE]: `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
    [CONFIG_FILE]: writeConfig(draft),
  });
  tellNext(given.out, {
    table: quoteTable(root, keywords),
    needsPassword: address.password !== undefined,
  });
}

function readTable(written: string): TableName {
  return parseTable(written.trim()) ?? refuse(
    '--table: is not the name of a table, write TABLE, SCHEMA.TABLE or \'"My Schema"."My Table"\'',
  );
}

function readName(written: string): string {
  const { data, error } = indexName().safeParse(written);
  return data ?? refuse(`--name: ${error?.issues[0]?.message}`);
}

/** The name of a table as one of an index; what cannot be told by it alone is refused later. */
function toIndexName(table: string): string {
  return table.toLowerCase().replaceAll(/[\\/*?"<>|\s,#:]+/g, "-")
    .replace(/^[-_+.]+/, "") || "documents";
}

/** What the catalog says, asked once: nobody waits for a server that is away. */
async function askCatalog(
  address: PostgresConfig,
  table: TableName,
): Promise<Catalog> {
  const persister = { persist: <T>(action: () => Promise<T>) => action() };
  const source = openSource(address, { persister, log: createLog() });
  const { signal } = new AbortController();
  try {
    const id = await findTable(source, table, signal);
    return await readCatalog(source, { id, depth: MAX_STEPS - 1, signal });
  } finally {
    await source[Symbol.asyncDispose]();
  }
}

/** Whether the documents of a table can be told apart, and its changes be found. */
function checkRoot({ root, keywords }: Catalog): void {
  const name = quoteTable(root, keywords);
  if (!root.isReadable) {
    refuse(
      `--table: the role may not read ${name}, grant it: grant select on ${name} to …`,
    );
  }
  if (root.key.length === 0) {
    refuse(
      `--table: ${name} has no primary key, by which documents are told apart, make one: alter table ${name} add primary key (…)`,
    );
  }
  const odd = root.key.find((column) => column.startsWith("_"));
  if (odd !== undefined) {
    refuse(
      `--table: the key of ${name} is ${odd}, but no field's name may begin with an underscore, rename the column`,
    );
  }
  if (findStamp(root.columns) ?? findCounter(root)) return;
  refuse(
    `--table: no column of ${name} tells of changes, make one: alter table ${name} add column updated_at timestamptz not null default now(), and a trigger as docs/operations.md shows`,
  );
}

function tellNext(
  out: string,
  { table, needsPassword }: { table: string; needsPassword: boolean },
): void {
  const config = join(out, CONFIG_FILE);
  const password = needsPassword
    ? `Set DB_PASSWORD, in the environment or in ${join(out, ".env")}.\n`
    : "";
  const text = `Wrote ${config} and ${
    join(out, INDEX_CONFIG_FILE)
  } for ${table}.
${password}Read the comments, then:
  pg2es check --config ${config}
  pg2es run --config ${config}
`;
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
