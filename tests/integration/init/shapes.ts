import type { Sample } from "./sample.ts";

const ANN = {
  id: 1,
  region: "eu",
  login: "ann",
  nickname: "Ann A.",
  age: 40,
  message: [{ id: 1, recipient: 2, "recipient_region": "us", body: "Hello" }],
  "message_by_recipient": [],
  friendship: [{ id: 1, friend: 2, "friend_region": "us" }],
  "friendship_by_friend": [],
  badge: [{ id: 5, label: "Early" }],
  profile: { biography: "Likes tea" },
};

const BOB = {
  id: 2,
  region: "us",
  login: "bob",
  nickname: null,
  age: null,
  message: [],
  "message_by_recipient": [{
    id: 1,
    sender: 1,
    "sender_region": "eu",
    body: "Hello",
  }],
  friendship: [],
  "friendship_by_friend": [{ id: 1, member: 1, "member_region": "eu" }],
  badge: [],
  profile: null,
};

/**
 * Members: a partitioned table, domains, a reference by something else than the key, two from one table, links of the table
 * with itself, a role that may not use a schema.
 */
export const SHAPES: Sample = {
  name: "tables of every shape",
  table: "public.member",
  stamp: "updated_at",
  sql: `
    create domain short_text as varchar(20);
    create domain nickname as short_text check (value <> '');
    create domain age as int check (value > 0);
    create table member (
      id int,
      region text,
      login text not null,
      nickname nickname,
      age age,
      updated_at timestamptz not null default now(),
      primary key (id, region),
      unique (login, region)
    ) partition by list (region);
    create table member_eu partition of member for values in ('eu');
    create table member_us partition of member for values in ('us');
    create table message (
      id int primary key,
      sender int,
      sender_region text,
      recipient int,
      recipient_region text,
      body text,
      updated_at timestamptz not null default now(),
      foreign key (sender, sender_region) references member,
      foreign key (recipient, recipient_region) references member
    );
    create table friendship (
      id int primary key,
      member int,
      member_region text,
      friend int,
      friend_region text,
      updated_at timestamptz not null default now(),
      foreign key (member, member_region) references member,
      foreign key (friend, friend_region) references member
    );
    create table badge (
      id int primary key,
      login text,
      region text,
      label text,
      updated_at timestamptz not null default now(),
      foreign key (login, region) references member (login, region)
    );
    create table profile (
      member int,
      region text,
      biography text,
      updated_at timestamptz not null default now(),
      primary key (member, region),
      foreign key (member, region) references member
    );
    create schema closed;
    create table closed.note (
      id int primary key, member int, region text,
      foreign key (member, region) references member
    );
    revoke all on schema closed from movies_db_admin;
    create index on member (id);

    insert into member values (1, 'eu', 'ann', 'Ann A.', 40), (2, 'us', 'bob', null, null);
    insert into message values (1, 1, 'eu', 2, 'us', 'Hello');
    insert into friendship values (1, 1, 'eu', 2, 'us');
    insert into badge values (5, 'ann', 'eu', 'Early');
    insert into profile values (1, 'eu', 'Likes tea');`,
  documents: { "1|eu": ANN, "2|us": BOB },
  changes: [
    {
      sql: `insert into badge values (6, 'bob', 'us', 'Late');
        insert into profile values (2, 'us', null)`,
      documents: {
        "2|us": {
          ...BOB,
          badge: [{ id: 6, label: "Late" }],
          profile: { biography: null },
        },
      },
    },
    {
      sql: `insert into message values (2, 2, 'us', 1, 'eu', 'Well')`,
      documents: {
        "1|eu": {
          ...ANN,
          "message_by_recipient": [{
            id: 2,
            sender: 2,
            "sender_region": "us",
            body: "Well",
          }],
        },
        "2|us": {
          ...BOB,
          badge: [{ id: 6, label: "Late" }],
          profile: { biography: null },
          message: [{
            id: 2,
            recipient: 1,
            "recipient_region": "eu",
            body: "Well",
          }],
        },
      },
    },
  ],
  comments: [
    /closed\.note: the role may not read it\n/,
    / create index on public\.member \(updated_at, id, region\);/,
  ],
  warnings: [
    /no trigger sets (?:member|message|badge|profile)\.updated_at/,
    /no index leads to what changed in (?:member|message|friendship|badge|profile):/,
  ],
};
