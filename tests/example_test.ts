import { equal, ok, rejects } from "node:assert/strict";
import pg from "pg";
import { z } from "zod";
import { makeFilms } from "../bench/films.ts";
import { makeDump } from "../db/generate.ts";

const FOLDER = new URL("../db/", import.meta.url);

/** A superuser's connection to a server that tests may make databases in. */
const Superuser = z.url({
  protocol: /^postgres(ql)?$/,
  error: "Cannot reach a PostgreSQL to test with: PG2ES_TEST_POSTGRES is " +
    "not a superuser's postgres:// URL. Set it, or run `deno task test`",
});

/** A database and a user of its own, both dropped at the end. */
type Example = {
  /** What the script is given, by name. */
  environment: Record<string, string>;
  superuserUrl: string;
  agentUrl: string;
  [Symbol.asyncDispose](): Promise<void>;
};

function nameExample(): Example {
  const superuser = Superuser.parse(Deno.env.get("PG2ES_TEST_POSTGRES"));
  const name = `example_${crypto.randomUUID().replaceAll("-", "")}`;
  // Quotes in each, since the script must leave quoting to psql.
  const database = `${name}'"=`;
  const user = `${name}_agent'"$`;
  const password = `it's "a" $secret`;
  const server = new URL(superuser);
  const agentUrl = databaseUrl(superuser, database);
  agentUrl.username = encodeURIComponent(user);
  agentUrl.password = encodeURIComponent(password);
  return {
    environment: {
      PGHOST: server.searchParams.get("host") ?? server.hostname,
      PGPORT: server.port || "5432",
      PGUSER: decodeURIComponent(server.username),
      PGPASSWORD: decodeURIComponent(server.password),
      DB_NAME: database,
      DB_USER: user,
      DB_PASSWORD: password,
    },
    superuserUrl: databaseUrl(superuser, database).href,
    agentUrl: agentUrl.href,
    [Symbol.asyncDispose]: async () => {
      await query(superuser, `drop database if exists ${quote(database)}`);
      await query(superuser, `drop role if exists ${quote(user)}`);
    },
  };
}

function databaseUrl(superuser: string, database: string): URL {
  const url = new URL(superuser);
  url.pathname = `/${encodeURI(database)}`;
  return url;
}

function quote(name: string): string {
  return pg.escapeIdentifier(name);
}

async function query(
  connectionString: string,
  sql: string,
): Promise<unknown[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Runs the script of the container's first start, and returns what it said. */
async function initDatabase({ environment }: Example): Promise<string> {
  const script = new URL("001_init_user_db.sh", FOLDER);
  const { stderr, success } = await new Deno.Command("bash", {
    args: [script.pathname],
    env: environment,
  }).output();
  const said = new TextDecoder().decode(stderr);
  ok(success, said);
  return said;
}

async function isDenied(url: string, sql: string): Promise<void> {
  await rejects(() => query(url, sql), { code: "42501" }, sql);
}

Deno.test("makeDump() makes the dump that is kept", async () => {
  const kept = await Deno.readTextFile(
    new URL("movies_db_content.dump", FOLDER),
  );
  ok(
    makeDump() === kept,
    "movies_db_content.dump is not what generate.ts makes: run it again",
  );
});

Deno.test("001_init_user_db.sh makes a whole example, again and again", async () => {
  await using example = nameExample();
  equal(await initDatabase(example), "");
  const counts = z.tuple([z.strictObject({
    films: z.int(),
    persons: z.int(),
    genres: z.int(),
    bare: z.int(),
    uncast: z.int(),
    russian: z.int(),
  })]);
  const sql = `
    select
      count(*)::integer as films,
      (select count(*)::integer from content.person) as persons,
      (select count(*)::integer from content.genre) as genres,
      count(*) filter (where not exists (
        select from content.genre_film_work where film_work_id = film_work.id
      ))::integer as bare,
      count(*) filter (where not exists (
        select from content.person_film_work where film_work_id = film_work.id
      ))::integer as uncast,
      count(*) filter (where title ~ '[а-яё]')::integer as russian
    from content.film_work`;
  const [made] = counts.parse(await query(example.superuserUrl, sql));
  equal(made.films, 1_000);
  equal(made.persons, 4_000);
  equal(made.genres, 26);
  equal(made.bare, 0);
  equal(made.uncast, 0);
  ok(made.russian > 400 && made.russian < 600, `${made.russian} in Russian`);

  equal(await initDatabase(example), "");
  const [kept] = counts.parse(await query(example.superuserUrl, sql));
  equal(kept.films, made.films);
});

Deno.test("001_init_user_db.sh lets the agent read, and no more", async () => {
  await using example = nameExample();
  await initDatabase(example);
  const url = example.agentUrl;
  await query(
    example.superuserUrl,
    "create table content.later (id int primary key)",
  );
  equal((await query(url, "select id from content.film_work")).length, 1_000);
  equal((await query(url, "select id from content.later")).length, 0);
  const membership = await query(
    url,
    "select pg_has_role(current_user, 'pg_read_all_stats', 'usage') as member",
  );
  equal(
    z.tuple([z.object({ member: z.boolean() })]).parse(membership)[0].member,
    true,
  );

  await isDenied(url, "update content.film_work set title = 'x'");
  await isDenied(url, "insert into content.genre (name) values ('x')");
  await isDenied(url, "delete from content.person_film_work");
  await isDenied(url, "truncate content.genre_film_work");
  await isDenied(url, "create table content.mine (id int)");
  await isDenied(url, "create table public.mine (id int)");
  await isDenied(url, "create temporary table mine (id int)");
  await isDenied(url, "create schema mine");
});

Deno.test("movies_db_schema.ddl stamps what is updated", async () => {
  await using example = nameExample();
  await initDatabase(example);
  for (const table of ["film_work", "person", "genre"]) {
    const rows = await query(
      example.superuserUrl,
      `update content.${table} set id = id
       where id = (select min(id::text)::uuid from content.${table})
       returning updated_at = now() as stamped`,
    );
    equal(
      z.tuple([z.object({ stamped: z.boolean() })]).parse(rows)[0].stamped,
      true,
    );
  }
});

Deno.test("makeFilms() makes films with links in an empty schema", async () => {
  await using example = nameExample();
  await initDatabase(example);
  await query(
    example.superuserUrl,
    "truncate content.film_work, content.person, content.genre cascade",
  );
  await makeFilms(example.superuserUrl, 100);
  const rows = await query(
    example.superuserUrl,
    `select
       min(genres)::integer as genres,
       min(persons)::integer as fewest,
       max(persons)::integer as most
     from content.film_work film,
       lateral (
         select count(*) as genres
         from content.genre_film_work join content.genre g on g.id = genre_id
         where film_work_id = film.id
       ) g,
       lateral (
         select count(*) as persons
         from content.person_film_work join content.person p on p.id = person_id
         where film_work_id = film.id
       ) p
     having count(*) = 100`,
  );
  const Links = z.tuple([z.object({
    genres: z.literal(3),
    fewest: z.literal(5),
    most: z.literal(8),
  })]);
  Links.parse(rows);
});
