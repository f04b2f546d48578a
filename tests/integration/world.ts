import { join } from "node:path";
import { type Document, isSeq, parseDocument } from "yaml";
import { z } from "zod";
import {
  type ExampleTemplate,
  openExampleTemplate,
} from "./example_template.ts";
import { type IndexedDocument, openSearch } from "./search.ts";
import { openSession, type Row, type Session } from "./session.ts";
import { dropSlots, openWalRole } from "./wal_access.ts";

export { openSession, type Row, type Session };

/** What a world is made of; the bundled example unless it says otherwise. */
export interface WorldOptions {
  /** What fills an empty database, by the superuser; the agent may read it. The example's database without it. */
  readonly sql?: string;
  /** The list `indexes` of config.yaml as YAML; each name gets the world's own prefix. The bundled list without it. */
  readonly indexes?: string;
  /** Files beside config.yaml by name, in place of the bundled index_config.json or besides it. */
  readonly files?: Readonly<Record<string, string>>;
  /** What the database is called, and every index begins with; one that nobody else has without it. */
  readonly prefix?: string;
  /** Values of config.yaml by path, such as `{"postgres.page_size": 10}`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /**
   * Where changes come from; what PG2ES_TEST_FOLLOW says, or polling. By the log it is with a role of the agent's that may
   * have slots and publications.
   */
  readonly follow?: "polling" | "wal";
  /** The superuser's address of PostgreSQL and the address of Elasticsearch, where these are not those of all tests. */
  readonly postgres?: string;
  readonly elasticsearch?: string;
}

