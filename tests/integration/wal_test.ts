import { deepEqual, equal, match, ok } from "node:assert/strict";
import { runPass, startAgent } from "./agent_run.ts";
import { startHttpFaults } from "./http_faults.ts";
import { until } from "./moments.ts";
import { findSlots, openShop, untilEqual } from "./wal_shop.ts";

const FOLLOWED = "changes are followed by the log";
const LOADED = { kind: "load" };
const POLLING = "changes are looked for by polling for now";

Deno.test("an agent that follows the log has deletions, moves and unlinks in the index at once, without a sweep", async () => {
  await using world = await openShop();
  await using agent = startAgent(world);
  await agent.untilLogged(FOLLOWED);
  await agent.untilLogged("pass finished", LOADED);
  await untilEqual(world);
  for (
    const change of [
      "delete from chapter where id = 1",
      "update chapter set book_id = 5 where id = 3",
      "update book set author_id = 7 where id = 2",
      "delete from book where id = 3",
      "begin; update chapter set book_id = 9 where id = 9; update book set author_id = 11 where id = 5; delete from chapter where id = 10; commit",
      "insert into author values (200, 'new')",
      "update author set id = 201 where id = 200",
      "delete from author where id = 201",
      "begin; savepoint s; delete from book where id = 8; rollback to s; delete from book where id = 9; commit",
      "begin; delete from book where id = 10; prepare transaction 'wal test'",
      "commit prepared 'wal test'",
      "truncate chapter",
      "truncate author cascade",
      "insert into author values (1, 'again')",
    ]
  ) {
    await world.sql(change.replace("wal test", world.indexName()));
    // what is prepared is not there yet
    if (!change.includes("prepare ")) await untilEqual(world);
  }
  equal((await world.documents()).size, 1);
});

Deno.test("a load is made beside the stream, and misses nothing of what is deleted meanwhile", async () => {
  await using world = await openShop({
    settings: {
      "postgres.page_size": 1,
      "postgres.connections": 1,
      limit: { "documents_per_second": 10 },
    },
  });
  await using agent = startAgent(world);
  await agent.untilLogged(FOLLOWED);
  // the load takes two seconds: what is deleted here may have been read, or not
  await world.sql("delete from chapter where id % 3 = 0");
  await world.sql("delete from book where id in (2, 18)");
  await world.sql("delete from author where id in (2, 18)");
  await agent.untilLogged("pass finished", LOADED);
  await untilEqual(world);
});

Deno.test("many changes of one document in a transaction cost one reading", async () => {
  await using world = await openShop();
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", LOADED);
  await world.sql(
    "insert into chapter select n, 1, 'more' from generate_series(1000, 40000) n",
  );
  const { fields } = await agent.untilLogged("pass finished", {
    kind: "follow",
    written: 1,
  });
  equal(fields["written"], 1);
  await untilEqual(world);
});

Deno.test("what rows were is not logged: it is said with what to do, and found by the sweep", async () => {
  await using world = await openShop({
    hasFullRows: false,
    settings: { "indexes.0.sweep": { ids: "1s", content: "1s" } },
  });
  await using agent = startAgent(world);
  const { fields } = await agent.untilLogged(
    "what rows were before a change is not in the log: what depends on it waits for the sweep",
  );
  deepEqual([fields["table"], fields["columns"], fields["remedy"]], [
    '"public"."book"',
    ["author_id"],
    'Run: alter table "public"."book" replica identity full',
  ]);
  await agent.untilLogged("pass finished", LOADED);
  await world.sql("delete from chapter where id = 1");
  await untilEqual(world);
});

Deno.test("a table that has no identity is not published: its updates would be refused", async () => {
  await using world = await openShop();
  await world.sql("alter table chapter replica identity nothing");
  await using agent = startAgent(world);
  const { fields } = await agent.untilLogged(POLLING);
  match(String(fields["reason"]), /"chapter" has no primary key/);
  equal(
    fields["remedy"],
    'Run: alter table "public"."chapter" replica identity full',
  );
  await agent.untilLogged("pass finished", LOADED);
  await world.sql(
    "update chapter set heading = 'still possible', updated_at = now()",
  );
  await untilEqual(world);
  deepEqual(await findSlots(world), []);
});

