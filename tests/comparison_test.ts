import { deepEqual, equal, ok } from "node:assert/strict";
import { openCluster } from "../src/elasticsearch.ts";
import { inspectIndex } from "../src/compared_index.ts";
import { openSides, type Sides, type Step } from "../src/comparison.ts";
import { compareDocuments } from "../src/document_comparison.ts";
import { findKeys } from "../src/document_ids.ts";
import { compareEntries } from "../src/entry_comparison.ts";
import type { KeyColumn } from "../src/keys.ts";
import type { IndexPlan, TablePlan } from "../src/plan.ts";
import { openSource } from "../src/postgres.ts";
import { createPersister } from "../src/retry.ts";
import { cutDocuments } from "../src/source_text.ts";
import { openWorld, type World } from "./integration/world.ts";
import { recordLog } from "./integration/agent_run.ts";

const SIGNAL = new AbortController().signal;

Deno.test("cutDocuments() cuts each document out as it came", () => {
  const sources = [
    '{"n":1.50,"e":1E5,"big":12345678901234567890}',
    '{"text":"\\"}]{[\\\\","empty":"","last":"\\\\\\\\"}',
    '{"nested":[{"a":[]},{"_source":{"found":false}}],"found":false}',
    "{}",
  ];
  const documents = sources.map((source, n) =>
    `{"_index":"i","_id":"${n}","_version":9223372036854775807,"found":true,"_source":${source}}`
  );
  const absent = '{"_index":"i","_id":"\\"found\\":true","found":false}';
  const failed =
    '{"_index":"i","_id":"5","error":{"root_cause":[{"type":"shard_gone","reason":"x"}],"type":"shard_gone"}}';
  deepEqual(cutDocuments(`{"docs":[${[...documents, absent, failed]}]}`), [
    ...sources.map((source) => ({ isFound: true, source })),
    { isFound: false },
    { isFound: false, error: "shard_gone" },
  ]);
  const spaced =
    '\n{ "took" : 1 , "docs" : [ { "found" : true , "_source" : { "a" : 1 } } ] }';
  deepEqual(cutDocuments(spaced), [{
    isFound: true,
    source: '{ "a" : 1 }',
  }]);
  deepEqual(cutDocuments('{"docs":[]}'), []);
});

Deno.test("findKeys() knows what can be a key, by its type", async () => {
  await using world = await openWorld();
  await using source = openTestSource(world);
  async function find(types: readonly string[], ids: readonly string[]) {
    const columns = types.map((type): KeyColumn => ({ name: "id", type }));
    return [...await findKeys(source, { ids, columns, signal: SIGNAL })];
  }
  const uuid = crypto.randomUUID();
  deepEqual(await find(["uuid"], [uuid, uuid.toUpperCase(), "x", ""]), [uuid]);
  deepEqual(
    await find(["smallint"], ["0", "-32768", "32767", "32768", "01", "+1"]),
    ["0", "-32768", "32767"],
  );
  deepEqual(
    await find(["bigint"], ["9223372036854775807", "9223372036854775808"]),
    ["9223372036854775807"],
  );
  deepEqual(await find(["text"], ["", "a'\"\\", "\0"]), ["", "a'\"\\"]);
  deepEqual(
    await find(["date"], ["2000-02-29", "2000-02-30", "x", "'", "2001-01-01"]),
    ["2000-02-29", "2001-01-01"],
  );
  deepEqual(
    await find(["text", "integer"], ["a|1", "a\\|1|2", "a", "a|b", "a\\|1"]),
    ["a|1", "a\\|1|2"],
  );
});

Deno.test("compareDocuments() counts what was the same at every look, and no more", async () => {
  await using bench = await openBench(20);
  const { world, sides } = bench;
  const all = Array.from({ length: 20 }, (_, n) => n + 1);
  const write = (ids: readonly number[], name: string) =>
    bench.write(ids.map((id) => [String(id), `{"id":${id},"name":"${name}"}`]));
  await write(all.filter((id) => id > 4), "old");
  let pauseCount = 0;
  const found: Step[] = [];
  const options = { byContent: true, lookCount: 2 };
  await world.sql("update item set name = 'new' where id in (5, 6, 7)");
  for await (const step of compareDocuments(sides, options)) {
    if (step.kind === "differences" && step.differences.length > 0) {
      found.push(step);
    }
    if (step.kind !== "pause") continue;
    pauseCount++;
    // one arrives late, one changes once, one changes always
    if (pauseCount === 1) await write([1], "old");
    if (pauseCount === 2) {
      await write([5], "new");
      await world.sql("update item set name = 'other' where id = 6");
    }
    await world.sql("update item set name = name || '.' where id = 7");
    if (pauseCount === 1) await world.sql("delete from item where id = 2");
  }
  equal(pauseCount, 10);
  deepEqual(found, [
    {
      kind: "differences",
      differences: [{ kind: "missing", key: "3" }, {
        kind: "missing",
        key: "4",
      }],
    },
    { kind: "differences", differences: [{ kind: "different", key: "6" }] },
  ]);
});

Deno.test("compareEntries() stops counting past its limit", async () => {
  await using bench = await openBench(1);
  await bench.write(
    Array.from({ length: 300 }, (_, n) => [`${n}`, '{"id":1}']),
  );
  const steps: Step[] = [];
  const limit = (totalCount: number) => totalCount - 200;
  for await (
    const step of compareEntries(bench.sides, { lookCount: 1, limit })
  ) steps.push(step);
  deepEqual(steps, [
    { kind: "entries", count: 300, totalCount: 300 },
    { kind: "refused", extraCount: 299, totalCount: 300 },
  ]);
});

