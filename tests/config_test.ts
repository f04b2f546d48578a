import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { ELASTICSEARCH, INDEXES, POSTGRES, setup } from "./config_folder.ts";

Deno.test("loadConfig() fills in every default", async () => {
  await using world = await setup();
  const { config } = await world.load();
  const root = {
    table: { schema: "public", name: "film" },
    label: "film",
    updatedAt: "updated_at",
    key: ["id"],
    path: ["indexes", 0, "watch", 0],
  };
  deepEqual(config, {
    fetchDelayMs: 1000,
    gracePeriodMs: 20_000,
    stateFile: join(world.folder, "state.yaml"),
    loadSavePeriodMs: 500,
    logStatusPeriodMs: 180_000,
    postgres: {
      host: "localhost",
      port: 5432,
      database: "films",
      user: "reader",
      ssl: false,
      connectTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
      pageSize: 1000,
      connections: 2,
    },
    elasticsearch: {
      nodes: ["http://localhost:9200"],
      positionIndex: "pg2es-positions",
      requestTimeoutMs: 60_000,
      maxBytes: 2_000_000,
      concurrency: 4,
    },
    retry: { minDelayMs: 100, maxDelayMs: 30_000, multiplier: 2 },
    logging: { level: "info", format: "text", console: true },
    rejections: {
      file: join(world.folder, "dead_letters.jsonl"),
      maxBytes: 10_000_000,
      stopAfter: 1_000,
    },
    indexes: [{
      name: "movies",
      indexConfig: { mappings: { dynamic: "strict", properties: {} } },
      document: "select id\nfrom film",
      root,
      watch: [root],
      lookbackMs: 0,
      sweep: { idsMs: 3_600_000, contentMs: 86_400_000 },
      maxDeleteShare: 0.1,
      enabled: true,
      isAlias: true,
      onChange: "tell",
      keepOldMs: 86_400_000,
      follow: "polling",
    }],
    limit: { postgresConnections: 5 },
    wal: { slot: "pg2es_films", publication: "pg2es_films", maxSlotBytes: 1e9 },
  });
});

Deno.test("loadConfig() takes every value that is written", async () => {
  await using world = await setup({ "ca.pem": CERTIFICATE });
  const stateFile = join(world.folder, "absolute.yaml");
  const { config } = await world.load(`
fetch_delay: 500ms
grace_period: 1.5
state_file_name: ${stateFile}
load_save_period: 2s
log_status_period: 1h
${POSTGRES}
elasticsearch:
  nodes: [https://one:9200, https://two:9200/search]
  api_key: key
  ca_file: ca.pem
  request_timeout: 2m
  max_bytes: 1 MiB
  concurrency: 1
  max_bytes_in_flight: 3MB
retry: {min_delay: 1s, max_delay: 1s, multiplier: 1.5}
logging:
  level: debug
  format: json
  console: false
  file: {path: agent.log, max_size: 1GB, max_files: 1}
limit: {documents_per_second: 500, postgres_connections: 3}
${INDEXES}`);
  equal(config.fetchDelayMs, 500);
  equal(config.gracePeriodMs, 1500);
  equal(config.stateFile, stateFile);
  equal(config.loadSavePeriodMs, 2_000);
  equal(config.logStatusPeriodMs, 3_600_000);
  deepEqual(config.elasticsearch, {
    nodes: ["https://one:9200", "https://two:9200/search"],
    auth: { apiKey: "key" },
    ca: CERTIFICATE,
    positionIndex: "pg2es-positions",
    requestTimeoutMs: 120_000,
    maxBytes: 1_048_576,
    concurrency: 1,
    maxBytesInFlight: 3_000_000,
  });
  deepEqual(config.retry, {
    minDelayMs: 1000,
    maxDelayMs: 1000,
    multiplier: 1.5,
  });
  deepEqual(config.logging, {
    level: "debug",
    format: "json",
    console: false,
    file: {
      path: join(world.folder, "agent.log"),
      maxBytes: 1_000_000_000,
      maxFiles: 1,
    },
  });
  deepEqual(config.limit, { documentsPerSecond: 500, postgresConnections: 3 });
});

for (
  const [mode, ssl] of [
    ["", false],
    ["?sslmode=disable", false],
    ["?sslmode=require", {}],
    ["?sslmode=verify-full", {}],
  ] as const
) {
  Deno.test(`loadConfig() takes the address of a database ${mode}`, async () => {
    await using world = await setup();
    const url = `postgresql://us%40er:p%2Fw@[::1]:6432/my%20films${mode}`;
    const postgres = await world.loadPostgres(`{url: "${url}"}`);
    equal(postgres.host, "::1");
    equal(postgres.port, 6432);
    equal(postgres.user, "us@er");
    equal(postgres.password, "p/w");
    equal(postgres.database, "my films");
    deepEqual(postgres.ssl, ssl);
  });
}

