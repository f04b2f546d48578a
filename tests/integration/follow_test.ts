import { deepEqual, equal, ok } from "node:assert/strict";
import { runPass } from "./agent_run.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { openWorld, type World } from "./world.ts";

/** A change of the example, and a query for the films that it reaches. */
interface Change {
  readonly name: string;
  readonly sql: string;
  /** Made before the change, since it may not find them afterwards; all films that come with it without it. */
  readonly films?: string;
  /** What each film's text must have afterwards. */
  readonly shows: string;
}

const PERSON = `(select person_id from content.person_film_work
  group by person_id having count(distinct film_work_id) between 2 and 900 order by count(*) desc, person_id limit 1)`;
const GENRE = "(select id from content.genre order by name limit 1)";
const FILM =
  "(select id from content.film_work order by id offset 500 limit 1)";
const OTHER_PERSON = `(select id from content.person
  where id not in (select person_id from content.person_film_work where film_work_id = ${FILM}) order by id limit 1)`;
const OTHER_GENRE = `(select id from content.genre
  where id not in (select genre_id from content.genre_film_work where film_work_id = ${FILM}) order by id limit 1)`;

const CHANGES: readonly Change[] = [
  {
    name: "an updated film",
    sql:
      `update content.film_work set title = 'Стрелец "\\🎬' where id = ${FILM}`,
    films: `select ${FILM} as id`,
    shows: '"title":"Стрелец \\"\\\\🎬"',
  },
  {
    name: "a new film",
    sql: `with film as (
      insert into content.film_work (title, type) values ('Brand New', 'movie') returning id
    ), genre as (
      insert into content.genre_film_work (film_work_id, genre_id) select id, ${GENRE} from film
    )
    insert into content.person_film_work (film_work_id, person_id, role) select id, ${PERSON}, 'writer' from film`,
    shows: '"title":"Brand New"',
  },
  {
    name: "a renamed person",
    sql:
      `update content.person set full_name = 'Renamed Person' where id = ${PERSON}`,
    films:
      `select distinct film_work_id as id from content.person_film_work where person_id = ${PERSON}`,
    shows: '"name" : "Renamed Person"',
  },
  {
    name: "a renamed genre",
    sql: `update content.genre set name = 'Renamed Genre' where id = ${GENRE}`,
    films:
      `select film_work_id as id from content.genre_film_work where genre_id = ${GENRE}`,
    shows: '"name" : "Renamed Genre"',
  },
  {
    name: "a new cast entry",
    sql: `insert into content.person_film_work (film_work_id, person_id, role)
      select ${FILM}, ${OTHER_PERSON}, 'director'`,
    films: `select ${FILM} as id`,
    shows: '"directors":[{',
  },
  {
    name: "a new genre of a film",
    sql:
      `insert into content.genre_film_work (film_work_id, genre_id) select ${FILM}, ${OTHER_GENRE}`,
    films: `select ${FILM} as id`,
    shows: '"genres":[{',
  },
  {
    name: "many changes of one film, as that one document",
    sql: `update content.film_work set rating = 1.5 where id = ${FILM};
      update content.film_work set title = 'Changed Twice' where id = ${FILM};
      delete from content.person_film_work where film_work_id = ${FILM};
      insert into content.person (id, full_name) values ('00000000-0000-4000-8000-000000000001', 'A');
      insert into content.person_film_work (film_work_id, person_id, role)
        select ${FILM}, '00000000-0000-4000-8000-000000000001', role
        from unnest(enum_range(null::content.person_role)) role;
      update content.person set full_name = 'B' where id = '00000000-0000-4000-8000-000000000001';
      insert into content.genre (id, name) values ('00000000-0000-4000-8000-000000000002', 'C');
      insert into content.genre_film_work (film_work_id, genre_id)
        select ${FILM}, '00000000-0000-4000-8000-000000000002'`,
    films: `select ${FILM} as id`,
    shows: '"title":"Changed Twice"',
  },
];

for (const { name, sql, films, shows } of CHANGES) {
  Deno.test(`runAgent() sends ${name}, and nothing else`, async () => {
    await using world = await openWorld();
    await runPass(world);
    const before = await world.documents();
    const reached = films === undefined ? [] : await ids(world, films);
    await world.sql(sql);
    const expected = await readFilms(world);
    for (const id of expected.keys()) if (!before.has(id)) reached.push(id);
    ok(reached.length > 0);

    const { kind, written } = (await runPass(world)).summary();
    deepEqual({ kind, written }, { kind: "follow", written: reached.length });
    const after = await world.documents();
    const sent = [...after].filter(([id, { version }]) =>
      version !== before.get(id)?.version
    );
    deepEqual(sent.map(([id]) => id).sort(), reached.sort());
    for (const [, { source }] of sent) ok(source.includes(shows), source);
    deepEqual(await indexedFilms(world), expected);
    equal((await runPass(world)).summary().written, 0);
  });
}

