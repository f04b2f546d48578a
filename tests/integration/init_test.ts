import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { z } from "zod";
import { runToEnd } from "./agent_process.ts";
import { readFilms } from "./films.ts";
import { BLOG } from "./init/blog.ts";
import { GEO } from "./init/geo.ts";
import type { Sample } from "./init/sample.ts";
import { SHAPES } from "./init/shapes.ts";
import { SHOP } from "./init/shop.ts";
import { openSearch } from "./search.ts";
import { KNOWS_FLATTENED } from "../search_server.ts";
import { openWorld, type World } from "./world.ts";

const AGENT = { user: "movies_db_admin", password: "tester100" };

/** The folder that `init` writes to, below the world's. */
const OUT = "made";

const Source = z.record(z.string(), z.unknown());
const Report = z.object({
  findings: z.array(z.object({ level: z.string(), text: z.string() })),
});

function addressOf(world: World): string {
  const url = new URL(world.databaseUrl);
  url.username = AGENT.user;
  url.password = AGENT.password;
  return url.href;
}

/** The program in the folder of a world, with the variables of what `init` writes. */
async function runThere(world: World, args: readonly string[]) {
  return await runToEnd({
    folder: world.folder,
    args,
    env: { DB_PASSWORD: AGENT.password, ES_URL: world.elasticsearchUrl },
  });
}

async function runInit(world: World, args: readonly string[]) {
  const own = [
    "--url",
    addressOf(world),
    "--out",
    OUT,
    "--name",
    nameOf(world),
  ];
  return await runThere(world, ["init", ...own, ...args]);
}

/** Of the world: it is deleted with it. */
function nameOf(world: World): string {
  return `${world.indexName().split("-")[0]}-made`;
}

/** The command of what `init` wrote, which is expected to succeed. */
async function runMade(world: World, args: readonly string[]) {
  if (!KNOWS_FLATTENED) await nameFlatObjects(world);
  const config = ["--config", join(OUT, "config.yaml")];
  const ending = await runThere(world, [...args, ...config]);
  equal(ending.code, 0, `${args}: ${ending.stdout}${ending.stderr}`);
  return ending;
}

/** Writes what docs/init.md says to write for OpenSearch. */
async function nameFlatObjects(world: World): Promise<void> {
  const file = join(world.folder, OUT, "index_config.json");
  const text = await Deno.readTextFile(file);
  const flattened = /"type": "flattened",\s+"ignore_above": \d+/g;
  await Deno.writeTextFile(
    file,
    text.replaceAll(flattened, '"type": "flat_object"'),
  );
}

/** The documents by id, without the field `stamp`. */
async function readDocuments(world: World, stamp: string) {
  const search = openSearch(world.elasticsearchUrl);
  const documents = await search.documents(nameOf(world));
  return new Map(
    [...documents].map(([id, { source }]) => {
      const { [stamp]: _, ...rest } = Source.parse(JSON.parse(source));
      return [id, rest];
    }),
  );
}

async function readMade(world: World, file: string): Promise<string> {
  return await Deno.readTextFile(join(world.folder, OUT, file));
}

