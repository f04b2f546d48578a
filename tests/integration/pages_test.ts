import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { startPostgres } from "../../dev/postgres.ts";
import { findPostgres } from "../../dev/postgres_home.ts";
import { runToEnd } from "./agent_process.ts";
import { startAgent } from "./agent_run.ts";
import { openClusterFolder } from "./history_cluster.ts";
import { type Block, readPage } from "./page_blocks.ts";
import { openSearch } from "./search.ts";
import { openWorld, type World } from "./world.ts";

/** What a world's own configuration has to have; these tests write others. */
const NONE =
  `[{name: none, index_config: index_config.json, document: select 1 as id, watch: [{table: none}]}]`;

const PASSWORD = "change-me";

/** The role that a page calls `indexer`, under a name of this test's own, since roles are the server's. */
function openIndexer(world: World) {
  const user = `indexer_${crypto.randomUUID().replaceAll("-", "")}`;
  return {
    user,
    /** A text of a page with this role in it. */
    in: (text: string) => text.replaceAll(/\bindexer\b/g, user),
    async [Symbol.asyncDispose]() {
      await world.sql(`drop owned by ${user}; drop role ${user}`);
    },
  };
}

async function readSql(path: string): Promise<Block[]> {
  return (await readPage(path)).filter(({ language }) => language === "sql");
}

