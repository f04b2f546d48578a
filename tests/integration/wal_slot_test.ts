import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { startPostgres } from "../../dev/postgres.ts";
import { runToEnd, startAgent as startProcess } from "./agent_process.ts";
import { startAgent } from "./agent_run.ts";
import { startFaultProxy } from "./fault_proxy.ts";
import { openClusterFolder, startStandby } from "./history_cluster.ts";
import { until } from "./moments.ts";
import {
  dropSlotByHand,
  findSlots,
  makeNoise,
  openShop,
  unseen,
  untilEqual,
} from "./wal_shop.ts";

const FOLLOWED = "changes are followed by the log";
const POLLING = "changes are looked for by polling for now";
const LOADED = { kind: "load" };
const MADE = "a replication slot was made";
const TOO_MUCH =
  "PostgreSQL keeps too much of its log for the replication slot: dropping it, and going on by polling";
const MB = 1_000_000;

Deno.test("a slot for which too much is kept is dropped while its index cannot go on, and made anew after it", async () => {
  await using world = await openShop();
  const search = new URL(world.elasticsearchUrl);
  await using proxy = startFaultProxy({
    hostname: search.hostname,
    port: Number(search.port),
  });
  await world.configure({
    "elasticsearch.node": `http://127.0.0.1:${proxy.port}`,
    "elasticsearch.request_timeout": "1s",
    wal: { "max_slot_size": "16MB" },
  });
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", LOADED);
  {
    using _frost = proxy.freeze();
    await world.sql(unseen(1));
    for (let round = 0; round < 20; round++) {
      if ((await findSlots(world)).length === 0) break;
      await makeNoise(world, 2 * MB);
    }
    await agent.untilLogged(TOO_MUCH);
    await world.sql(unseen(2));
  }
  await agent.untilLogged(MADE);
  await world.sql(unseen(3));
  await untilEqual(world);
});

Deno.test("a slot that was dropped by hand is bridged by polling, and made anew", async () => {
  await using world = await openShop();
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", LOADED);
  await dropSlotByHand(world);
  await world.sql(unseen(1));
  await agent.untilLogged(MADE);
  await world.sql(unseen(2));
  await untilEqual(world);
});

Deno.test("a slot that PostgreSQL gave up while nobody followed is bridged, without a load", async () => {
  await using folder = await openClusterFolder();
  await using server = await startPostgres({
    folder: join(folder.path, "server"),
    settings: {
      "max_slot_wal_keep_size": "1MB",
      "min_wal_size": "32MB",
      "max_wal_size": "32MB",
    },
  });
  await using world = await openShop({ postgres: server.url });
  {
    await using agent = startAgent(world);
    await agent.untilLogged("pass finished", LOADED);
    await untilEqual(world);
  }
  await world.sql(unseen(1));
  for (let round = 0; round < 40; round++) {
    await makeNoise(world, 8 * MB);
    await world.sql("select pg_switch_wal()::text");
    await world.sql("checkpoint");
    const [slot] = await world.sql(
      "select wal_status from pg_replication_slots",
    );
    if (slot?.["wal_status"] === "lost") break;
  }
  await using agent = startAgent(world);
  await agent.untilLogged(
    "PostgreSQL has given the replication slot up: making it anew",
  );
  await agent.untilLogged(FOLLOWED);
  await world.sql(unseen(2));
  const { fields } = await agent.untilLogged("pass finished");
  equal(fields["kind"], "follow");
  await untilEqual(world);
});

Deno.test("a publication that is dropped is noticed, bridged by polling, and made anew", async () => {
  await using world = await openShop();
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", LOADED);
  await untilEqual(world);
  const [publication] = await world.sql(
    "select pubname::text as name from pg_publication",
  );
  await world.sql(`drop publication ${publication?.["name"]}`);
  await world.sql(unseen(1));
  await agent.untilLogged(
    "the publication was brought to what is watched",
  );
  await world.sql(unseen(2));
  await untilEqual(world);
});

