import { deepEqual } from "node:assert/strict";
import { openWorld, type World, type WorldOptions } from "./world.ts";

const DOCUMENT = `select a.id, a.name, coalesce((
    select json_agg(json_build_object('title', b.title, 'chapters', (
      select count(*) from chapter c where c.book_id = b.id)) order by b.id)
    from book b where b.author_id = a.id), '[]') as books
  from author a`;

const SQL = `
  create table author (id int primary key, name text, updated_at timestamptz not null default now());
  create table book (id int primary key, author_id int references author, title text, updated_at timestamptz not null default now());
  create table chapter (id int primary key, book_id int references book on delete cascade, heading text, updated_at timestamptz not null default now());
  create index on author (updated_at, id);
  create index on book (author_id);
  create index on book (updated_at, id);
  create index on chapter (book_id);
  create index on chapter (updated_at, id);
  create table noise (text text);
  insert into author select n, 'author ' || n from generate_series(1, 20) n;
  insert into book select n, n, 'book ' || n from generate_series(1, 20) n;
  insert into chapter select n, (n - 1) / 2 + 1, 'chapter ' || n from generate_series(1, 40) n`;

const FULL_ROWS = `
  alter table book replica identity full;
  alter table chapter replica identity full;`;

/** Authors whose documents reach over two more tables, followed by the log and never swept of themselves. */
export function openShop(
  { hasFullRows = true, ...options }: WorldOptions & {
    /** Whether rows are logged as they were. */
    hasFullRows?: boolean;
  } = {},
): Promise<World> {
  return openWorld({
    follow: "wal",
    sql: hasFullRows ? `${SQL};${FULL_ROWS}` : SQL,
    indexes: `
- name: authors
  index_config: authors.json
  document: ${JSON.stringify(DOCUMENT)}
  watch:
    - table: author
    - table: book
      document_ids: select author_id from book where id = any($1)
    - table: chapter
      document_ids: select b.author_id from public.chapter c join book b on b.id = c.book_id where c.id = any($1)
  sweep: off`,
    files: {
      "authors.json": JSON.stringify({
        settings: { "number_of_replicas": 0 },
        mappings: { dynamic: false },
      }),
    },
    ...options,
  });
}

/** Changes of which polling sees none: a deletion, an unlink, and a move that is stamped with a time long gone. */
export function unseen(number: number): string {
  const chapter = 2 * number;
  return `delete from chapter where id = ${chapter};
    update book set author_id = ${
    number + 10
  }, updated_at = '2001-01-01' where id = ${number};
    delete from author where id = ${number};`;
}

const DEADLINE_MS = 60_000;

/** Waits until the index is what the query shows, document by document. */
export async function untilEqual(world: World): Promise<void> {
  const deadlineMs = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      await expectEqual(world);
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
    }
  }
}

async function expectEqual(world: World): Promise<void> {
  const rows = await world.sql(
    `select id::text, row_to_json(d)::text as source from (${DOCUMENT}) d order by id::text collate "C"`,
  );
  const documents = await world.documents();
  const found = [...documents].map(([id, { source }]) => ({ id, source }))
    .sort((one, other) => one.id < other.id ? -1 : 1);
  deepEqual(found, rows.map(({ id, source }) => ({ id, source })));
}

/** The slots of the world's database. */
export async function findSlots(world: World): Promise<string[]> {
  const rows = await world.sql(
    "select slot_name::text as name from pg_replication_slots where database = current_database()",
  );
  return rows.map(({ name }) => String(name));
}

/** Cuts the stream, and drops the slot as somebody does by hand. */
export async function dropSlotByHand(world: World): Promise<void> {
  const [slot] = await findSlots(world);
  for (;;) {
    try {
      await world.sql(
        `select pg_terminate_backend(active_pid)::text from pg_replication_slots
         where slot_name = $1 and active_pid is not null`,
        [slot],
      );
      await world.sql("select pg_drop_replication_slot($1)::text", [slot]);
      return;
    } catch (error) {
      // it is still, or again, in use
      if (!/is active/.test(String(error))) throw error;
    }
  }
}

/** Has PostgreSQL write so much into its log, of a table that nobody watches. */
export async function makeNoise(world: World, bytes: number): Promise<void> {
  await world.sql(
    `insert into noise select string_agg(md5(n::text || m::text), '')
     from generate_series(1, $1::int / 1000) n, generate_series(1, 31) m group by n`,
    [String(bytes)],
  );
}
