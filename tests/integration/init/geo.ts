import type { Sample } from "./sample.ts";

const BERLIN = {
  id: 1,
  name: "Berlin",
  latitude: 52.52,
  longitude: 13.405,
  centre: [13.4, 52.5],
  founded: "1237-10-28",
  elevation: 34.5,
  bounds: "(2,2),(1,1)",
  postcodes: { gte: 10115, lt: 14200 },
  opened: {
    gte: "2026-01-01T00:00:00+00:00",
    lt: "2026-02-01T00:00:00+00:00",
  },
  network: "10.1.0.0/16",
  server: "10.1.2.3",
  continent: "EU",
  "country_number": 49,
  location: [13.405, 52.52],
  country: { continent: "EU", number: 49, name: "Germany" },
  "city_detail": { nickname: "Spree-Athen" },
  reading: [{ at: "2026-03-04T05:06:07+00:00", value: 12.25 }],
};

const NOWHERE = {
  ...Object.fromEntries(Object.keys(BERLIN).map((name) => [name, null])),
  id: 2,
  name: "Nowhere",
  reading: [],
};

/** Cities: places, ranges, addresses, a number as stamp, keys of several columns, a table of one row at most. */
export const GEO: Sample = {
  name: "places on a map",
  table: "geo.city",
  stamp: "last_update",
  sql: `
    create schema geo;
    create sequence geo.change;
    create table geo.country (
      continent char(2),
      number int,
      name text not null,
      updated_at timestamptz not null default now(),
      primary key (continent, number)
    );
    create table geo.city (
      id int primary key,
      name text not null,
      latitude numeric(9, 6),
      longitude numeric(9, 6),
      centre point,
      founded date,
      elevation real,
      bounds box,
      postcodes int4range,
      opened tsrange,
      network cidr,
      server inet,
      continent char(2),
      country_number int,
      last_update bigint not null default nextval('geo.change'),
      foreign key (continent, country_number) references geo.country
    );
    create table geo.city_detail (
      city_id int primary key references geo.city,
      nickname text,
      updated_at timestamptz not null default now()
    );
    create table geo.reading (
      city_id int references geo.city,
      at timestamptz,
      value numeric,
      updated_on date not null default current_date,
      primary key (city_id, at)
    );
    create function geo.count() returns trigger language plpgsql as
      $$ begin new.last_update := nextval('geo.change'); return new; end $$;
    create trigger stamp before update on geo.city
      for each row execute function geo.count();
    create function geo.stamp() returns trigger language plpgsql as
      $$ begin new.updated_at := now(); return new; end $$;
    create trigger stamp before update on geo.country
      for each row execute function geo.stamp();
    create trigger stamp before update on geo.city_detail
      for each row execute function geo.stamp();

    insert into geo.country values ('EU', 49, 'Germany');
    insert into geo.city values
      (1, 'Berlin', 52.52, 13.405, '(13.4,52.5)', '1237-10-28', 34.5, '(2,2),(1,1)', '[10115,14199]',
       '[2026-01-01,2026-02-01)', '10.1.0.0/16', '10.1.2.3/24', 'EU', 49);
    insert into geo.city (id, name) values (2, 'Nowhere');
    insert into geo.city_detail values (1, 'Spree-Athen');
    insert into geo.reading values (1, '2026-03-04 05:06:07Z', 12.25);`,
  documents: { 1: BERLIN, 2: NOWHERE },
  changes: [
    {
      sql: `update geo.country set name = 'Deutschland';
        update geo.city_detail set nickname = null`,
      documents: {
        1: {
          ...BERLIN,
          country: { continent: "EU", number: 49, name: "Deutschland" },
          "city_detail": { nickname: null },
        },
      },
    },
    {
      sql: `update geo.city set name = 'Somewhere' where id = 2;
        insert into geo.reading values (2, '2026-03-04Z', 1)`,
      documents: {
        2: {
          ...NOWHERE,
          name: "Somewhere",
          reading: [{ at: "2026-03-04T00:00:00+00:00", value: 1 }],
        },
      },
    },
  ],
  comments: [
    /last_update is a number, which tells nothing of late commits/,
    /time_zone is the zone of times that have none .*UTC is a guess/,
    /key: \[continent, number\]\n/,
    /create index concurrently on geo\.city \(last_update, id\);/,
  ],
  warnings: [
    /last_update is a number/,
    /no index leads to what changed in geo\.city:/,
    /no index leads to what changed in geo\.country:/,
    /no index leads to what changed in geo\.city_detail:/,
    /no index leads to what changed in geo\.reading:/,
    /no trigger sets geo\.reading\.updated_on/,
  ],
};
