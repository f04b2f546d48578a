import { join } from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import {
  type Config,
  type IndexDefinition,
  loadConfig,
  type LoadedConfig,
} from "../src/config.ts";

/** Sections that load, and say as little as they can. */
export const POSTGRES =
  `postgres: {host: localhost, database: films, user: reader}`;
/** As {@linkcode POSTGRES}. */
export const ELASTICSEARCH = `elasticsearch: {node: "http://localhost:9200"}`;
/** As {@linkcode POSTGRES}; a table may follow. */
export const INDEXES = `indexes:
  - name: movies
    index_config: index_config.json
    document: |
      select id
      from film;
    watch:
      - table: film
`;

/** A folder of its own, where configurations are written and loaded. */
export interface ConfigFolder extends AsyncDisposable {
  readonly folder: string;
  /** Loads `text`, or the shortest configuration. */
  load(
    text?: string,
    env?: Readonly<Record<string, string>>,
  ): Promise<LoadedConfig>;
  /** Loads the index of {@linkcode INDEXES} with `keys`, a map, beside or in place of its own. */
  loadIndex(keys: string): Promise<IndexDefinition | undefined>;
  /** Loads `section` as the section `postgres`. */
  loadPostgres(
    section: string,
    env?: Readonly<Record<string, string>>,
  ): Promise<Config["postgres"]>;
}

/** A folder with an index configuration and `files`. */
export async function setup(
  files: Readonly<Record<string, string>> = {},
): Promise<ConfigFolder> {
  const folder = await Deno.makeTempDir();
  const indexConfig = { mappings: { dynamic: "strict", properties: {} } };
  const all = { "index_config.json": JSON.stringify(indexConfig), ...files };
  for (const [name, content] of Object.entries(all)) {
    await Deno.writeTextFile(join(folder, name), content);
  }
  async function load(
    text = `${POSTGRES}\n${ELASTICSEARCH}\n${INDEXES}`,
    env: Readonly<Record<string, string>> = {},
  ) {
    const file = join(folder, "config.yaml");
    await Deno.writeTextFile(file, text);
    return await loadConfig(file, env);
  }
  async function loadPostgres(
    section: string,
    env: Readonly<Record<string, string>> = {},
  ) {
    const text = `postgres: ${section}\n${ELASTICSEARCH}\n${INDEXES}`;
    return (await load(text, env)).config.postgres;
  }
  async function loadIndex(keys: string) {
    const index = z.object({ indexes: z.tuple([z.looseObject({})]) })
      .parse(parse(INDEXES)).indexes[0];
    const indexes = [{ ...index, ...z.looseObject({}).parse(parse(keys)) }];
    const text = `${POSTGRES}\n${ELASTICSEARCH}\n${stringify({ indexes })}`;
    return (await load(text)).config.indexes[0];
  }
  return {
    folder,
    load,
    loadIndex,
    loadPostgres,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
