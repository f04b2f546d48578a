import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { z } from "zod";
import { runToEnd } from "./agent_process.ts";
import { openWorld, type World } from "./world.ts";

const Report = z.object({
  findings: z.array(z.object({ text: z.string(), remedy: z.string() })),
});

/** A table in partitions, one of which is in partitions too; the names and columns have to be quoted. Nobody has analyzed it. */
const TABLE = `
  create table "Event" (
    id int, "on" date, name text, "updatedAt" timestamptz not null default now(), primary key (id, "on")
  ) partition by range ("on");
  create function stamp() returns trigger language plpgsql as
    $$ begin new."updatedAt" := now(); return new; end $$;
  create trigger stamp before update on "Event" for each row execute function stamp();
  create table event_old partition of "Event" for values from (minvalue) to ('2025-01-01') partition by list ("on");
  create table "event Old" partition of event_old default;
  insert into "Event" select n, date '2024-12-01' + n % 60, 'n' || n from generate_series(1, 1000) n;`;

/** A world with `count` more partitions, of which the first has the index already. */
function openEvents(
  { count, key = `[id, "on"]` }: { count: number; key?: string },
): Promise<World> {
  const more = Array.from({ length: count }, (_, place) => `
    create table event_${place} partition of "Event"
      for values from (date '2025-01-01' + ${
    90 * place
  }) to (date '2025-01-01' + ${90 * (place + 1)});`);
  const [before = "", after = ""] = TABLE.split("  insert");
  return openWorld({
    follow: "polling",
    sql: `${before}${more.join("")}
      create index on event_0 ("updatedAt", id, "on");
      insert${after}`,
    indexes: `
      - name: events
        index_config: events.json
        document: select id, "on", name from "Event"
        watch: [{table: '"Event"', updated_at: '"updatedAt"', key: ${key}}]`,
    files: {
      "events.json": JSON.stringify({
        mappings: {
          dynamic: "strict",
          properties: {
            id: { type: "integer" },
            on: { type: "date" },
            name: { type: "keyword" },
          },
        },
      }),
    },
  });
}

async function check(world: World) {
  const args = ["check", "--json"];
  const { stdout, stderr } = await runToEnd({ folder: world.folder, args });
  equal(stderr, "");
  return Report.parse(JSON.parse(stdout)).findings;
}

/** What a remedy says to run, each statement in a transaction of its own. */
async function runRemedy(world: World, remedy: string): Promise<string[]> {
  const [, sql] = /^Run: (.*)$/.exec(remedy) ?? [];
  ok(sql, remedy);
  const statements = sql.split("; ");
  for (const statement of statements) await world.sql(statement);
  return statements;
}

Deno.test("check says how a partitioned table gets its index, in SQL that PostgreSQL takes, and without holding up writers", async () => {
  await using world = await openEvents({ count: 2 });
  const [found, ...others] = await check(world);
  deepEqual(others, []);
  match(
    found?.text ?? "",
    /^no index leads to what changed in "Event": .* about [1-9]\d* rows$/,
  );
  deepEqual(await runRemedy(world, found?.remedy ?? ""), [
    'create index concurrently on event_1 ("updatedAt", id, "on")',
    'create index concurrently on "event Old" ("updatedAt", id, "on")',
    'create index on "Event" ("updatedAt", id, "on")',
  ]);
  deepEqual(await check(world), []);
  // one for the key and one for the stamp, on the table and in each partition; each belongs to the one above it
  const indexes = await world.sql(
    `select c.oid::regclass::text as table, count(*)::text as count,
       bool_and(i.indisvalid)::text as valid, count(h.inhparent)::text as attached
     from pg_partition_tree('"Event"') t
     join pg_class c on c.oid = t.relid
     join pg_index i on i.indrelid = c.oid
     left join pg_inherits h on h.inhrelid = i.indexrelid
     group by c.oid order by 1`,
  );
  const told = (table: string, attached = "2") => ({
    ...{ table, count: "2", valid: "true", attached },
  });
  deepEqual(indexes, [
    told('"Event"', "0"),
    told('"event Old"'),
    told("event_0"),
    told("event_1"),
    told("event_old"),
  ]);
});

Deno.test("check tells of many partitions the first, and how many others there are", async () => {
  await using world = await openEvents({ count: 12 });
  const [found] = await check(world);
  equal(
    found?.remedy,
    'Run: create index concurrently on event_1 ("updatedAt", id, "on"); then the same on the 11 other partitions ' +
      'that have no such index; then: create index on "Event" ("updatedAt", id, "on")',
  );
});

Deno.test("check asks for no unique index that a partitioned table cannot have", async () => {
  await using world = await openEvents({ count: 1, key: "[id]" });
  const unique = async () =>
    (await check(world)).find(({ text }) => / unique: /.test(text))?.remedy;
  equal(
    await unique(),
    "Write other columns as key: those of a unique index, which has all columns that the table is partitioned by",
  );
  await rejects(world.sql(`create unique index on "Event" (id)`));
  await world.sql(`alter table "Event" drop constraint "Event_pkey"`);
  await world.configure({ "indexes.0.watch.0.key": ["id", "on"] });
  const [, sql = ""] = /^Run: (.*), or write/.exec(await unique() ?? "") ?? [];
  equal(sql, 'create unique index on "Event" (id, "on")');
  await world.sql(sql);
  equal(await unique(), undefined);
});
