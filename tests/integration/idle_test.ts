import { deepEqual, equal, ok } from "node:assert/strict";
import { openSteppedAgent, type SteppedAgent } from "./history_agent.ts";
import { openWorld } from "./world.ts";

const ITEMS = {
  sql: `
    create table item (id int primary key, name text, updated_at timestamptz not null default now());
    create index on item (updated_at, id);
    create table note (id int primary key, item_id int, name text, updated_at timestamptz not null default now());
    create index on note (updated_at, id);
    insert into item select n, 'first' from generate_series(1, 5) n;
    insert into note select n, n, 'first' from generate_series(1, 5) n`,
  indexes: `
    - name: items
      index_config: items.json
      document: "select id, name, (select array_agg(n.name order by n.id) from note n where n.item_id = i.id) as notes from item i"
      watch:
        - table: item
        - table: note
          document_ids: select item_id from note where id = any($1)`,
  files: { "items.json": JSON.stringify({ mappings: { properties: {} } }) },
};

/** What a pass asks PostgreSQL that finds nothing. */
const IDLE = ["pg_stat_activity", "pg_prepared_xacts", "changes of item, note"];

Deno.test("runOnce() comes to rest after a change: it asks once what is open and once for all tables, and sends nothing", async () => {
  await using world = await openWorld({ ...ITEMS, follow: "polling" });
  await using agent = await openSteppedAgent(world);
  equal((await agent.pass()).kind, "load");
  await rest(agent);
  for (const table of ["note", "item"]) {
    await world.sql(
      `update ${table} set name = 'second', updated_at = now() where id = 3`,
    );
    const { labels, written } = await pass(agent);
    equal(written, 1);
    deepEqual(labels.slice(0, 3), IDLE);
    // the table that has changed is scanned, the other one is not
    const scans = labels.slice(3).filter((label) => /^changes/.test(label));
    deepEqual(scans, [`changes of ${table}`]);
    await rest(agent);
  }
});

/** Makes passes until three in a row ask for nothing but what an idle one does. */
async function rest(agent: SteppedAgent): Promise<void> {
  let idle = 0;
  // what has just been written may be found once more while other databases' transactions are open, for a second at most
  const until = performance.now() + 10_000;
  while (idle < 3) {
    ok(performance.now() < until, "it does not come to rest");
    const { labels, written } = await pass(agent);
    const isIdle = JSON.stringify(labels) === JSON.stringify(IDLE);
    if (isIdle) equal(written, 0);
    idle = isIdle ? idle + 1 : 0;
  }
}

/** One pass, and the labels of its statements. */
async function pass(
  agent: SteppedAgent,
): Promise<{ labels: string[]; written: number }> {
  const labels: string[] = [];
  const { written } = await agent.pass({
    pause: (label) => {
      labels.push(label);
      return Promise.resolve();
    },
  });
  return { labels, written };
}