/** What psql says of statements, each a transaction of its own. */
async function runPsql(world: World, text: string): Promise<string> {
  const psql = new Deno.Command(join(await findPostgres(), "psql"), {
    args: ["--no-psqlrc", "-v", "ON_ERROR_STOP=1", world.databaseUrl],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = psql.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout, stderr } = await psql.output();
  ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("the statements of operations.md make a database that check has nothing to say of", async () => {
  await using world = await openWorld({
    follow: "polling",
    sql: `
      create table product (id bigint primary key, name text not null);
      create table review (
        id bigint primary key,
        product_id bigint not null references product,
        "Words" text
      );
      create table "Odd Link" (
        "A" bigint references product, b bigint, primary key (b, "A")
      );
      insert into product values (1, 'Lamp'), (2, 'Rope');`,
    indexes: `
      - name: products
        index_config: products.json
        document: |
          select p.id, p.name,
            (select coalesce(json_agg("Words" order by id), '[]') from review r where r.product_id = p.id) as words
          from product p
        watch:
          - table: product
          - {table: review, document_ids: select product_id from review where id = any($1)}`,
    files: {
      "products.json": JSON.stringify({
        mappings: {
          dynamic: "strict",
          properties: {
            id: { type: "long" },
            name: { type: "text" },
            words: { type: "text" },
          },
        },
      }),
    },
  });
  await using indexer = openIndexer(world);
  const answers = new Map<string, unknown>();
  for (const { text, section } of await readSql("docs/operations.md")) {
    const rows = await world.sql(indexer.in(text));
    answers.set(`${section}: ${Object.keys(rows[0] ?? {}).join()}`, rows);
  }
  const Counted = z.tuple([z.object({ documents: z.literal("2") })]);
  Counted.parse(answers.get("Sizing: documents,average,largest"));
  deepEqual(answers.get("Sizing: changed_in_the_last_day"), [
    { changed_in_the_last_day: "2" },
  ]);
  deepEqual(answers.get("Indexes: of_table,foreign_key"), [
    { of_table: '"Odd Link"', foreign_key: "Odd Link_A_fkey" },
    { of_table: "review", foreign_key: "review_product_id_fkey" },
  ]);
  await world.sql(
    `create table bare (id int, updated_at timestamptz);
     create index on review (product_id);`,
  );
  const [, without] = (await readSql("docs/operations.md"))
    .filter(({ section }) => section === "A stamp for every table");
  deepEqual(await world.sql(without?.text ?? ""), [{
    without_trigger: "bare",
  }]);

  await world.configure({
    "postgres.user": indexer.user,
    "postgres.password": PASSWORD,
  });
  const checked = await runToEnd({ folder: world.folder, args: ["check"] });
  match(checked.stdout, /^PostgreSQL .*: 0 errors, 0 warnings\n$/);
  const first = await runToEnd({
    folder: world.folder,
    args: ["run", "--once"],
  });
  equal(first.code, 0, first.stderr);
  await world.sql("update product set name = 'Cord' where id = 2");
  const next = await runToEnd({
    folder: world.folder,
    args: ["run", "--once"],
  });
  equal(next.code, 0, next.stderr);
  match((await world.documents()).get("2")?.source ?? "", /Cord/);
});

Deno.test("README.md leads from tables to documents", async () => {
  await using world = await openWorld({ sql: "", indexes: NONE });
  await using indexer = openIndexer(world);
  const blocks = await readPage("README.md");
  const own = blocks.filter(({ section }) => section === "Your own tables");
  for (const { language, text } of own) {
    if (language === "sql") await world.sql(indexer.in(text));
  }
  await world.sql("insert into review (product_id, text) values (1, 'Bright')");
  const { hostname, port, pathname } = new URL(world.databaseUrl);
  const prefix = `${world.indexName().split("-")[0]}-`;
  const address =
    `postgres://${indexer.user}:${PASSWORD}@${hostname}:${port}${pathname}`;
  const search = openSearch(world.elasticsearchUrl);
  const here = (text: string) =>
    text.replaceAll(/postgres:\/\/\S+/g, address)
      .replaceAll("http://localhost:9200", world.elasticsearchUrl);

  async function run(args: readonly string[]): Promise<void> {
    const ending = await runToEnd({
      folder: world.folder,
      args,
      env: { DB_PASSWORD: PASSWORD, ES_URL: world.elasticsearchUrl },
    });
    equal(ending.code, 0, `${args}: ${ending.stdout}${ending.stderr}`);
  }
  const [minutes] = blocks.filter(({ section, language }) =>
    section === "Two minutes" && language === "sh"
  );
  const commands = (minutes?.text ?? "").trim().split("\n").map((line) =>
    here(line).split(" ")
  );
  equal(commands.length, 3);
  for (const [deno, task, start, ...args] of commands) {
    deepEqual([deno, task, start], ["deno", "task", "start"]);
    const isInit = args[0] === "init";
    const isRun = args[0] === "--config";
    await run([
      ...args,
      ...(isInit ? ["--name", `${prefix}product`] : []),
      ...(isRun ? ["--once"] : []),
    ]);
  }
  const [made] = await search.documents(`${prefix}product`);
  const Made = z.object({
    name: z.literal("Lamp"),
    price: z.literal(12.5),
    review: z.tuple([
      z.object({ id: z.literal(1), text: z.literal("Bright") }),
    ]),
  });
  Made.parse(JSON.parse(made?.[1].source ?? ""));

  for (const { language, text, file } of own) {
    if (language === "json" && file !== undefined) {
      await Deno.writeTextFile(join(world.folder, file), text);
    }
    if (language !== "yaml") continue;
    const config = here(text).replace("name: ", `name: ${prefix}`);
    await Deno.writeTextFile(world.configFile, config);
  }
  await run(["run", "--once"]);
  const [written] = await search.documents(`${prefix}products`);
  deepEqual(JSON.parse(written?.[1].source ?? ""), {
    id: 1,
    name: "Lamp",
    price: 12.5,
    reviews: ["Bright"],
  });
});

Deno.test("the statements of tuning.md show how a page is read", async () => {
  await using world = await openWorld({
    sql: `create table product (id int primary key, name text);
      insert into product select n, 'n' || n from generate_series(1, 2000) n;
      analyze`,
    indexes: NONE,
  });
  const [block] = await readSql("docs/tuning.md");
  const text = (block?.text ?? "").replace(
    "…",
    "select p.id, p.name from product p",
  );
  match(await runPsql(world, text), /Index Cond|Bitmap|Seq Scan/);
});

Deno.test("the statements of wal.md let the example be followed by the log, and leave nothing", async () => {
  await using folder = await openClusterFolder();
  // they are for a whole server
  await using server = await startPostgres({
    folder: join(folder.path, "server"),
  });
  const name = "pg2es_movies_database";
  await using world = await openWorld({
    postgres: server.url,
    settings: { follow: "wal", wal: { slot: name } },
  });
  await world.sql("create table content.review (id int primary key)");
  const [settings, publication, identity, end, ...others] = await readSql(
    "docs/wal.md",
  );
  equal(others.length, 0);
  for (const block of [settings, publication, identity]) {
    await runPsql(world, block?.text ?? "");
  }
  {
    await using agent = startAgent(world);
    await agent.untilLogged("changes are followed by the log", { slot: name });
    await agent.untilLogged("pass finished", { kind: "load" });
  }
  await runPsql(world, end?.text ?? "");
  const left = await world.sql(
    `select slot_name::text as name from pg_replication_slots
     union all select pubname::text from pg_publication`,
  );
  deepEqual(left, []);
});

Deno.test("every statement in the documents is run by a test", async () => {
  const run = [
    "README.md",
    "docs/operations.md",
    "docs/recipes.md",
    "docs/tuning.md",
    "docs/wal.md",
  ];
  const others: string[] = [];
  for await (
    const { name } of Deno.readDir(new URL("../../docs", import.meta.url))
  ) {
    const path = `docs/${name}`;
    if (!name.endsWith(".md") || run.includes(path)) continue;
    const blocks = await readSql(path);
    // the statement that the agent makes, as decisions and pages show it
    others.push(...blocks.map(({ section }) => `${path}: ${section}`));
  }
  deepEqual(others, []);
});
