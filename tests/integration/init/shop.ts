import type { Sample } from "./sample.ts";

const LUX = {
  id: 7,
  name: "Lux",
  "country_code": "NL",
  country: { code: "NL", name: "Netherlands" },
};

const LAMP = {
  "Product Id": 1,
  name: "Lamp",
  price: 12.5,
  "in stock": true,
  tags: ["red", "warm"],
  attributes: { watt: 40 },
  status: "on sale",
  order: 3,
  "${cost}": 3.5,
  sku: "L-1",
  "maker_id": 7,
  maker: LUX,
  review: [{ id: 1, stars: 5, words: "Bright" }],
  tag: [{ id: 1, label: "light" }, { id: 2, label: "home" }],
};

const ROPE = {
  "Product Id": 2,
  name: "Rope",
  price: null,
  "in stock": false,
  tags: null,
  attributes: { value: ["hemp", 12] },
  status: "draft",
  order: null,
  "${cost}": null,
  sku: null,
  "maker_id": null,
  maker: null,
  review: [],
  tag: [],
};

const STAMP = `
  create function shop.stamp() returns trigger language plpgsql as
    $$ begin new.updated_at := now(); return new; end $$;
  create trigger stamp before update on shop.maker
    for each row execute function shop.stamp();
  create trigger stamp before update on shop.tag
    for each row execute function shop.stamp();
  create function shop."stampAt"() returns trigger language plpgsql as
    $$ begin new."updatedAt" := now(); return new; end $$;
  create trigger stamp before update on shop."Product"
    for each row execute function shop."stampAt"();`;

/** Products: names that need quotes, a soft delete, links, a table without a stamp, one without a key. */
export const SHOP: Sample = {
  name: "a shop",
  table: 'shop."Product"',
  stamp: "updatedAt",
  sql: `
    create schema shop;
    create type shop.status as enum ('draft', 'on sale');
    create table shop.country (code char(2) primary key, name text not null);
    create table shop.maker (
      id int primary key,
      name varchar(100) not null,
      country_code char(2) references shop.country,
      updated_at timestamptz not null default now()
    );
    create table shop."Product" (
      "Product Id" bigint generated always as identity primary key,
      name text not null,
      price numeric(10, 2),
      "in stock" boolean not null default true,
      tags text[],
      attributes jsonb,
      status shop.status not null default 'draft',
      "order" smallint,
      "\${cost}" money,
      sku varchar(20) unique,
      maker_id int references shop.maker,
      photo bytea,
      "apiKey" text,
      "updatedAt" timestamptz not null default now(),
      deleted_at timestamptz
    );
    create table shop.review (
      id bigint generated always as identity primary key,
      product_id bigint not null references shop."Product",
      stars int not null,
      words text,
      is_removed boolean not null default false,
      created_at timestamptz not null default now()
    );
    create table shop.tag (
      id int primary key,
      label text not null,
      updated_at timestamptz not null default now()
    );
    create table shop.product_tag (
      product_id bigint references shop."Product",
      tag_id int references shop.tag,
      added_at timestamptz not null default now(),
      primary key (product_id, tag_id)
    );
    create table shop.audit_line (product_id bigint references shop."Product");
    create table shop.shelf (
      id int primary key, product_id bigint references shop."Product"
    );
    revoke select on shop.shelf from movies_db_admin;
    ${STAMP}
    create index on shop."Product" ("updatedAt", "Product Id");
    create index on shop.maker (updated_at, id);
    create index on shop.product_tag (added_at, product_id, tag_id);

    insert into shop.country values ('NL', 'Netherlands');
    insert into shop.maker values (7, 'Lux', 'NL');
    insert into shop."Product"
      (name, price, "in stock", tags, attributes, status, "order", "\${cost}", sku, maker_id, photo, "apiKey")
    values
      ('Lamp', 12.50, true, '{red,warm}', '{"watt": 40}', 'on sale', 3, 3.5, 'L-1', 7, '\\x00', 'k'),
      ('Rope', null, false, null, '["hemp", 12]', 'draft', null, null, null, null, null, null);
    insert into shop."Product" (name, deleted_at) values ('Gone', now());
    insert into shop.review (product_id, stars, words, is_removed) values
      (1, 5, 'Bright', false), (1, 1, 'Spam', true);
    insert into shop.tag values (1, 'light'), (2, 'home');
    insert into shop.product_tag values (1, 2), (1, 1);`,
  documents: { 1: LAMP, 2: ROPE },
  changes: [
    {
      sql: `update shop.maker set name = 'Lumen'`,
      documents: { 1: { ...LAMP, maker: { ...LUX, name: "Lumen" } } },
    },
    {
      sql: `update shop.tag set label = 'garden' where id = 2;
        insert into shop.product_tag values (2, 2);
        insert into shop.review (product_id, stars) values (2, 4)`,
      documents: {
        1: {
          ...LAMP,
          maker: { ...LUX, name: "Lumen" },
          tag: [{ id: 1, label: "light" }, { id: 2, label: "garden" }],
        },
        2: {
          ...ROPE,
          review: [{ id: 3, stars: 4, words: null }],
          tag: [{ id: 2, label: "garden" }],
        },
      },
    },
    {
      sql: `update shop."Product" set deleted_at = now() where name = 'Lamp'`,
      documents: { 1: null },
    },
  ],
  comments: [
    /Left out:\n +# +shop\."Product"\.photo: bytes\n +# +shop\."Product"\."apiKey": by its name a secret\n/,
    /in no list:\n +# +shop\."Product"\.deleted_at\n +# +shop\.review\.is_removed\n/,
    /shop\.audit_line: it has no primary key\n/,
    /shop\.shelf: the role may not read it\n/,
    /Not watched: no column of shop\.country/,
    /create index on shop\.country \(updated_at, code\);/,
    /create index concurrently on shop\."Product" \(maker_id\);/,
    /created_at tells of new rows/,
  ],
  warnings: [
    /shop\.country, which is not watched/,
    /no index leads to what changed in shop\.review/,
    /no trigger sets shop\.review\.created_at/,
    /no index leads to what changed in shop\.tag/,
  ],
};
