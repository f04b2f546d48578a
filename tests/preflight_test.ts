import { deepEqual, equal, match } from "node:assert/strict";
import { stringify } from "@std/yaml";
import { join } from "node:path";
import { loadConfig } from "../src/config.ts";
import { identifySource, planIndex } from "../src/preflight.ts";
import { NEVER, openDatabase, openQuickSource } from "./servers.ts";

const TABLES = `
create table films (
  id uuid primary key, title text, code varchar(3), updated_at timestamptz
);
create table people (id int primary key, updated_at timestamptz);
create table cast_members (film_id uuid, person_id int);
`;

const FILMS = { table: "public.films" };
const PEOPLE = {
  table: "public.people",
  "document_ids": "select film_id from cast_members where person_id = any($1)",
};

interface Written {
  readonly document?: string;
  readonly watch?: readonly Readonly<Record<string, unknown>>[];
  readonly mappings?: Readonly<Record<string, unknown>>;
}

/** What preflight finds of an index that is configured like this. */
async function plan(
  { document = "select id, title from films", watch = [FILMS], mappings }:
    Written = {},
) {
  const folder = await Deno.makeTempDir();
  await using database = await openDatabase();
  const source = openQuickSource(database.options);
  try {
    await database.query(TABLES);
    await Deno.writeTextFile(
      join(folder, "index_config.json"),
      JSON.stringify({ mappings: mappings ?? {} }),
    );
    const file = join(folder, "config.yaml");
    const named = { name: "films", "index_config": "index_config.json" };
    await Deno.writeTextFile(
      file,
      stringify({
        postgres: { host: "localhost", database: "x", user: "x" },
        elasticsearch: { node: "http://localhost:9200" },
        indexes: [{ ...named, document, watch }],
      }),
    );
    const { config: { indexes: [definition] } } = await loadConfig(file, {});
    if (definition === undefined) throw new Error("no index was configured");
    const path = ["indexes", 0];
    const options = { definition, path, pageSize: 10, signal: NEVER };
    return await planIndex(source, options);
  } finally {
    await source[Symbol.asyncDispose]();
    await Deno.remove(folder, { recursive: true });
  }
}

/** The one fault of an index that is configured like this: its path, and its text. */
async function faultOf(written: Written) {
  const { plan: planned, faults } = await plan(written);
  equal(planned, undefined);
  equal(faults.length, 1, JSON.stringify(faults));
  const [fault] = faults;
  return { path: fault?.path.join("."), text: fault?.text ?? "" };
}

Deno.test("planIndex() quotes the tables and learns the types of their keys", async () => {
  const { plan: planned, faults } = await plan({ watch: [FILMS, PEOPLE] });
  deepEqual(faults, []);
  equal(planned?.name, "films");
  equal(planned?.root.from, '"public"."films"');
  deepEqual(planned?.root.key, [{ name: "id", type: "uuid" }]);
  equal(planned?.root.stamp.type, "timestamp with time zone");
  deepEqual(planned?.document.fields, ["id", "title"]);
  deepEqual(planned?.tables.map(({ label }) => label), [
    "public.films",
    "public.people",
  ]);
});

Deno.test("planIndex() keeps the columns that are for the agent out of the fields", async () => {
  const document =
    "select id, title, false as _deleted, title as _routing from films";
  const { plan: planned } = await plan({ document });
  deepEqual(planned?.document.fields, ["id", "title"]);
  deepEqual([...planned?.document.agentColumns ?? []].sort(), [
    "_deleted",
    "_routing",
  ]);
});

Deno.test("planIndex() tells of a table that is not there", async () => {
  const { path, text } = await faultOf({ watch: [{ table: "public.film" }] });
  equal(path, "indexes.0.watch.0.table");
  match(text, /there is no table public\.film /);
});

Deno.test("planIndex() tells of a column that is not there, and which are", async () => {
  const watch = [{ ...FILMS, updated_at: "modified" }];
  const { path, text } = await faultOf({ watch });
  equal(path, "indexes.0.watch.0.updated_at");
  match(text, /no column modified.*id, title, code, updated_at/);
});

Deno.test("planIndex() tells of a stamp that orders nothing", async () => {
  const watch = [{ ...FILMS, updated_at: "title" }];
  const { path, text } = await faultOf({ watch });
  equal(path, "indexes.0.watch.0.updated_at");
  match(text, /title is text; write a column of type timestamptz/);
});

Deno.test("planIndex() tells in PostgreSQL's words what is wrong with the query, and on which line", async () => {
  const document = "select id,\n  titel\nfrom films";
  const { path, text } = await faultOf({ document });
  equal(path, "indexes.0.document");
  match(text, /column "titel" does not exist.*line 2/);
});

Deno.test("planIndex() tells of a query that does not show the key, or a name twice", async () => {
  const withoutKey = await faultOf({ document: "select title from films" });
  match(withoutKey.text, /does not show id, the key of public\.films/);
  const twice = "select id, title, code as title from films";
  match((await faultOf({ document: twice })).text, /two columns title/);
});

Deno.test("planIndex() tells of a field that begins with _", async () => {
  const document = "select id, title as _id from films";
  match((await faultOf({ document })).text, /cannot be named _id/);
});

Deno.test("planIndex() tells of a column that a strict mapping lacks", async () => {
  const mappings = {
    dynamic: "strict",
    properties: { id: { type: "keyword" } },
  };
  const { path, text } = await faultOf({ mappings });
  equal(path, "indexes.0.document");
  match(text, /column title is not in the strict mapping/);
});

Deno.test("planIndex() tells of document_ids that show more than the key, or fail", async () => {
  const wide = {
    ...PEOPLE,
    "document_ids": "select * from cast_members where person_id = any($1)",
  };
  const { path, text } = await faultOf({ watch: [FILMS, wide] });
  equal(path, "indexes.0.watch.1.document_ids");
  match(text, /shows 2 columns; it must show the key of public\.films/);
  const broken = {
    ...PEOPLE,
    "document_ids": "select film from cast_members where person_id = any($1)",
  };
  const failed = await faultOf({ watch: [FILMS, broken] });
  match(failed.text, /column "film" does not exist/);
});

Deno.test("identifySource() tells one database from another of the same cluster", async () => {
  await using one = await openDatabase();
  await using other = await openDatabase();
  const sources = [one, other].map(({ options }) => openQuickSource(options));
  const [first, second] = await Promise.all(
    sources.map((source) => identifySource(source, NEVER)),
  );
  await Promise.all(sources.map((source) => source[Symbol.asyncDispose]()));
  equal(first?.database, one.options.database);
  equal(second?.database, other.options.database);
  equal(first?.system, second?.system);
  match(first?.system ?? "", /^\d+$/);
});