Deno.test("an index goes from polling to the log and back under changes, without a gap, and leaves no slot", async () => {
  await using world = await openShop();
  await world.configure({ follow: "polling" });
  await runPass(world);
  let number = 0;
  for (const follow of ["wal", "polling", "wal"] as const) {
    // committed while nobody follows, and unseen by polling
    if (follow === "wal") {
      await world.sql(`delete from chapter where id = ${++number}`);
    }
    await world.configure({ follow });
    await using agent = startAgent(world);
    if (follow === "wal") {
      await agent.untilLogged(FOLLOWED);
      await world.sql(`delete from book where id = ${10 + number}`);
    } else await agent.untilLogged("pass finished");
    await world.sql(
      `update author set name = 'by ${follow} ${number}', updated_at = now() where id = ${number}`,
    );
    await untilEqual(world);
    equal((await findSlots(world)).length, follow === "wal" ? 1 : 0);
  }
});

Deno.test("what changes while everything is compared, since the log was joined, does not wait for the end of that", async () => {
  await using world = await openShop({ settings: { "fetch_delay": "1m" } });
  await world.sql(
    "insert into author select n, 'author ' || n from generate_series(1001, 30000) n",
  );
  await world.configure({ follow: "polling" });
  await runPass(world);
  await world.configure({ follow: "wal" });
  await using agent = startAgent(world);
  await agent.untilLogged("sweep started", { kind: "content" });
  await world.sql("update author set name = 'changed' where id = 7");
  // in this order
  await agent.untilLogged("pass finished", { kind: "follow", written: 1 });
  await agent.untilLogged("sweep finished");
  await untilEqual(world);
});

Deno.test("two agents of one database that share a slot by mistake: one polls, and says why", async () => {
  await using world = await openShop();
  await using other = await openShop();
  const [slot, database] = [
    "shared",
    new URL(world.databaseUrl).pathname.slice(1),
  ];
  const wal = { slot: `${database}_${slot}` };
  await world.configure({ wal });
  await other.configure({ wal, "postgres.database": database });
  await using agent = startAgent(world);
  await agent.untilLogged(FOLLOWED);
  await using second = startAgent(other);
  const { fields } = await second.untilLogged(POLLING);
  match(String(fields["reason"]), /is in use by process \d+$/);
  ok(String(fields["remedy"]).includes("wal.slot"));
  await world.sql("delete from chapter where id = 1");
  await untilEqual(world);
});

Deno.test("what is on its way while a table is truncated does not come back", async () => {
  await using faults = startHttpFaults();
  await using world = await openShop();
  await world.configure({ "elasticsearch.node": faults.url });
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", LOADED);
  {
    const refused = faults.inject({ status: 503, body: "" });
    using _refused = refused;
    await world.sql("insert into author values (300, 'on its way')");
    await refused.begun;
    await world.sql("truncate author cascade");
    // by now the truncation has come as well
    const { length } = faults.bulks;
    await until(
      "it was tried often",
      () => Promise.resolve(faults.bulks.length > length + 10),
    );
  }
  await untilEqual(world);
  equal((await world.documents()).size, 0);
});

Deno.test("an index whose slot cannot be made yet is polled, and joins once it can", async () => {
  await using world = await openShop();
  await using agent = startAgent(world);
  {
    await using open = await world.connect();
    await open.sql("begin");
    await open.sql("select pg_current_xact_id()::text");
    await agent.untilLogged(POLLING, {
      reason: "the replication slot is being made",
    });
    await agent.untilLogged("pass finished", LOADED);
    await world.sql(
      "update author set name = 'seen by polling', updated_at = clock_timestamp() where id = 1",
    );
    await untilEqual(world);
    await open.sql("rollback");
  }
  await agent.untilLogged(FOLLOWED);
  await world.sql("delete from chapter where id = 1");
  await untilEqual(world);
});

Deno.test("a table that logs less than before is polled for, and what was missed is found", async () => {
  await using world = await openShop();
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", LOADED);
  await world.sql("alter table book replica identity default");
  await world.sql(
    "delete from chapter where id = 8; delete from book where id = 4",
  );
  await agent.untilLogged(
    "the publication was changed: changes are looked for by polling",
  );
  await agent.untilLogged("sweep finished");
  await untilEqual(world);
});
