import { equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { stringify } from "yaml";
import { PARSING_ERROR } from "../search_server.ts";
import { type Ending, runToEnd } from "./agent_process.ts";
import { openWorld, type World } from "./world.ts";

/** Secrets as they would be found, each in its place; none is a part of another. */
const SECRETS = {
  postgresPassword: "pgSecret-7Qx9Lm",
  urlPassword: "urlSecret-3Vb8/@:%Wn",
  elasticsearchPassword: "esSecret-5Rt2Kp",
  apiKey: "a2V5U2VjcmV0OjlaeDRKcQ==",
  clientKey: "keySecretMIIEvQIBADANBgkqhkiG9w0",
};

/** What the rows hold. */
const ROW_VALUES = ["rowValue-8Hs4Nd", "otherValue-2Jg6Fc"];

const WORLD = {
  sql: `
    create function fail_with(value text) returns int language plpgsql as $$
      begin
        raise exception 'duplicate key %', value using
          errcode = '23505', detail = 'Key (name)=(' || value || ')', hint = value;
      end $$;
    create function fail_within(value text) returns int language plpgsql as $$
      begin return (value || '!')::int; end $$;
    create table film (id int primary key, name text, updated_at timestamptz not null default now());
    insert into film select n, case n % 2 when 0 then '${
    ROW_VALUES[0]
  }' else '${ROW_VALUES[1]}' end from generate_series(1, 6) n`,
  indexes: JSON.stringify([{
    name: "films",
    index_config: "films.json",
    document: "select id, name from film",
    watch: [{ table: "film" }],
  }]),
  files: {
    "films.json": JSON.stringify({
      mappings: { properties: { name: { type: "integer" } } },
    }),
    "client.key": `-----BEGIN PRIVATE KEY-----\n${SECRETS.clientKey}\n` +
      "-----END PRIVATE KEY-----\n",
    "client.pem":
      "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
  },
  settings: {
    "logging.level": "debug",
    "logging.file": { path: "agent.log" },
    grace_period: "1s",
  },
};

/** The secrets and values in what an agent said and wrote, the dead letters apart; none is expected. */
async function findLeaks(world: World, ending: Ending): Promise<string[]> {
  const said = [ending.stdout, ending.stderr];
  for await (const { name, isFile } of Deno.readDir(world.folder)) {
    if (!isFile || !/^(agent\.log|state\.yaml)/.test(name)) continue;
    if (/dead|reject/.test(name)) continue;
    said.push(await Deno.readTextFile(join(world.folder, name)));
  }
  const wanted = [...Object.values(SECRETS), ...ROW_VALUES];
  return wanted
    .flatMap((text) => [
      text,
      encodeURIComponent(text),
      btoa(text),
      btoa(`elastic:${text}`),
    ])
    .filter((text) => said.some((one) => one.includes(text)));
}

async function expectNoLeak(
  world: World,
  { args, code, told }: { args: string[]; code: number; told: RegExp },
): Promise<void> {
  const ending = await runToEnd({ folder: world.folder, args });
  const said = ending.stdout + ending.stderr;
  equal(ending.code, code, said);
  ok(told.test(said), said);
  const leaks = await findLeaks(world, ending);
  equal(leaks.join("\n"), "", said);
}

const RUN = ["run", "--once"];

Deno.test("no secret is told when a server refuses it, or cannot be reached", async () => {
  await using world = await openWorld(WORLD);
  const { databaseUrl } = world;
  const { host, pathname } = new URL(databaseUrl);
  const url = `postgres://movies_db_admin:${
    encodeURIComponent(SECRETS.urlPassword)
  }@${host}${pathname}`;
  const refused = { code: 1, told: /code is 28P01/ };
  await world.configure({ "postgres.password": SECRETS.postgresPassword });
  for (const args of [RUN, ["check"], ["verify"]]) {
    await expectNoLeak(world, { ...refused, args });
  }
  await world.configure({ postgres: { url } });
  await expectNoLeak(world, { ...refused, args: RUN });
  const node = "http://127.0.0.1:1";
  for (
    const credentials of [
      { username: "elastic", password: SECRETS.elasticsearchPassword },
      { api_key: SECRETS.apiKey },
    ]
  ) {
    await world.configure({ elasticsearch: { node, ...credentials } });
    const told = /Cannot reach Elasticsearch/;
    await expectNoLeak(world, { args: ["check"], code: 1, told });
  }
  await world.configure({
    "postgres.ssl": { cert_file: "client.pem", key_file: "client.key" },
  });
  await expectNoLeak(world, { args: ["check"], code: 1, told: /PostgreSQL/ });
  await expectNoLeak(world, { args: ["--help"], code: 0, told: /Usage/ });
});

Deno.test("no value of a row is told when a server quotes it", async () => {
  await using world = await openWorld(WORLD);
  // the mapping takes no such value
  const rejected = new RegExp(`document rejected.*${PARSING_ERROR}`);
  await expectNoLeak(world, { args: RUN, code: 0, told: rejected });
  await expectNoLeak(world, {
    args: ["refresh", "--index", world.indexName(), "--where", "true"],
    code: 1,
    told: /6 rejected|rejected/,
  });
  await expectNoLeak(world, {
    args: ["verify"],
    code: 1,
    told: /missing/,
  });
  const broken = [
    ["select id, name::int as name from film", /sqlstate_22P02/],
    ["select id, fail_with(name) as name from film", /sqlstate_23505/],
    ["select id, fail_within(name) as name from film", /sqlstate_22P02/],
  ] as const;
  for (const [document, told] of broken) {
    await world.configure({ "indexes.0.document": document });
    await world.sql("update film set updated_at = now()");
    await world.settle();
    await expectNoLeak(world, { args: RUN, code: 0, told });
    await expectNoLeak(world, { args: ["check"], code: 1, told: /error/ });
  }
});

/** Configurations with a secret where none belongs. */
const MISPLACED: readonly (readonly [string, unknown])[] = [
  ["port", { postgres: { port: SECRETS.postgresPassword } }],
  ["map", { postgres: SECRETS.postgresPassword }],
  ["ssl", { postgres: { ssl: SECRETS.postgresPassword } }],
  ["url", { postgres: { url: `postgres:/x:${SECRETS.urlPassword}@host` } }],
  ["mode", {
    postgres: {
      url: `postgres://u:x@h/d?sslmode=${SECRETS.postgresPassword}`,
    },
  }],
  ["node", {
    elasticsearch: {
      node: `http://elastic:${SECRETS.elasticsearchPassword}@127.0.0.1:9200`,
    },
  }],
  ["both", {
    elasticsearch: {
      node: "http://127.0.0.1:9200",
      api_key: SECRETS.apiKey,
      password: SECRETS.elasticsearchPassword,
    },
  }],
  ["level", { logging: { level: SECRETS.apiKey } }],
  ["delay", { fetch_delay: SECRETS.apiKey }],
  ["file", { postgres: { password_file: SECRETS.postgresPassword } }],
];

/** Texts that are not the YAML that was meant. */
const SLIPS = [
  `postgres:\n  host: h\n  password:${SECRETS.postgresPassword}\n  user: u\n`,
  `postgres: {host: h, password:${SECRETS.postgresPassword}}\n`,
  `postgres: {host: h, password: "${SECRETS.postgresPassword}\n`,
  `postgres:\n  password: *${SECRETS.postgresPassword}\n`,
  `postgres:\n  password: \${${SECRETS.postgresPassword}}\n`,
  `postgres:\n  password: !${SECRETS.postgresPassword} x\n`,
  `${SECRETS.postgresPassword}\n`,
];

Deno.test("no secret is told that stands in a wrong place of the configuration", async () => {
  await using world = await openWorld(WORLD);
  const texts = [...MISPLACED.map(([, config]) => stringify(config)), ...SLIPS];
  for (const text of texts) {
    await Deno.writeTextFile(world.configFile, text);
    const ending = await runToEnd({ folder: world.folder, args: ["check"] });
    equal(ending.code, 2, ending.stderr);
    const leaks = await findLeaks(world, ending);
    equal(leaks.join("\n"), "", `${text}\n${ending.stderr}`);
  }
});
