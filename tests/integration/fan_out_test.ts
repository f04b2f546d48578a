import { equal, ok } from "node:assert/strict";
import { runPass } from "./agent_run.ts";
import { openWorld, type World } from "./world.ts";

const FAN_OUT = {
  sql: `
    create table genre (id int primary key, name text, updated_at timestamptz not null default now());
    create table maker (id int primary key, name text, updated_at timestamptz not null default now());
    create table item (id int primary key, genre_id int, maker_id int, name text,
      updated_at timestamptz not null default now());
    create index on item (genre_id, id);
    create index on item (maker_id, id);
    insert into genre select 1, 'old';
    insert into maker select n, 'old' from generate_series(1, 500) n;
    insert into item select n, 1, null, 'old' from generate_series(1, 25000) n;
    insert into item select 25000 + n, null, n, 'old' from generate_series(1, 500) n;
    insert into item select 26000 + n, null, null, 'old' from generate_series(1, 500) n;
    analyze`,
  indexes: `
    - name: items
      index_config: items.json
      document: |
        select i.id, i.name, g.name as genre, m.name as maker
        from item i left join genre g on g.id = genre_id left join maker m on m.id = maker_id
      watch:
        - table: item
        - table: maker
          document_ids: select id from item where maker_id = any($1)
        - table: genre
          document_ids: select id from item where genre_id = any($1)`,
  files: {
    "items.json": JSON.stringify({
      mappings: { dynamic: false, properties: {} },
    }),
  },
};

/** Changes every item by one of the three ways. */
const CHANGE_ALL = `
  update genre set name = 'new', updated_at = now();
  update maker set name = 'new', updated_at = now();
  update item set name = 'new', updated_at = now() where id > 26000`;

Deno.test("runAgent() sends all that one row reaches, and loses no others meanwhile", async () => {
  await using world = await openWorld(FAN_OUT);
  equal((await runPass(world)).summary().written, 26_000);
  await world.sql(CHANGE_ALL);
  equal((await runPass(world)).summary().written, 26_000);
  await checkAllNew(world);
  equal((await runPass(world)).summary().written, 0);
});

Deno.test("runAgent() goes on within what one row reaches", async () => {
  await using world = await openWorld({
    ...FAN_OUT,
    // a page is on its way at a time, out of twenty-six
    settings: {
      "elasticsearch.max_bytes": "100KB",
      "elasticsearch.concurrency": 1,
    },
  });
  await runPass(world);
  await world.sql(CHANGE_ALL);
  const halfway = new AbortController();
  const watcher = Deno.watchFs(world.folder);
  const watching = (async () => {
    for await (const _ of watcher) {
      const text = await Deno.readTextFile(world.stateFile);
      if (text.includes("after_id:")) break; // closes the watcher too
    }
    halfway.abort();
  })();
  const first = (await runPass(world, { drain: halfway.signal })).summary();
  await watching;
  equal(first.finished, false);
  ok((await Deno.readTextFile(world.stateFile)).includes("after_id:"));
  await world.sql(
    "update item set name = 'meanwhile', updated_at = now() where id in (1, 26001)",
  );
  const second = (await runPass(world)).summary();
  equal(second.finished, true);
  ok(second.written < 26_000, "what was settled is not sent again");
  await checkAllNew(world);
  equal((await runPass(world)).summary().written, 2);
  const documents = await world.documents();
  for (const id of ["1", "26001"]) {
    ok(documents.get(id)?.source.includes('"name":"meanwhile"'), id);
  }
});

async function checkAllNew(world: World): Promise<void> {
  const documents = await world.documents();
  equal(documents.size, 26_000);
  for (const [id, { source }] of documents) {
    ok(
      !source.includes('"old"') ||
        (Number(id) <= 26_000 && source.includes('"new"')),
      source,
    );
  }
}
