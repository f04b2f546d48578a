import { type Broken, FIELDS, mapped, PRODUCTS } from "./products.ts";

const READ = [
  "grant usage on schema content to ROLE",
  "grant select on all tables in schema content to ROLE",
  `do $$ begin execute format('grant connect on database %I to ROLE', current_database()); end $$`,
];

/** Indexes, rights and servers that are not as the agent needs them. */
export const BROKEN_SERVERS: readonly Broken[] = [
  {
    name: "a log that cannot be followed, and rows that it does not tell of",
    products: {},
    settings: { follow: "wal" },
    expected: [
      ["warning", "wal", /^the agent's role may not use replication slots: /],
      ["warning", "wal", /^publication pg2es_\w+ does not tell of every/],
      ["warning", "wal", /^max_slot_wal_keep_size is -1: /],
    ],
  },
  {
    name: "a time for health that a call may take longer than",
    products: {},
    settings: {
      http: { stalled_after: "30s" },
      "elasticsearch.request_timeout": "20s",
    },
    expected: [[
      "warning",
      "http.stalled_after",
      /^it is not longer than postgres\.statement_timeout: /,
    ]],
  },
  {
    name: "a mapping that Elasticsearch refuses",
    products: mapped({ ...FIELDS, name: { type: "keywort" } }),
    expected: [
      ["error", "indexes[0].index_config", /makes no index of it: .*keywort/],
    ],
  },
  {
    name: "a name that an index has",
    products: {},
    requests: [{
      method: "PUT",
      path: "/NAME",
      body: {
        settings: { "index.gc_deletes": "10m" },
        mappings: PRODUCTS.mappings,
      },
    }],
    expected: [["warning", "indexes[0].name", /is an index, not an alias/]],
  },
  {
    name: "an alias on two indexes",
    products: {},
    requests: ["a", "b"].map((end) => ({
      method: "PUT",
      path: `/NAME-${end}`,
      body: { aliases: { NAME: {} } },
    })),
    expected: [["error", "indexes[0].name", /stands for 2 indexes/]],
  },
  {
    name: "an index with another mapping, blocked, that forgets deletes",
    products: {},
    requests: [{
      method: "PUT",
      path: "/NAME-a",
      body: {
        settings: { "index.blocks.write": true },
        aliases: { NAME: {} },
        mappings: {
          dynamic: "strict",
          properties: { ...FIELDS, name: { type: "text" } },
        },
      },
    }],
    expected: [
      ["error", "indexes[0].name", /takes no writes: index\.blocks\.write/],
      ["warning", "indexes[0].name", /not as index_config says: name$/],
      ["warning", "indexes[0].name", /forgets a delete's version after 60s/],
    ],
  },
  {
    name: "a role that may not see the sessions of others",
    role: "",
    sql: READ,
    expected: [["warning", "postgres", /lacks pg_read_all_stats/]],
  },
  {
    name: "track_activities off",
    role: "in role pg_read_all_stats",
    sql: [...READ, "alter role ROLE set track_activities = off"],
    expected: [["warning", "postgres", /track_activities is off/]],
  },
  {
    name: "a superuser",
    role: "superuser",
    expected: [["warning", "postgres", /is a superuser/]],
  },
  {
    name: "a role that may make others, and write",
    role: "createrole createdb in role pg_read_all_stats",
    sql: [
      ...READ,
      "grant update on content.genre to ROLE",
      "grant create on schema content to ROLE",
      "alter table content.person owner to ROLE",
    ],
    expected: [
      ["warning", "postgres", /has createdb, createrole/],
      ["warning", "postgres", /owns content\.person,/],
      ["warning", "postgres", /may write to content\.genre,/],
    ],
  },
  {
    name: "a role that may not read",
    role: "in role pg_read_all_stats",
    expected: [["error", "indexes[0]", /Cannot use PostgreSQL: .* 42501/]],
  },
  {
    name: "PostgreSQL that is not there",
    settings: { "postgres.port": 1 },
    expected: [[
      "error",
      "postgres",
      /Cannot reach PostgreSQL: .*ECONNREFUSED/,
    ]],
  },
  {
    name: "Elasticsearch that is not there",
    settings: { "elasticsearch.node": "http://127.0.0.1:1" },
    expected: [["error", "elasticsearch", /Cannot reach Elasticsearch/]],
  },
];