Deno.test("loadConfig() takes a password beside an address without", async () => {
  await using world = await setup();
  const url = "postgres://reader@localhost/films";
  const postgres = await world.loadPostgres(`{url: "${url}", password: p}`);
  equal(postgres.password, "p");
  equal(postgres.port, 5432);
});

Deno.test("loadConfig() reads the files of a verified connection", async () => {
  await using world = await setup({
    "ca.pem": CERTIFICATE,
    "client.pem": CERTIFICATE,
    "client.key": PRIVATE_KEY,
  });
  const postgres = await world.loadPostgres(`
  host: localhost
  database: films
  user: reader
  ssl:
    ca_file: ca.pem
    cert_file: client.pem
    key_file: client.key
    server_name: db.example.org`);
  deepEqual(postgres.ssl, {
    ca: CERTIFICATE,
    cert: CERTIFICATE,
    key: PRIVATE_KEY,
    serverName: "db.example.org",
  });
});

Deno.test("loadConfig() takes ssl as true and as false", async () => {
  await using world = await setup();
  const rest = "host: localhost, database: films, user: reader";
  const on = await world.loadPostgres(`{${rest}, ssl: true}`);
  deepEqual(on.ssl, {});
  const off = await world.loadPostgres(`{${rest}, ssl: false}`);
  equal(off.ssl, false);
});

Deno.test("loadConfig() reads secrets from files, without the newline at their end", async () => {
  await using world = await setup({ "db": "db secret\n", "es": " es\r\n" });
  const { config } = await world.load(`
postgres: {host: h, database: d, user: u, password_file: db}
elasticsearch: {node: "http://es:9200", username: u, password_file: es}
${INDEXES}`);
  equal(config.postgres.password, "db secret");
  deepEqual(config.elasticsearch.auth, {
    username: "u",
    password: " es",
    file: join(world.folder, "es"),
  });
});

Deno.test("loadConfig() prefers the environment to .env to the default", async () => {
  await using world = await setup({
    ".env": "HOST=dotenv\nUSER='from #env'\n",
  });
  const section =
    "{host: '${HOST}', database: '${NAME:-d:1}', user: '${USER}'}";
  const postgres = await world.loadPostgres(section, { HOST: "environment" });
  equal(postgres.host, "environment");
  equal(postgres.user, "from #env");
  equal(postgres.database, "d:1");
});

Deno.test("loadConfig() keeps a variable within its value, whatever it holds", async () => {
  await using world = await setup();
  const password = '"}\nport: 1 # ${HOST} *a &b !c';
  const postgres = await world.loadPostgres(
    "\n  host: h\n  database: $${d}\n  user: u\n  password: ${PASSWORD}",
    { PASSWORD: password },
  );
  equal(postgres.password, password);
  equal(postgres.port, 5432);
  equal(postgres.database, "${d}");
});

Deno.test("loadConfig() leaves out what comes out empty", async () => {
  await using world = await setup();
  const { config } = await world.load(`
postgres: {host: h, database: d, user: u, password: "\${PASSWORD:-}"}
elasticsearch:
  node: http://es:9200
  username: \${ES_USER:-}
  password: \${ES_PASSWORD:-}
${INDEXES}`);
  ok(!("password" in config.postgres));
  ok(!("auth" in config.elasticsearch));
});

Deno.test("loadConfig() follows aliases", async () => {
  await using world = await setup();
  const { config } = await world.load(
    [
      "retry: {min_delay: &delay 2s, max_delay: *delay}",
      POSTGRES,
      ELASTICSEARCH,
      INDEXES,
    ].join("\n"),
  );
  equal(config.retry.maxDelayMs, 2000);
});

Deno.test("loadConfig() locates keys, and what is around those that are absent", async () => {
  await using world = await setup();
  const { locate } = await world.load();
  const place = (path: readonly (string | number)[]) =>
    locate(path).slice(world.folder.length + 1);
  equal(place(["indexes", 0, "document"]), "config.yaml:6:15");
  equal(place(["indexes", 0, "watch", 0, "table"]), "config.yaml:10:16");
  equal(place(["indexes", 0, "watch", 0, "key"]), "config.yaml:10:9");
  equal(place(["indexes", 0, "watch"]), "config.yaml:9:5");
  equal(place(["logging", "level"]), "config.yaml:1:1");
});

const CERTIFICATE =
  "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
const PRIVATE_KEY =
  "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n";