const ITEMS = {
  sql: `
    create table item (id int primary key, name text, updated_at timestamptz not null default now());
    create index on item (updated_at, id);
    insert into item select n, 'first' from generate_series(1, 25) n`,
  indexes: `
    - name: items
      index_config: items.json
      document: select id, name, updated_at from item
      watch: [{table: item}]`,
  files: {
    "items.json": JSON.stringify({
      mappings: {
        dynamic: "strict",
        properties: {
          id: { type: "integer" },
          name: { type: "keyword" },
          "updated_at": { type: "date_nanos" },
        },
      },
    }),
  },
  settings: { "postgres.page_size": 10 },
};

Deno.test("runAgent() sends a thousand rows of one stamp, ten at a time", async () => {
  await using world = await openWorld(ITEMS);
  await runPass(world);
  await world.sql(
    `insert into item select n, 'same' from generate_series(1001, 2000) n`,
  );
  const [stamps] = await world.sql(
    "select count(distinct updated_at) as count from item where id > 1000",
  );
  equal(stamps?.["count"], "1");
  equal((await runPass(world)).summary().written, 1_000);
  equal((await world.documents()).size, 1_025);
  equal((await runPass(world)).summary().written, 0);
});

Deno.test("runAgent() sends rows a microsecond apart, ten at a time", async () => {
  await using world = await openWorld(ITEMS);
  await runPass(world);
  // against the order of the keys, so that only the stamps order them
  await world.sql(
    `insert into item select 3000 - n, 'apart', now() + n * interval '1 microsecond'
     from generate_series(1, 1000) n`,
  );
  equal((await runPass(world)).summary().written, 1_000);
  equal((await runPass(world)).summary().written, 0);
  const documents = await world.documents();
  const rows = await world.sql(
    `select id, to_char(updated_at at time zone 'UTC', 'US') as micros from item where id > 1000`,
  );
  equal(rows.length, 1_000);
  for (const { id, micros } of rows) {
    const { source } = documents.get(id ?? "") ?? {};
    const fraction = /\.(\d+)\+00:00"/.exec(source ?? "")?.[1] ?? "";
    equal(fraction.padEnd(6, "0"), micros);
  }
});

Deno.test("runAgent() tells a row that was written again with its old stamp", async () => {
  await using world = await openWorld(ITEMS);
  await runPass(world);
  await world.sql("insert into item select 100, 'one'");
  equal((await runPass(world)).summary().written, 1);
  await world.sql("update item set name = 'two' where id = 100");
  equal((await runPass(world)).summary().written, 1);
  const document = (await world.documents()).get("100");
  ok(document?.source.includes('"name":"two"'));
  equal((await runPass(world)).summary().written, 0);
});

Deno.test("runAgent() finds a row that was committed long after its stamp", async () => {
  await using world = await openWorld(ITEMS);
  await runPass(world);
  await using late = await world.connect();
  await late.sql("begin");
  await late.sql("insert into item values (100, 'late')");
  await late.sql("savepoint nested");
  await late.sql("insert into item values (101, 'nested')");
  await late.sql("release nested");
  // longer than the margin that every scan looks back by
  await late.sql("select pg_sleep(1.5)");
  await world.sql("insert into item values (102, 'meanwhile')");
  equal((await runPass(world, { isUnsettled: true })).summary().written, 1);
  await late.sql("commit");
  ok((await runPass(world)).summary().written >= 2);
  const documents = await world.documents();
  for (const id of ["100", "101", "102"]) ok(documents.has(id), id);
  equal((await runPass(world)).summary().written, 0);
});

Deno.test("runAgent() deletes a document that its query shows no longer", async () => {
  await using world = await openWorld({
    ...ITEMS,
    indexes: ITEMS.indexes.replace(
      "from item",
      "from item where name <> 'hidden'",
    ),
  });
  equal((await runPass(world)).summary().written, 25);
  await world.sql(
    "update item set name = 'hidden', updated_at = now() where id in (7, 8)",
  );
  equal((await runPass(world)).summary().written, 2);
  const documents = await world.documents();
  deepEqual([documents.size, documents.has("7"), documents.has("8")], [
    23,
    false,
    false,
  ]);
  await world.sql(
    "update item set name = 'back', updated_at = now() where id = 7",
  );
  equal((await runPass(world)).summary().written, 1);
  ok((await world.documents()).has("7"));
});

async function ids(world: World, sql: string): Promise<string[]> {
  return (await world.sql(sql)).map(({ id }) => id ?? "");
}
