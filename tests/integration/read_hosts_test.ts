import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { startPostgres } from "../../dev/postgres.ts";
import { checkConfig } from "../../src/check.ts";
import { loadConfig } from "../../src/config.ts";
import type { Documents } from "../../src/documents.ts";
import type { Pipeline } from "../../src/pipeline.ts";
import { openExampleTemplate } from "./example_template.ts";
import { type FaultProxy, startFaultProxy } from "./fault_proxy.ts";
import {
  type Changes,
  openSteppedAgent,
  type SteppedAgent,
} from "./history_agent.ts";
import { canDump, dumpTo } from "./history_cluster.ts";
import {
  expectEqual,
  ITEM_COUNT,
  openReplicatedWorld,
  pauseReplay,
  untilTrue,
} from "./read_hosts_fixture.ts";
import { openWalRole } from "./wal_access.ts";
import type { Session, World } from "./world.ts";

const ON_PRIMARY = "no read host can be used, the load is read on the primary";

Deno.test("runOnce() reads a full load on a read host, and follows the primary", async () => {
  await using opened = await openReplicatedWorld();
  const { world, onStandby } = opened;
  const before = await countScans(world);
  {
    await using agent = await openSteppedAgent(world);
    equal((await agent.pass()).kind, "load");
    deepEqual(warningsOf(agent), []);
  }
  // what a session did is counted at its end at the latest
  await untilTrue(
    onStandby,
    "select seq_scan + idx_scan > 0 as is_true from pg_stat_user_tables where relname = 'item'",
  );
  equal(await countScans(world), before);
  equal(await expectEqual(world), ITEM_COUNT);

  await using agent = await openSteppedAgent(world);
  await change(world, "id = 7");
  await agent.pass();
  equal(await expectEqual(world), ITEM_COUNT - 1);
});

Deno.test("runOnce() waits for a read host that has not replayed what was there before the load", async () => {
  await using opened = await openReplicatedWorld();
  const { world, standby, onStandby } = opened;
  const hostname = "127.0.0.1";
  await using proxy = startFaultProxy({ hostname, port: standby.port });
  await world.configure({
    "postgres.read_hosts": [`${proxy.hostname}:${proxy.port}`],
  });
  await pauseReplay(onStandby);
  await change(world, "true");
  await using agent = await openSteppedAgent(world);
  const loaded = agent.pass();
  await untilLeft(proxy);
  await onStandby.sql("select pg_wal_replay_resume()");
  await loaded;
  equal(await expectEqual(world), ITEM_COUNT);
  deepEqual(warningsOf(agent), []);
});

Deno.test("runOnce() reads a full load on the primary where the read host stays late", async () => {
  await using opened = await openReplicatedWorld({
    "postgres.connect_timeout": "500ms",
  });
  const { world, onStandby } = opened;
  await pauseReplay(onStandby);
  await change(world, "id > 5");
  await world.sql("insert into item (id) values (100)");
  await using agent = await openSteppedAgent(world);
  await agent.pass();
  equal(await expectEqual(world), 0);
  deepEqual(warningsOf(agent), [ON_PRIMARY]);
});

Deno.test("runOnce() never puts what a read host shows in the place of what the primary showed", async () => {
  // by the log the changes would come during the load
  await using opened = await openReplicatedWorld({ follow: "polling" });
  const { world, onStandby } = opened;
  const pages: (readonly string[])[] = [];
  await using agent = await openSteppedAgent(
    world,
    onReading(async ({ keys, pipeline, signal }) => {
      if (pages.push(keys) > 1) return;
      await pauseReplay(onStandby);
      await change(world, "id % 2 = 0");
      const { requests } = await pipeline.documents.read(keys, signal);
      for (const request of requests) {
        await pipeline.sink.settle(request, signal);
      }
    }),
  );
  const { superseded } = await agent.pass();
  const [first = [], ...others] = pages;
  equal(superseded, first.length, "the primary showed them later");
  const documents = await world.documents();
  for (const key of first) {
    const source = documents.get(key)?.source ?? "nothing";
    const n = 1 - Number(key) % 2;
    deepEqual(JSON.parse(source), { id: Number(key), n, is_standby: false });
  }
  await agent.pass();
  const kept = others.flat().filter((key) => Number(key) % 2 === 1);
  equal(await expectEqual(world), kept.length);
});