/** A database, indexes and a folder with a configuration, all of one test; disposing of it removes them. */
export interface World extends AsyncDisposable {
  /** Holds config.yaml, the files beside it and, once the agent has run, state.yaml. */
  readonly folder: string;
  readonly configFile: string;
  readonly stateFile: string;
  /** The superuser's address of this world's database. */
  readonly databaseUrl: string;
  readonly elasticsearchUrl: string;
  /** The full name of the index that the configuration calls `name`; of the first one without it. */
  indexName(name?: string): string;
  /** Writes values into config.yaml by path, such as `{"postgres.page_size": 10}`. */
  configure(settings: Readonly<Record<string, unknown>>): Promise<void>;
  /** Runs SQL as the superuser on a connection of its own; every value of the rows is text or null. */
  sql(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** A superuser's connection for a transaction that stays open; disposing of it ends it. */
  connect(): Promise<Session>;
  /** Waits until no transaction on the server is older than what was written so far: then a scan need not look at it twice. */
  settle(): Promise<void>;
  /** Every document of an index by id, after a refresh. */
  documents(name?: string): Promise<Map<string, IndexedDocument>>;
  /** The text of Elasticsearch's answer to a request, whatever its status. */
  search(
    method: string,
    path: string,
    body?: string,
  ): Promise<{ status: number; text: string }>;
}

const ROOT = new URL("../../", import.meta.url);

const Address = z.url({
  error:
    "Cannot reach a server to test with: this is no URL. Set it, or run `deno task test`",
});

const Servers = z.object({
  PG2ES_TEST_POSTGRES: Address,
  PG2ES_TEST_ELASTICSEARCH: Address,
});

/** Opens a world of its own on servers that are there. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const servers = Servers.parse({
    ...Deno.env.toObject(),
    ...(options.postgres && { PG2ES_TEST_POSTGRES: options.postgres }),
    ...(options.elasticsearch &&
      { PG2ES_TEST_ELASTICSEARCH: options.elasticsearch }),
  });
  const superuserUrl = servers.PG2ES_TEST_POSTGRES;
  const elasticsearchUrl = servers.PG2ES_TEST_ELASTICSEARCH.replace(/\/$/, "");
  const { prefix = uniquePrefix() } = options;
  const search = openSearch(elasticsearchUrl);
  await using opened = new AsyncDisposableStack();

  const template = await openExampleTemplate(superuserUrl);
  const databaseUrl = withDatabase(superuserUrl, prefix);
  const follow = options.follow ?? Deno.env.get("PG2ES_TEST_FOLLOW");
  const isByWal = follow === "wal";
  opened.defer(async () => {
    await dropSlots(superuserUrl, prefix);
    await runSql(
      superuserUrl,
      `drop database if exists ${prefix} with (force)`,
    );
  });
  await createDatabase(superuserUrl, { name: prefix, template, options });
  const login = isByWal ? await openWalRole(superuserUrl) : template.agent;
  opened.defer(() => search.deleteIndexes(prefix));

  const folder = await Deno.makeTempDir({ prefix: "pg2es_" });
  opened.defer(() => Deno.remove(folder, { recursive: true }));
  await writeFiles(folder, options.files);
  const configFile = join(folder, "config.yaml");
  const config = await readBundledConfig(options.indexes);
  const names = prefixNames(config.get("indexes"), prefix);
  const { hostname, port } = new URL(superuserUrl);
  async function configure(
    settings: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    for (const [path, value] of Object.entries(settings)) {
      const keys = path.split(".").map((key) =>
        /^\d+$/.test(key) ? Number(key) : key
      );
      config.setIn(keys, config.createNode(value));
    }
    await Deno.writeTextFile(configFile, config.toString());
  }
  await configure({
    postgres: {
      host: hostname,
      port: Number(port),
      database: prefix,
      ...login,
    },
    ...(isByWal ? { follow } : {}),
    elasticsearch: { node: elasticsearchUrl },
    fetch_delay: "50ms",
    load_save_period: "0s",
    retry: { min_delay: "10ms", max_delay: "200ms", multiplier: 2 },
    ...options.settings,
  });

  function indexName(name = names[0]): string {
    if (name === undefined || !names.includes(name)) {
      throw new RangeError(`Cannot find index ${name}: there are ${names}`);
    }
    return `${prefix}-${name}`;
  }
  const kept = opened.move();
  return {
    folder,
    configFile,
    stateFile: join(folder, "state.yaml"),
    databaseUrl,
    elasticsearchUrl,
    indexName,
    configure,
    sql: (text, values) => runSql(databaseUrl, text, values),
    connect: () => openSession(databaseUrl),
    settle: () => settle(databaseUrl),
    documents: (name) => search.documents(indexName(name)),
    search: search.request,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function uniquePrefix(): string {
  return `w${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
}

/** A clone of the example's database, or an empty one with the SQL of the options run in it. */
async function createDatabase(
  superuserUrl: string,
  { name, template, options }: {
    name: string;
    template: ExampleTemplate;
    options: WorldOptions;
  },
): Promise<void> {
  const source = options.sql === undefined ? template.database : "template0";
  await runSql(superuserUrl, `create database ${name} template ${source}`);
  if (options.sql === undefined) return;
  const { user } = template.agent;
  await using session = await openSession(withDatabase(superuserUrl, name));
  await session.sql(
    `alter default privileges grant select on tables to ${user};
     alter default privileges grant usage on schemas to ${user}`,
  );
  await session.sql(options.sql);
}

async function writeFiles(
  folder: string,
  files: WorldOptions["files"],
): Promise<void> {
  const name = "index_config.json";
  const bundled = await Deno.readTextFile(new URL(name, ROOT));
  for (const [path, text] of Object.entries({ [name]: bundled, ...files })) {
    await Deno.writeTextFile(join(folder, path), text);
  }
}

async function readBundledConfig(
  indexes: WorldOptions["indexes"],
): Promise<Document> {
  const text = await Deno.readTextFile(new URL("config.yaml", ROOT));
  const config = parseDocument(text);
  if (indexes !== undefined) {
    config.set("indexes", parseDocument(indexes).contents);
  }
  return config;
}

/** Puts the prefix before the names of the indexes; returns them as they were. */
function prefixNames(indexes: unknown, prefix: string): string[] {
  if (!isSeq(indexes)) throw new TypeError("Cannot find the list of indexes");
  return indexes.items.map((_, place) => {
    const name = z.string().parse(indexes.getIn([place, "name"]));
    indexes.setIn([place, "name"], `${prefix}-${name}`);
    return name;
  });
}

function withDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

async function runSql(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  await using session = await openSession(url);
  return await session.sql(text, values);
}

async function settle(url: string): Promise<void> {
  await using session = await openSession(url);
  const [now] = await session.sql(
    "select pg_snapshot_xmax(pg_current_snapshot())::text as written",
  );
  for (let lookCount = 0; lookCount < MAX_LOOKS; lookCount++) {
    const [row] = await session.sql(
      `select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as is_old,
         pg_sleep(0.01)::text`,
      [now?.["written"]],
    );
    if (row?.["is_old"] === "t") return;
  }
  throw new Error(
    "Cannot settle: a transaction on the server stays open. " +
      "Look at pg_stat_activity and pg_prepared_xacts",
  );
}

/** A minute, at ten milliseconds each. */
const MAX_LOOKS = 6_000;
