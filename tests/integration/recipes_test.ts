import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { runToEnd } from "./agent_process.ts";
import { type Block, readPage } from "./page_blocks.ts";
import { FINDS_NESTED_VECTORS } from "../search_server.ts";
import { openWorld, type World } from "./world.ts";

/** The role that the pages call `indexer`. */
const AGENT = { user: "movies_db_admin", password: "tester100" };

const SECTION_OF_STAMPS = "A stamp for every table";
const SECTION_OF_VECTORS = "Meaning: vectors";

/** A recipe that is being cooked. */
interface Kitchen {
  readonly world: World;
  /** Put before the names of indexes: other tests have the same server. */
  readonly prefix: string;
  readonly names: Set<string>;
  readonly stamps: string;
  isLoaded: boolean;
}

const blocks = await readPage("docs/recipes.md");
const recipes = Map.groupBy(blocks, ({ section }) => section);
ok(recipes.has(SECTION_OF_VECTORS));

for (const [title, steps] of recipes) {
  Deno.test({
    name: `the recipe "${title}" does what it says`,
    ignore: title === SECTION_OF_VECTORS && !FINDS_NESTED_VECTORS,
    fn: () => follow(steps),
  });
}

async function follow(steps: readonly Block[]): Promise<void> {
  await using world = await openWorld({ sql: "", indexes: NONE });
  const stamps = (await readPage("docs/operations.md"))
    .filter(({ section }) => section === SECTION_OF_STAMPS)
    .filter(({ language }) => language === "sql")
    .map(({ text }) => text);
  const kitchen: Kitchen = {
    world,
    prefix: `${world.indexName().split("-")[0]}-`,
    names: new Set(namesIn(steps)),
    stamps: stamps.join("\n"),
    isLoaded: false,
  };
  for (const [place, block] of steps.entries()) {
    await cook(kitchen, block, steps[place + 1]);
  }
  ok(kitchen.isLoaded, "nothing was loaded");
}

const NONE =
  `[{name: none, index_config: index_config.json, document: select 1 as id, watch: [{table: none}]}]`;

/** The names of the indexes of a recipe. */
function namesIn(steps: readonly Block[]): string[] {
  return steps.filter(({ language }) => language === "yaml").flatMap((block) =>
    Array.from(block.text.matchAll(/- name: (\S+)/g), ([, name = ""]) => name)
  );
}

async function cook(
  kitchen: Kitchen,
  { language, text, file }: Block,
  next: Block | undefined,
): Promise<void> {
  const { world, prefix } = kitchen;
  if (language === "sql") {
    const sql = text.replaceAll(/\bindexer\b/g, AGENT.user);
    await world.sql(sql);
    if (/create table/.test(sql)) await world.sql(kitchen.stamps);
  } else if (language === "yaml") {
    const config = text.replaceAll(/- name: (?=\S)/g, `- name: ${prefix}`);
    await Deno.writeTextFile(world.configFile, config);
  } else if (language === "json" && file !== undefined) {
    await Deno.writeTextFile(join(world.folder, file), text);
  } else if (language === "sh") {
    for (const line of text.trim().split("\n")) await run(kitchen, line);
  } else if (language === "http") await ask(kitchen, text, next);
  else equal(language, "json", "no test knows what to do with such a block");
}

async function run(kitchen: Kitchen, line: string): Promise<void> {
  const { world } = kitchen;
  const { hostname, port, pathname } = new URL(world.databaseUrl);
  const [program, ...args] = line.split(" ");
  equal(program, "pg2es");
  const ending = await runToEnd({
    folder: world.folder,
    args,
    env: {
      DB_HOST: hostname,
      DB_PORT: port,
      DB_NAME: pathname.slice(1),
      DB_USER: AGENT.user,
      DB_PASSWORD: AGENT.password,
      ES_URL: world.elasticsearchUrl,
    },
  });
  equal(ending.code, 0, `${line}: ${ending.stdout}${ending.stderr}`);
  if (args[0] === "run") kitchen.isLoaded = true;
}

/** Sends a request; the answer to a search is the next block. */
async function ask(
  kitchen: Kitchen,
  text: string,
  next: Block | undefined,
): Promise<void> {
  const { world, prefix } = kitchen;
  const [line = "", ...body] = text.split("\n");
  const [, method = "", name = "", rest = ""] =
    /^(\w+) \/([^/?]+)(\S*)$/.exec(line) ?? [];
  ok(kitchen.names.has(name), `${name} is the name of no index`);
  const isSearch = rest.startsWith("/_search");
  if (isSearch && !kitchen.isLoaded) {
    await run(kitchen, "pg2es check");
    await run(kitchen, "pg2es run --once");
  }
  const path = `/${prefix}${name}`;
  if (isSearch) await world.search("POST", `${path}/_refresh`);
  const answer = await world.search(method, `${path}${rest}`, body.join("\n"));
  ok(answer.status < 300, answer.text);
  if (!isSearch) return;
  equal(next?.language, "json", "the answer is missing");
  deepEqual(JSON.parse(answer.text), JSON.parse(next?.text ?? ""));
}
