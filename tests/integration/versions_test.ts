import { equal, ok } from "node:assert/strict";
import type { Pipeline } from "../../src/pipeline.ts";
import { openSteppedAgent } from "./history_agent.ts";
import { startBulkProxy } from "./history_proxy.ts";
import { openWorld, type World, type WorldOptions } from "./world.ts";

const ITEMS: WorldOptions = {
  sql: `
    create table item (id int primary key, name text, is_gone boolean not null default false, updated_at timestamptz not null default now());
    create index on item (updated_at, id);
    insert into item select n, 'first' from generate_series(1, 3) n`,
  indexes: `
    - name: items
      index_config: items.json
      document: select id, name, is_gone as _deleted from item
      watch: [{table: item}]`,
  files: withSettings({}),
};

/** What is done to the document between two readings, and whether it is there at the end. */
const CHANGES = [
  {
    name: "a newer document",
    sql: "update item set name = 'newer', updated_at = now() where id = 2",
    expected: '{"id":2,"name":"newer"}',
  },
  {
    name: "a newer deletion",
    sql: "update item set is_gone = true, updated_at = now() where id = 2",
    expected: undefined,
  },
];

for (const { name, sql, expected } of CHANGES) {
  for (const versions of [true, false]) {
    Deno.test(`runOnce() ${versions ? "loses nothing of" : "without versions loses"} ${name} to a request that arrives late`, async () => {
      await using proxy = startBulkProxy({ versions });
      await using world = await openWorld({
        ...ITEMS,
        elasticsearch: proxy.url,
      });
      await using slow = await openSteppedAgent(world);
      await slow.pass();
      await using quick = await openSteppedAgent(world);
      await world.sql(
        "update item set name = 'older', updated_at = now() where id = 2",
      );
      const held = proxy.holdNext();
      const passing = slow.pass();
      await held.arrived;
      await world.sql(sql);
      await quick.pass();
      equal(await source(world), expected);
      held.release();
      await passing;
      const older = '{"id":2,"name":"older"}';
      equal(await source(world), versions ? expected : older);
    });
  }
}

for (const isLimited of [true, false]) {
  Deno.test(
    `runOnce() ${
      isLimited
        ? "brings no document"
        : "without the age limit brings a document"
    } back whose deletion Elasticsearch has forgotten`,
    async () => {
      await using proxy = startBulkProxy();
      await using world = await openWorld({
        ...ITEMS,
        files: withSettings({ "index.gc_deletes": "1s" }),
        elasticsearch: proxy.url,
      });
      await using slow = await openSteppedAgent(
        world,
        isLimited ? {} : { pipeline: removeAgeLimit },
      );
      await slow.pass();
      await world.sql(
        "update item set name = 'older', updated_at = now() where id = 2",
      );
      let passing: Promise<unknown>;
      {
        using refusal = proxy.refuse();
        passing = slow.pass();
        await refusal.begun;
        await world.sql(
          "update item set is_gone = true, updated_at = now() where id = 2",
        );
        await deleteByAnother(world);
        await untilForgotten(world);
      }
      await passing;
      const older = '{"id":2,"name":"older"}';
      equal(await source(world), isLimited ? undefined : older);
    },
  );
}

/** What is sent was always read just now. */
function removeAgeLimit(pipeline: Pipeline): Pipeline {
  const { sink } = pipeline;
  return {
    ...pipeline,
    sink: {
      ...sink,
      settle: (operations, signal) =>
        sink.settle({ ...operations, readAtMs: Infinity }, signal),
    },
  };
}

/** Deletes the document as a second agent would, by a request that the proxy lets through. */
async function deleteByAnother(world: World): Promise<void> {
  const version = String((1n << 62n) - 1n);
  const { status } = await world.search(
    "DELETE",
    `/${world.indexName()}/_doc/2?version=${version}&version_type=external_gte`,
  );
  equal(status, 200);
}

/** Waits until Elasticsearch has forgotten that a document was deleted: one that was deleted later comes back with a lower version. */
async function untilForgotten(world: World): Promise<void> {
  const path = `/${world.indexName()}/_doc/control`;
  const deleted = await world.search(
    "DELETE",
    `${path}?version=10&version_type=external_gte`,
  );
  equal(deleted.status, 404);
  for (;;) {
    // what is forgotten is cleared away at a refresh
    await world.search("POST", `/${world.indexName()}/_refresh`);
    const { status } = await world.search(
      "PUT",
      `${path}?version=5&version_type=external_gte`,
      "{}",
    );
    if (status === 201) break;
    equal(status, 409);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function source(world: World): Promise<string | undefined> {
  const { status, text } = await world.search(
    "GET",
    `/${world.indexName()}/_source/2`,
  );
  ok(status === 200 || status === 404, text);
  return status === 200 ? text : undefined;
}

function withSettings(
  settings: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    "items.json": JSON.stringify({ settings, mappings: { dynamic: false } }),
  };
}
