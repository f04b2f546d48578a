import type { Sample } from "./sample.ts";

const ANN = "a0000000-0000-4000-8000-000000000001";
const BOB = "a0000000-0000-4000-8000-000000000002";
const FIRST = "b0000000-0000-4000-8000-000000000001";
const SECOND = "b0000000-0000-4000-8000-000000000002";

const FIRST_POST = {
  id: FIRST,
  slug: "first",
  title: "First",
  body: "Words",
  "published_on": "2026-02-03",
  "read_at": "2026-07-01T10:00:00+00:00",
  "author_id": ANN,
  "editor_id": BOB,
  "parent_id": null,
  author: { id: ANN, name: "Ann" },
  editor: { id: BOB, name: "Bob" },
  comment: [
    { id: 1, "author_id": BOB, text: "Well", author: { id: BOB, name: "Bob" } },
  ],
  label: [{ id: 1, name: "news" }],
};

const SECOND_POST = {
  ...FIRST_POST,
  id: SECOND,
  slug: "second",
  title: "Second",
  body: null,
  "published_on": null,
  "read_at": null,
  "editor_id": null,
  "parent_id": FIRST,
  editor: null,
  comment: [],
  label: [],
};

const BOBBY = { id: BOB, name: "Bobby" };

/** Posts: stamps without a time zone, two ways to one table, a reference to the table itself, a list without bounds. */
export const BLOG: Sample = {
  name: "a blog",
  table: "blog.post",
  stamp: "modified",
  sql: `
    create schema blog;
    do $$ begin
      execute format('alter database %I set timezone = %L', current_database(), 'Europe/Berlin');
    end $$;
    create table blog.author (
      id uuid primary key,
      name text not null,
      password text,
      modified timestamp not null default (now() at time zone 'Europe/Berlin')
    );
    create table blog.post (
      id uuid primary key,
      slug text unique,
      title text not null,
      body text,
      published_on date,
      read_at timestamp,
      author_id uuid not null references blog.author,
      editor_id uuid references blog.author,
      parent_id uuid references blog.post,
      found tsvector,
      deleted boolean,
      modified timestamp not null default (now() at time zone 'Europe/Berlin')
    );
    create table blog.comment (
      id bigint primary key,
      post_id uuid not null references blog.post,
      author_id uuid references blog.author,
      text text,
      modified timestamp not null default (now() at time zone 'Europe/Berlin')
    );
    create table blog.label (
      id int primary key,
      name text not null,
      modified timestamp not null default (now() at time zone 'Europe/Berlin')
    );
    create table blog.post_label (
      id int primary key,
      post_id uuid not null references blog.post,
      label_id int not null references blog.label,
      created timestamp not null default (now() at time zone 'Europe/Berlin'),
      unique (post_id, label_id)
    );
    create table blog.view (
      post_id uuid not null references blog.post,
      at timestamptz not null,
      primary key (post_id, at)
    );
    create function blog.stamp() returns trigger language plpgsql as $$
      begin new.modified := now() at time zone 'Europe/Berlin'; return new; end $$;
    create trigger stamp before update on blog.author
      for each row execute function blog.stamp();
    create trigger stamp before update on blog.post
      for each row execute function blog.stamp();
    create trigger stamp before update on blog.comment
      for each row execute function blog.stamp();
    create trigger stamp before update on blog.label
      for each row execute function blog.stamp();

    insert into blog.author (id, name, password) values
      ('${ANN}', 'Ann', 'x'), ('${BOB}', 'Bob', 'y');
    insert into blog.post (id, slug, title, body, published_on, read_at, author_id, editor_id, parent_id) values
      ('${FIRST}', 'first', 'First', 'Words', '2026-02-03', '2026-07-01 12:00', '${ANN}', '${BOB}', null),
      ('${SECOND}', 'second', 'Second', null, 'infinity', null, '${ANN}', null, '${FIRST}');
    insert into blog.comment values (1, '${FIRST}', '${BOB}', 'Well');
    insert into blog.label values (1, 'news');
    insert into blog.post_label values (1, '${FIRST}', 1);
    insert into blog.view
      select '${FIRST}', now() + n * interval '1 s' from generate_series(1, 2500) n;
    analyze;`,
  documents: { [FIRST]: FIRST_POST, [SECOND]: SECOND_POST },
  changes: [
    {
      sql: `update blog.author set name = 'Bobby' where id = '${BOB}'`,
      documents: {
        [FIRST]: {
          ...FIRST_POST,
          editor: BOBBY,
          comment: [{ id: 1, "author_id": BOB, text: "Well", author: BOBBY }],
        },
      },
    },
    {
      sql: `insert into blog.comment values (2, '${SECOND}', null, 'Soon');
        insert into blog.post_label values (2, '${SECOND}', 1);
        update blog.post set deleted = true where id = '${FIRST}'`,
      documents: {
        [FIRST]: null,
        [SECOND]: {
          ...SECOND_POST,
          comment: [{ id: 2, "author_id": null, text: "Soon", author: null }],
          label: [{ id: 1, name: "news" }],
        },
      },
    },
  ],
  comments: [
    /blog\.post\.found: made for PostgreSQL's own search\n/,
    /blog\.author\.password: by its name a secret\n/,
    /blog\.view: it has about 1250 rows for each document\n/,
    /blog\.post, to which blog\.post refers by parent_id: it leads back\n/,
    /time_zone: Europe\/Berlin\n/,
  ],
  warnings: [
    ...["post", "author", "comment", "post_label", "label"].flatMap((table) => [
      new RegExp(`blog\\.${table}\\.\\w+ is a timestamp without time zone`),
      new RegExp(`no index leads to what changed in blog\\.${table}:`),
    ]),
  ],
};