Deno.test("a standby that is promoted has no slot: it is bridged, and made there", async () => {
  await using folder = await openClusterFolder();
  await using primary = await startPostgres({
    folder: join(folder.path, "primary"),
  });
  await using later = new AsyncDisposableStack();
  await using world = await openShop({ postgres: primary.url });
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", LOADED);
  await untilEqual(world);
  const standby = await startStandby(primary, join(folder.path, "standby"));
  later.use(standby);
  await world.sql(unseen(1));
  await standby.catchUp();
  await primary.stop("immediate");
  later.use(await standby.promote(primary.port));
  await world.sql(unseen(2));
  await agent.untilLogged(MADE);
  await world.sql(unseen(3));
  await untilEqual(world);
  equal((await findSlots(world)).length, 1);
});

Deno.test("a server without wal_level logical is polled, with what to set, and followed once that is there", async () => {
  await using folder = await openClusterFolder();
  const place = join(folder.path, "server");
  const before = await startPostgres({ folder: place });
  const { port } = before;
  await using later = new AsyncDisposableStack();
  await using world = await openShop({ postgres: before.url });
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", LOADED);
  const database = new URL(world.databaseUrl).pathname.slice(1);
  // a server with a slot does not start without it: nobody makes another one meanwhile
  await world.sql(`alter database ${database} connection limit 0`);
  await dropSlotByHand(world);
  await before.stop();
  {
    await using _lowered = await startPostgres({
      ...{ folder: place, port },
      settings: { "wal_level": "replica" },
    });
    await world.sql(`alter database ${database} connection limit -1`);
    const { fields } = await agent.untilLogged(POLLING, {
      reason: "wal_level is replica",
    });
    match(String(fields["remedy"]), /wal_level = 'logical'/);
    await world.sql(unseen(1));
  }
  later.use(await startPostgres({ folder: place, port }));
  await agent.untilLogged(MADE);
  await world.sql(unseen(2));
  await untilEqual(world);
});

Deno.test("a slot that nobody reads is dropped all the same, while its index is paused", async () => {
  await using world = await openShop();
  await world.configure({ wal: { "max_slot_size": "16MB" } });
  {
    await using agent = startAgent(world);
    await agent.untilLogged("pass finished", LOADED);
  }
  const { folder } = world;
  equal((await runToEnd({ folder, args: ["pause"] })).code, 0);
  await using agent = startAgent(world);
  await agent.untilLogged("paused");
  await world.sql(unseen(1));
  await makeNoise(world, 32 * MB);
  await agent.untilLogged(TOO_MUCH);
  equal((await runToEnd({ folder, args: ["resume"] })).code, 0);
  await agent.untilLogged(MADE);
  await untilEqual(world);
});

Deno.test("a slot whose agent was killed while it was made is dropped by the next one, which polls", async () => {
  await using world = await openShop();
  {
    // PostgreSQL makes a slot once the transactions are over that are open
    await using open = await world.connect();
    await open.sql("begin; insert into noise values ('')");
    await using agent = startProcess({ folder: world.folder });
    await until(
      "the slot is begun",
      async () => (await findSlots(world)).length === 1,
    );
    agent.kill("SIGKILL");
    await agent.ended();
    await open.sql("commit");
  }
  await until("the slot is made", async () => {
    const made = await world.sql(
      `select slot_name from pg_replication_slots
      where database = current_database() and active_pid is null and confirmed_flush_lsn is not null`,
    );
    return made.length === 1;
  });
  await world.configure({ follow: "polling" });
  await using _agent = startAgent(world);
  await until(
    "the slot is dropped",
    async () => (await findSlots(world)).length === 0,
  );
  await untilEqual(world);
});

Deno.test("the slot of an index that is not in the configuration any more is dropped", async () => {
  await using world = await openShop();
  {
    await using agent = startAgent(world);
    await agent.untilLogged("pass finished", LOADED);
  }
  equal((await findSlots(world)).length, 1);
  const name = `${world.indexName()}-renamed`;
  await world.configure({ follow: "polling", "indexes.0.name": name });
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", LOADED);
  deepEqual(await findSlots(world), []);
});