Deno.test("init writes a configuration of the example that loads all its films", async () => {
  await using world = await openWorld();
  const ending = await runInit(world, ["--table", "content.film_work"]);
  equal(ending.code, 0, ending.stderr);
  match(
    ending.stdout,
    /^Wrote made\/config\.yaml and made\/index_config\.json/,
  );
  match(ending.stdout, /Set DB_PASSWORD, in the environment or in made\/\.env/);
  const text = await readMade(world, "config.yaml");
  match(text, /^# yaml-language-server: \$schema=config\.schema\.json\n/);
  ok(!text.includes(AGENT.password));
  const { stdout } = await runMade(world, ["check"]);
  match(stdout, /: 0 errors, 0 warnings\n$/);
  await runMade(world, ["run", "--once"]);
  const made = await readDocuments(world, "updated_at");
  const films = z.map(
    z.string(),
    z.looseObject({
      genres: z.array(z.unknown()),
      actors: z.array(z.unknown()),
    }),
  ).parse(await readFilms(world));
  equal(made.size, films.size);
  const Made = z.looseObject({
    title: z.string(),
    genre: z.array(z.looseObject({ id: z.string(), name: z.string() })),
    person_film_work: z.array(z.looseObject({
      role: z.string(),
      person: z.looseObject({ id: z.string(), full_name: z.string() }),
    })),
  });
  for (const [id, film] of films) {
    const { title, genre, person_film_work } = Made.parse(made.get(id));
    equal(title, film["title"]);
    const names = (named: unknown) =>
      z.array(z.object({ name: z.string() })).parse(named)
        .map(({ name }) => name).sort();
    deepEqual(genre.map(({ name }) => name).sort(), names(film.genres));
    const actors = person_film_work.filter(({ role }) => role === "actor");
    deepEqual(
      actors.map(({ person }) => person.full_name).sort(),
      names(film.actors),
    );
  }
});

for (const sample of [SHOP, BLOG, GEO, SHAPES]) {
  Deno.test(`init writes a configuration of ${sample.name} that follows every table`, async () => {
    await using world = await openWorld({ sql: sample.sql, indexes: NONE });
    const ending = await runInit(world, ["--table", sample.table]);
    equal(ending.code, 0, ending.stderr);
    await expectComments(world, sample);
    await expectWarnings(world, sample);
    await runMade(world, ["run", "--once"]);
    const expected = new Map(Object.entries(sample.documents));
    deepEqual(await readDocuments(world, sample.stamp), expected);
    for (const { sql, documents } of sample.changes) {
      await world.sql(sql);
      await runMade(world, ["run", "--once"]);
      for (const [id, document] of Object.entries(documents)) {
        if (document === null) expected.delete(id);
        else expected.set(id, document);
      }
      deepEqual(await readDocuments(world, sample.stamp), expected, sql);
    }
  });
}

/** What a world's own configuration has to have; `init` writes another one. */
const NONE =
  `[{name: none, index_config: index_config.json, document: select 1 as id, watch: [{table: none}]}]`;

/** A configuration with each sentence of its comments on one line. */
function unfold(text: string): string {
  return text.replaceAll(/(?<=\n *# \S.*)\n *# (?! )/g, " ");
}

async function expectComments(world: World, { comments }: Sample) {
  const text = unfold(await readMade(world, "config.yaml"));
  for (const comment of comments) match(text, comment);
}

async function expectWarnings(world: World, { warnings }: Sample) {
  const { stdout } = await runMade(world, ["check", "--json"]);
  const { findings } = Report.parse(JSON.parse(stdout));
  const told = findings.map(({ level, text }) => `${level}: ${text}`).sort();
  const unknown = told.filter((text) =>
    !warnings.some((warning) => warning.test(text))
  );
  deepEqual(unknown, []);
  const unseen = warnings.filter((warning) =>
    !told.some((text) => warning.test(text))
  );
  deepEqual(unseen, []);
}

Deno.test("init tells how to watch a table that no column stamps", async () => {
  await using world = await openWorld({ sql: SHOP.sql, indexes: NONE });
  const { code, stderr } = await runInit(world, ["--table", SHOP.table]);
  equal(code, 0, stderr);
  const text = await readMade(world, "config.yaml");
  const statements = text.matchAll(/^ +# +((?:alter|create)\b.*country.*;)$/gm);
  for (const [, statement = ""] of statements) await world.sql(statement);
  await world.sql(
    `create trigger stamp before update on shop.country
       for each row execute function shop.stamp()`,
  );
  const entry = /^ +# - table: shop\.country\n(?: +# {3}\S.*\n)*/m;
  const watched = text.replace(
    entry,
    (lines) => lines.replaceAll(/^( +)# /gm, "$1"),
  );
  await Deno.writeTextFile(join(world.folder, OUT, "config.yaml"), watched);
  const { stdout } = await runMade(world, ["check"]);
  ok(!stdout.includes("shop.country"), stdout);
  await runMade(world, ["run", "--once"]);
  await world.sql("update shop.country set name = 'Nederland'");
  await runMade(world, ["run", "--once"]);
  const lamp = (await readDocuments(world, SHOP.stamp)).get("1");
  ok(JSON.stringify(lamp).includes("Nederland"));
});

Deno.test("init follows a table whose key has several columns, with lists of what refers to it", async () => {
  await using world = await openWorld({ sql: GEO.sql, indexes: NONE });
  const { code, stderr } = await runInit(world, ["--table", "geo.country"]);
  equal(code, 0, stderr);
  await runMade(world, ["check"]);
  await runMade(world, ["run", "--once"]);
  const Country = z.looseObject({
    city: z.array(z.looseObject({ name: z.string() })),
  });
  const cities = async () =>
    Country.parse((await readDocuments(world, "updated_at")).get("EU|49"))
      .city.map(({ name }) => name);
  deepEqual(await cities(), ["Berlin"]);
  await world.sql(
    `update geo.city set continent = 'EU', country_number = 49 where id = 2`,
  );
  await runMade(world, ["run", "--once"]);
  deepEqual(await cities(), ["Berlin", "Nowhere"]);
});

Deno.test("init quotes names that hold whatever a name can hold", async () => {
  const odd = [
    ...["select", "Möwe", "a'b", 'a"b', "a\\b", "a#b: c", " x ", "$$", "\t"],
    ...["a\nb", "- a", "${A}", "$${A}", "a.b", "_id", "null", "🎬", "item"],
  ];
  const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const table = 'Odd "Schema".Table\n# x';
  const columns = odd.map((name) => `${quote(name)} text`);
  await using world = await openWorld({
    sql: `create schema ${quote(table)};
      create table ${quote(table)}.${quote(table)} (
        "Key: x" int primary key, ${columns.join(", ")},
        "Updated At" timestamptz not null default now()
      );
      insert into ${quote(table)}.${quote(table)}
        values (1, ${odd.map((_, place) => `'v${place}'`).join(", ")});
      create table ${quote(table)}.${quote(`${table}2`)} (
        "Other ${"${KEY}"}" int primary key,
        "one\ntwo" int references ${quote(table)}.${quote(table)},
        "Updated At" timestamptz not null default now()
      );
      insert into ${quote(table)}.${quote(`${table}2`)} values (5, 1);`,
    indexes: NONE,
  });
  const { code, stderr } = await runInit(world, [
    "--table",
    `${quote(table)}.${quote(table)}`,
  ]);
  equal(code, 0, stderr);
  await runMade(world, ["check"]);
  await runMade(world, ["run", "--once"]);
  const documents = await readDocuments(world, "Updated At");
  const values = Object.values(documents.get("1") ?? {})
    .filter((value) => typeof value === "string");
  deepEqual(values, odd.map((_, place) => `v${place}`));
  await world.sql(
    `insert into ${quote(table)}.${quote(`${table}2`)} values (6, 1)`,
  );
  await runMade(world, ["run", "--once"]);
  const [list] = Object.values(
    (await readDocuments(world, "Updated At")).get("1") ?? {},
  ).filter(Array.isArray);
  deepEqual(list, [{ "Other ${KEY}": 5 }, { "Other ${KEY}": 6 }]);
});

Deno.test("init shows columns of the types that extensions bring", async () => {
  const values: Readonly<Record<string, readonly [string, unknown]>> = {
    citext: ["'Words'", "Words"],
    hstore: ["'a=>1'", { a: "1" }],
    ltree: ["'top.sub'", "top.sub"],
  };
  await using world = await openWorld({ sql: "", indexes: NONE });
  const available = await world.sql("select name from pg_available_extensions");
  const types = Object.keys(values).filter((type) =>
    available.some(({ name }) => name === type)
  );
  // in a schema that no session looks for them in
  await world.sql(
    `create schema added; ${
      types.map((type) => `create extension ${type} schema added;`).join("")
    }
    create table item (
      id int primary key, updated_at timestamptz not null default now(),
      ${types.map((type) => `"${type}" added.${type}`).join(", ")}
    );
    insert into item (id, updated_at, ${types.join(", ")})
      values (1, now(), ${types.map((type) => values[type]?.[0]).join(", ")})`,
  );
  const { code, stderr } = await runInit(world, ["--table", "item"]);
  equal(code, 0, stderr);
  await runMade(world, ["check"]);
  await runMade(world, ["run", "--once"]);
  deepEqual((await readDocuments(world, "updated_at")).get("1"), {
    id: 1,
    ...Object.fromEntries(types.map((type) => [type, values[type]?.[1]])),
  });
});

Deno.test("init reads no row, and needs no table to be free", async () => {
  await using world = await openWorld();
  await using session = await world.connect();
  await session.sql("begin");
  await session.sql(
    `lock table content.film_work, content.genre, content.genre_film_work,
       content.person, content.person_film_work in access exclusive mode`,
  );
  const { code, stderr } = await runInit(world, [
    "--table",
    "content.film_work",
  ]);
  equal(code, 0, stderr);
});

Deno.test("init follows a table by its key where no column tells of changes", async () => {
  await using world = await openWorld({
    sql: `create table event (id bigint primary key, what text);
      insert into event values (1, 'a')`,
    indexes: NONE,
  });
  const { code, stderr } = await runInit(world, ["--table", "event"]);
  equal(code, 0, stderr);
  const text = unfold(await readMade(world, "config.yaml"));
  match(text, /rows are followed by their key/);
  await runMade(world, ["check"]);
  await runMade(world, ["run", "--once"]);
  await world.sql("insert into event values (2, 'b')");
  await runMade(world, ["run", "--once"]);
  deepEqual(
    [...(await readDocuments(world, "")).values()],
    [{ id: 1, what: "a" }, { id: 2, what: "b" }],
  );
});

Deno.test("init takes the address from the variables of the configuration", async () => {
  await using world = await openWorld();
  const { hostname, port, pathname } = new URL(world.databaseUrl);
  await Deno.mkdir(join(world.folder, OUT));
  await Deno.writeTextFile(
    join(world.folder, OUT, ".env"),
    `DB_PASSWORD=${AGENT.password}\nDB_USER=${AGENT.user}\n`,
  );
  const ending = await runToEnd({
    folder: world.folder,
    args: ["init", "--table", "content.genre", "--out", OUT],
    env: { DB_HOST: hostname, DB_PORT: port, DB_NAME: pathname.slice(1) },
  });
  equal(ending.code, 0, ending.stderr);
  const text = await readMade(world, "config.yaml");
  match(text, new RegExp(` {2}host: \\$\\{DB_HOST:-${hostname}\\}\n`));
  match(text, / {2}user: \$\{DB_USER:-movies_db_admin\}\n/);
  match(text, / {2}password: \$\{DB_PASSWORD\}\n/);
  match(text, / {2}- name: genre\n/);
});

const REFUSED: readonly {
  readonly name: string;
  readonly args: readonly string[];
  readonly told: RegExp;
  readonly code?: number;
}[] = [
  {
    name: "a table that is not there",
    args: ["--table", "film_works"],
    told:
      /^--table: there is no table public\.film_works in this database, write content\.film_work$/,
  },
  {
    name: "a table of another schema",
    args: ["--table", "genre"],
    told: /no table public\.genre in this database, write content\.genre$/,
  },
  {
    name: "a name that is none",
    args: ["--table", "film work"],
    told: /^--table: is not the name of a table/,
  },
  {
    name: "a view",
    args: ["--table", "content.titles"],
    told: /^--table: content\.titles is no table/,
  },
  {
    name: "a table without a key",
    args: ["--table", "content.keyless"],
    told: /^--table: content\.keyless has no primary key/,
  },
  {
    name: "a table without anything that tells of changes",
    args: ["--table", "content.still"],
    told:
      /^--table: no column of content\.still tells of changes, make one: alter table content\.still add column updated_at/,
  },
  {
    name: "a table that the role may not read",
    args: ["--table", "content.hidden"],
    told: /^--table: the role may not read content\.hidden, grant it/,
  },
  {
    name: "a key that is no field",
    args: ["--table", "content.odd"],
    told: /^--table: the key of content\.odd is _id, but/,
  },
  {
    name: "a name that is none of an index",
    args: ["--table", "content.genre", "--name", "Films"],
    told: /^--name: has capital letters/,
  },
  {
    name: "an address that is none",
    args: ["--table", "content.genre", "--url", "mysql://a:hunter2@b/c"],
    told: /^--url: is not the address of a database/,
  },
  {
    name: "no address",
    args: ["--table", "content.genre"],
    told: /^DB_NAME: is not set, set it .*or write --url/,
  },
  {
    name: "a folder that it may not write to",
    args: ["--table", "content.genre", "--out", "../elsewhere"],
    told: /^--out: cannot write to \.\.\/elsewhere/,
  },
  {
    name: "a server that is not there",
    args: ["--table", "a", "--url", "postgres://a:hunter2@127.0.0.1:1/b"],
    told: /^Cannot reach PostgreSQL: code is ECONNREFUSED$/,
    code: 1,
  },
];

Deno.test("init tells what it cannot make a configuration of", async () => {
  await using world = await openWorld();
  await world.sql(
    `create view content.titles as select title from content.film_work;
     create table content.keyless (id int, updated_at timestamptz);
     create table content.still (id uuid primary key);
     create table content.hidden (id int primary key);
     create table content.odd (_id int primary key);
     revoke all on content.hidden from movies_db_admin`,
  );
  for (const { name, args, told, code = 2 } of REFUSED) {
    const needsUrl = !args.includes("--url") && name !== "no address";
    const url = needsUrl ? ["--url", addressOf(world)] : [];
    const out = args.includes("--out") ? [] : ["--out", OUT];
    const ending = await runThere(world, ["init", ...args, ...url, ...out]);
    equal(ending.code, code, `${name}: ${ending.stderr}`);
    match(ending.stderr, told, `${name}: ${ending.stderr}`);
    ok(!/hunter2|tester100/.test(ending.stdout + ending.stderr));
  }
});

Deno.test("init writes over no file, and leaves none behind when it cannot write all", async () => {
  for (
    const name of ["config.yaml", "index_config.json", "config.schema.json"]
  ) {
    await using world = await openWorld();
    const folder = join(world.folder, OUT);
    await Deno.mkdir(folder);
    await Deno.writeTextFile(join(folder, name), "mine");
    const ending = await runInit(world, ["--table", "content.genre"]);
    equal(ending.code, 2, ending.stderr);
    equal(
      ending.stderr,
      `--out: made/${name} is there already, write another folder`,
    );
    equal(await Deno.readTextFile(join(folder, name)), "mine");
    const names = await Array.fromAsync(Deno.readDir(folder));
    equal(names.length, 1);
  }
});
