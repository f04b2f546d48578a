import { deepEqual, equal, match } from "node:assert/strict";
import { z } from "zod";
import { runToEnd } from "./agent_process.ts";
import { BROKEN_DOCUMENTS } from "./check/documents.ts";
import { type Broken, PRODUCTS } from "./check/products.ts";
import { BROKEN_SERVERS } from "./check/servers.ts";
import { BROKEN_TABLES } from "./check/tables.ts";
import { openSession, openWorld, type World } from "./world.ts";

const Report = z.object({
  servers: z.record(z.string(), z.string()),
  findings: z.array(z.object({
    level: z.enum(["error", "warning"]),
    index: z.string().optional(),
    path: z.string(),
    place: z.string(),
    text: z.string(),
    remedy: z.string(),
  })),
});

/** The superuser's address of the server that all tests share. */
const SUPERUSER = z.url();

/** A role that logs in; it goes when the databases that it may read are gone. */
async function openRole(attributes: string) {
  const url = SUPERUSER.parse(Deno.env.get("PG2ES_TEST_POSTGRES"));
  const name = `check_${crypto.randomUUID().replaceAll("-", "").slice(0, 12)}`;
  await using session = await openSession(url);
  await session.sql(`create role ${name} login password 'x' ${attributes}`);
  return {
    name,
    async [Symbol.asyncDispose]() {
      await using session = await openSession(url);
      await session.sql(`drop role ${name}`);
    },
  };
}

async function openBroken(
  { products, settings = {} }: Broken,
  user: string | undefined,
): Promise<World> {
  const role = user === undefined
    ? {}
    : { "postgres.user": user, "postgres.password": "x" };
  return await openWorld({
    follow: "polling",
    ...(products === undefined ? {} : {
      sql: PRODUCTS.sql,
      indexes: PRODUCTS.indexes,
      files: {
        "products.json": JSON.stringify({
          mappings: products.mappings ?? PRODUCTS.mappings,
        }),
      },
    }),
    settings: { ...settings, ...role },
  });
}

async function runCheck(world: World) {
  const args = ["check", "--json"];
  const ending = await runToEnd({ folder: world.folder, args });
  equal(ending.stderr, "");
  const report = Report.parse(JSON.parse(ending.stdout));
  return { ...report, code: ending.code };
}

/** Names of the indexes that are there, the world's own. */
async function listIndexes(world: World): Promise<string> {
  const prefix = world.indexName().split("-")[0];
  const { text } = await world.search(
    "GET",
    `/_cat/indices/${prefix}*?h=index`,
  );
  return text;
}

Deno.test("check finds nothing wrong with the bundled example", async () => {
  await using world = await openWorld({ follow: "polling" });
  const ending = await runToEnd({ folder: world.folder, args: ["check"] });
  match(
    ending.stdout,
    /^PostgreSQL \S+, Elasticsearch (?:opensearch )?\S+: 0 errors, 0 warnings\n$/,
  );
  equal(ending.code, 0, ending.stderr);
  equal(await listIndexes(world), "");
});

Deno.test("check finds nothing wrong with an index that the agent filled", async () => {
  await using world = await openWorld({ follow: "polling" });
  const { folder } = world;
  const { code, stderr } = await runToEnd({ folder, args: ["run", "--once"] });
  equal(code, 0, stderr);
  const before = await world.documents();
  deepEqual((await runCheck(world)).findings, []);
  deepEqual(await world.documents(), before);
});

Deno.test("check finds nothing wrong with the tables that are broken below", async () => {
  await using world = await openBroken(
    { name: "", products: {}, expected: [] },
    undefined,
  );
  const { findings, code } = await runCheck(world);
  deepEqual(findings, []);
  equal(code, 0);
});

const BROKEN = [...BROKEN_TABLES, ...BROKEN_DOCUMENTS, ...BROKEN_SERVERS];

for (const broken of BROKEN) {
  Deno.test(`check names ${broken.name}, and invents nothing`, async () => {
    await using role = broken.role === undefined
      ? undefined
      : await openRole(broken.role);
    await using world = await openBroken(broken, role?.name);
    const user = role?.name ?? "";
    for (const sql of broken.sql ?? []) {
      await world.sql(sql.replaceAll("ROLE", user));
    }
    const name = world.indexName();
    for (const { method, path, body } of broken.requests ?? []) {
      const text = JSON.stringify(body).replaceAll("NAME", name);
      const url = path.replaceAll("NAME", name);
      const { status, text: answer } = await world.search(method, url, text);
      equal(status, 200, answer);
    }
    const before = await listIndexes(world);
    const { findings, code } = await runCheck(world);
    const told = findings.map(({ level, path, text }) =>
      `${level} ${path}: ${text}`
    );
    equal(told.length, broken.expected.length, told.join("\n"));
    for (const [place, [level, path, text]] of broken.expected.entries()) {
      const found = findings[place];
      equal(`${found?.level} ${found?.path}`, `${level} ${path}`);
      match(found?.text ?? "", text);
      match(found?.remedy ?? "", /^[A-Z].*[^.]$/s);
    }
    const hasError = broken.expected.some(([level]) => level === "error");
    equal(code, hasError ? 1 : 0);
    equal(await listIndexes(world), before);
  });
}

Deno.test("check tells a fault of the configuration with status 2", async () => {
  await using world = await openWorld({ settings: { "fetch_delay": "soon" } });
  const ending = await runToEnd({ folder: world.folder, args: ["check"] });
  equal(ending.code, 2);
  match(ending.stderr, /config\.yaml:\d+:\d+: fetch_delay: /);
});

Deno.test("check tells people where a finding belongs and what to run", async () => {
  await using world = await openWorld({ follow: "polling" });
  await world.sql("drop index content.genre_updated_at_id_idx");
  const ending = await runToEnd({ folder: world.folder, args: ["check"] });
  match(
    ending.stdout,
    /^config\.yaml:\d+:\d+: indexes\[0\]\.watch\[2\]: warning: .+\. Run: create index concurrently on content\.genre \("?updated_at"?, "?id"?\)\n/,
  );
  equal(ending.code, 0);
});
