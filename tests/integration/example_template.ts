import { createHash } from "node:crypto";
// @ts-types="@types/pg"
import pg from "pg";
import { loadExample } from "../../dev/example.ts";

/** The example's database, to be cloned, and the role that the agent logs in with. */
export interface ExampleTemplate {
  readonly database: string;
  readonly agent: { readonly user: string; readonly password: string };
}

/** The role that the agent logs in with, which every database has after this. */
export const AGENT = { user: "movies_db_admin", password: "tester100" };

const FOLDER = new URL("../../db/", import.meta.url);
const FILES = [
  "001_init_user_db.sh",
  "movies_db_schema.ddl",
  "movies_db_content.dump",
];

let template: Promise<ExampleTemplate> | undefined;
let server: string | undefined;

/**
 * The example's database on this server, made once for all tests: its name says what it was made from.
 * Several processes may ask at once: a lock lets one of them make it.
 */
export function openExampleTemplate(
  superuserUrl: string,
): Promise<ExampleTemplate> {
  if (server !== superuserUrl) template = undefined;
  server = superuserUrl;
  return template ??= makeTemplate(superuserUrl);
}

async function makeTemplate(superuserUrl: string): Promise<ExampleTemplate> {
  const hash = createHash("sha256");
  for (const name of FILES) {
    hash.update(await Deno.readTextFile(new URL(name, FOLDER)));
  }
  const database = `example_${hash.digest("hex").slice(0, 12)}`;
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock(hashtext('example_template'))");
    // it is marked as a template once it is whole
    const { rowCount } = await client.query(
      "select from pg_database where datname = $1 and datistemplate",
      [database],
    );
    if (rowCount === 0) {
      await client.query(`drop database if exists ${database} with (force)`);
      await loadExample(superuserUrl, database);
      await client.query(`alter database ${database} is_template true`);
    }
  } finally {
    await client.end(); // gives the lock back
  }
  return { database, agent: AGENT };
}