Deno.test("runOnce() goes on with the primary where a read host ends in the middle of the load", async () => {
  await using opened = await openReplicatedWorld({
    "postgres.connect_timeout": "500ms",
  });
  const { world, standby } = opened;
  let readCount = 0;
  await using agent = await openSteppedAgent(
    world,
    onReading(async () => {
      if (++readCount === 2) await standby[Symbol.asyncDispose]();
    }),
  );
  const { written } = await agent.pass();
  equal(written, ITEM_COUNT);
  ok(await expectEqual(world) < ITEM_COUNT);
  deepEqual(warningsOf(agent), [ON_PRIMARY]);
});

Deno.test({
  name:
    "runOnce() never reads a server of another cluster, nor one that is no standby, and checkConfig() tells of them",
  ignore: !await canDump(),
  fn: async () => {
    await using opened = await openReplicatedWorld();
    const { world, primary, standby, folder } = opened;
    await using other = await startPostgres({ folder: join(folder, "other") });
    // make the agent's roles
    await openExampleTemplate(other.url);
    await openWalRole(other.url);
    const name = new URL(world.databaseUrl).pathname.slice(1);
    await dumpTo(other, { from: primary, name, folder });
    await change(world, "true");
    await standby.catchUp();
    const ports = [other.port, primary.port, standby.port];
    await world.configure({
      "postgres.read_hosts": ports.map((port) => `127.0.0.1:${port}`),
    });
    await using agent = await openSteppedAgent(world);
    await agent.pass();
    equal(await expectEqual(world), ITEM_COUNT);
    deepEqual(
      agent.records.filter(({ level }) => level === "warning")
        .map(({ message, fields }) => ({ message, port: fields["port"] })),
      [other.port, primary.port].map((port) => ({
        message: "read host passed over",
        port,
      })),
    );

    const loaded = await loadConfig(world.configFile, {});
    const { findings } = await checkConfig(
      loaded,
      new AbortController().signal,
    );
    deepEqual(
      findings.filter(({ path }) => path[1] === "read_hosts")
        .map(({ level, path, text }) => ({ level, path, text })),
      [
        { place: 0, text: "the read host is of another cluster" },
        { place: 1, text: "the read host is no standby" },
      ].map(({ place, text }) => ({
        level: "warning",
        path: ["postgres", "read_hosts", place],
        text: `${text}: no load is read on it`,
      })),
    );
  },
});

/** Waits until the server behind the proxy was asked, and is no longer. */
async function untilLeft(proxy: FaultProxy): Promise<void> {
  while (proxy.passed.down === 0 || proxy.connectionCount > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** An agent whose load calls `act` before each reading of documents on the read hosts. */
function onReading(
  act: (reading: {
    keys: Parameters<Documents["read"]>[0];
    pipeline: Pipeline;
    signal: AbortSignal;
  }) => Promise<void>,
): Changes {
  return {
    pipeline(pipeline) {
      const { openReads } = pipeline;
      ok(openReads !== undefined);
      return {
        ...pipeline,
        openReads(position) {
          const reads = openReads(position);
          const documents: Documents = {
            ...reads.documents,
            async read(keys, signal) {
              await act({ keys, pipeline, signal });
              return await reads.documents.read(keys, signal);
            },
          };
          return { ...reads, documents };
        },
      };
    },
  };
}

async function change(world: World, condition: string): Promise<void> {
  await world.sql(
    `update item set n = n + 1, updated_at = now() where ${condition}`,
  );
}

/** How often items were looked for on the primary. */
async function countScans(world: World): Promise<number> {
  await using session: Session = await world.connect();
  const [row] = await session.sql(
    "select coalesce(seq_scan, 0) + coalesce(idx_scan, 0) as scans from pg_stat_user_tables where relname = 'item'",
  );
  return Number(row?.["scans"]);
}

function warningsOf({ records }: SteppedAgent): string[] {
  return records.filter(({ level }) => level === "warning" || level === "error")
    .map(({ message }) => message);
}