Deno.test("compareEntries() holds its limit when the table is emptied while it tells", async () => {
  await using bench = await openBench(600);
  const { world, sides } = bench;
  const ids = [
    ...Array.from({ length: 10_100 }, (_, n) => `x${n}`),
    // the last ones to be read
    ...Array.from({ length: 600 }, (_, n) => `${n + 1}`),
  ];
  await bench.write(ids.map((id) => [id, "{}"]));
  async function compare(maxCount: number, isEmptied: boolean) {
    let extraCount = 0;
    let refused: Step | undefined;
    const limit = () => maxCount;
    const steps = compareEntries(
      { ...sides, plan: { ...sides.plan, pageSize: 1_000 } },
      { lookCount: 1, limit },
    );
    for await (const step of steps) {
      if (step.kind === "pause" && isEmptied) await world.sql("truncate item");
      if (step.kind === "differences") extraCount += step.differences.length;
      if (step.kind === "refused") refused = step;
    }
    return { extraCount, refused };
  }
  deepEqual(await compare(10_100, false), {
    extraCount: 10_100,
    refused: undefined,
  });
  const { extraCount, refused } = await compare(10_300, true);
  ok(extraCount <= 10_300, String(extraCount));
  ok(refused?.kind === "refused" && refused.extraCount > 10_300);
});

Deno.test("inspectIndex() knows which indexes do not keep documents as they were sent", async () => {
  await using bench = await openBench(1);
  const { world, sides: { cluster } } = bench;
  const vector = { v: { type: "dense_vector", dims: 3 } };
  const cases: [string | undefined, object][] = [
    [undefined, {}],
    [undefined, { mappings: { _source: {} } }],
    ["the index keeps no _source", {
      mappings: { _source: { enabled: false } },
    }],
    ["the index leaves fields out of _source", {
      mappings: { _source: { includes: ["a*"] } },
    }],
    ["the index makes _source up (synthetic)", {
      mappings: { _source: { mode: "synthetic" } },
    }],
    ["the index makes _source up (synthetic)", {
      settings: { "index.mode": "logsdb" },
    }],
    ["an ingest pipeline may change documents", {
      settings: { default_pipeline: "p" },
    }],
    ["an ingest pipeline may change documents", {
      settings: { final_pipeline: "p" },
    }],
    [undefined, { settings: { final_pipeline: "_none" } }],
    [undefined, { mappings: { properties: vector } }],
  ];
  for (const [place, [expected, body]] of cases.entries()) {
    const name = `${world.indexName()}-${place}`;
    const { status, text } = await world.search(
      "PUT",
      `/${name}`,
      JSON.stringify(body),
    );
    equal(status, 200, text);
    const found = await inspectIndex(cluster, { name, signal: SIGNAL });
    deepEqual([found.name, found.unfaithful], [name, expected]);
  }
});

/** A table `item` with `count` rows, and an empty index beside it. */
async function openBench(count: number) {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(
    await openWorld({
      sql: `
        create table item (id int primary key, name text, updated_at timestamptz not null default now());
        insert into item (id, name) select n, 'old' from generate_series(1, ${count}) n`,
      indexes: `
        - name: items
          index_config: any.json
          document: select id, name from item
          watch: [{table: item}]`,
      files: { "any.json": JSON.stringify({ mappings: { dynamic: false } }) },
    }),
  );
  const source = stack.use(openTestSource(world));
  const cluster = stack.use(
    openCluster(
      { nodes: [world.elasticsearchUrl], requestTimeoutMs: 60_000 },
      testPersister("Elasticsearch"),
    ),
  );
  const index = world.indexName();
  await world.search("PUT", `/${index}`, '{"mappings":{"dynamic":false}}');
  const sides: Sides = openSides({
    ...{ source, cluster, index },
    plan: planItems(),
    signal: SIGNAL,
  });
  async function write(
    documents: readonly (readonly [string, string])[],
  ): Promise<void> {
    const lines = documents.flatMap((
      [_id, source],
    ) => [JSON.stringify({ index: { _id } }), source]);
    await world.search("POST", `/${index}/_bulk`, `${lines.join("\n")}\n`);
  }
  const kept = stack.move();
  return {
    world,
    sides,
    write,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

function planItems(): IndexPlan {
  const key = [{ name: "id", type: "integer" }];
  const root: TablePlan = {
    label: "item",
    from: "item",
    stamp: {
      ...{ name: "updated_at", type: "timestamp with time zone" },
      ...{ kind: "instant", timeZone: "UTC" },
    },
    key,
  };
  return {
    name: "items",
    document: {
      sql: "select id, name from item",
      label: "document of items",
      key,
      fields: ["id", "name"],
      agentColumns: new Set(),
    },
    root,
    tables: [root],
    lookbackMs: 0,
    pageSize: 7,
  };
}

function openTestSource(world: World) {
  const { hostname, port, pathname, username } = new URL(world.databaseUrl);
  return openSource({
    host: hostname,
    port: Number(port),
    database: pathname.slice(1),
    user: username,
    ssl: false,
    connectTimeoutMs: 10_000,
    statementTimeoutMs: 60_000,
  }, { persister: testPersister("PostgreSQL"), log: recordLog(() => {}) });
}

function testPersister(server: "PostgreSQL" | "Elasticsearch") {
  return createPersister(server, {
    limits: { minDelayMs: 1, maxDelayMs: 10, multiplier: 2 },
    log: recordLog(() => {}),
    drain: SIGNAL,
  });
}
