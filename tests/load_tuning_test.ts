import { deepEqual, equal, ok } from "node:assert/strict";
import { z } from "zod";
import type { Cluster, Request } from "../src/elasticsearch.ts";
import { EtlError } from "../src/failure.ts";
import { ensureIndex } from "../src/index_lifecycle.ts";
import { findIndexes } from "../src/index_requests.ts";
import { restoreIndex, tuneBody } from "../src/load_tuning.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, openTestCluster, type TestCluster } from "./servers.ts";

/** Makes an index for a load; `cluster` where that is not as the test's own. */
async function make(
  target: TestCluster,
  { settings = {}, cluster = target.cluster }: {
    settings?: Record<string, unknown>;
    cluster?: Cluster;
  } = {},
) {
  const { log, lines } = recordLog();
  const mappings = { _meta: { owner: "films" }, dynamic: "strict" };
  const recipe = {
    name: target.index,
    indexConfig: { settings, mappings },
    document: "select id from films",
    source: { system: "73", database: "films" },
  };
  const options = { recipe, isForLoad: true, log, signal: NEVER };
  const { name, isTuned } = await ensureIndex(cluster, options);
  return { name, isTuned, messages: lines.map(({ message }) => message) };
}

const Meta = z.record(z.string(), z.unknown());

/** The settings of an index that a load changes, and what is noted of it. */
async function look({ cluster }: TestCluster, name: string) {
  const index = (await findIndexes(cluster, name, NEVER))[name];
  ok(index);
  const { uuid: _, gc_deletes: __, ...settings } = index.settings.index;
  const { pg2es_made_from: ___, ...meta } = Meta.parse(index.mappings?._meta);
  return { settings, meta };
}

const TUNED = {
  "refresh_interval": "-1",
  "number_of_replicas": "0",
  "auto_expand_replicas": "false",
};
const DEFAULTS = { "number_of_replicas": "1" };
const META = { owner: "films" };

/** A cluster that answers some requests otherwise. */
function answering(
  { cluster }: TestCluster,
  answer: (request: Pick<Request<unknown>, "path" | "body">) => unknown,
): Cluster {
  return {
    ...cluster,
    async request(request, signal) {
      const own = answer(request);
      if (own === undefined) return await cluster.request(request, signal);
      return request.answer.parse(own);
    },
  };
}

Deno.test("ensureIndex() tunes an index for its load, and restoreIndex() gives it its settings", async () => {
  await using target = openTestCluster();
  const cases = [
    { settings: {}, restored: DEFAULTS },
    {
      settings: {
        "refresh_interval": "7s",
        index: { "number_of_replicas": 2 },
      },
      restored: { "refresh_interval": "7s", "number_of_replicas": "2" },
    },
    {
      settings: { "index.auto_expand_replicas": "0-3" },
      restored: { "auto_expand_replicas": "0-3", "number_of_replicas": "0" },
    },
    {
      settings: { "index.refresh_interval": -1, "number_of_replicas": "0" },
      restored: { "refresh_interval": "-1", "number_of_replicas": "0" },
    },
  ];
  for (const { settings, restored } of cases) {
    const { name, isTuned, messages } = await make(target, { settings });
    deepEqual([isTuned, messages], [true, ["index made"]]);
    deepEqual((await look(target, name)).settings, TUNED);
    await target.fetch("PUT", `/${name}/_doc/1`, {});
    for (let restoreCount = 0; restoreCount < 2; restoreCount++) {
      await restoreIndex(target.cluster, { name, signal: NEVER });
      deepEqual(await look(target, name), { settings: restored, meta: META });
    }
    const { count } = await target.fetch("GET", `/${name}/_count`);
    equal(count, 1, "what was written is searchable");
    await target.fetch("DELETE", `/${name}`);
  }
});

Deno.test("restoreIndex() gives back what a template says", async () => {
  await using target = openTestCluster();
  const path = `/_index_template/${target.index}`;
  await target.fetch("PUT", path, {
    index_patterns: [`${target.index}-*`],
    priority: 1_000_000,
    template: {
      settings: { "refresh_interval": "30s", "number_of_replicas": 3 },
    },
  });
  try {
    const { name } = await make(target, {
      settings: { "number_of_replicas": 2 },
    });
    deepEqual((await look(target, name)).settings, TUNED);
    await restoreIndex(target.cluster, { name, signal: NEVER });
    const restored = { "refresh_interval": "30s", "number_of_replicas": "2" };
    deepEqual((await look(target, name)).settings, restored);
  } finally {
    await target.fetch("DELETE", path);
  }
});

Deno.test("restoreIndex() leaves what somebody else has changed during the load", async () => {
  await using target = openTestCluster();
  const { name } = await make(target);
  await target.fetch("PUT", `/${name}/_settings`, { "refresh_interval": "9s" });
  await restoreIndex(target.cluster, { name, signal: NEVER });
  const { settings, meta } = await look(target, name);
  deepEqual(settings, { "refresh_interval": "9s", "number_of_replicas": "1" });
  deepEqual(meta, META);
  // without a mark it is nobody's to restore
  await target.fetch("PUT", `/${name}/_settings`, { "refresh_interval": "-1" });
  await restoreIndex(target.cluster, { name, signal: NEVER });
  equal((await look(target, name)).settings.refresh_interval, "-1");
});

Deno.test("ensureIndex() leaves an index as configured that its user may not restore, and tells it", async () => {
  await using target = openTestCluster();
  const cluster = answering(
    target,
    ({ path }) =>
      path.endsWith("/_has_privileges")
        ? { has_all_requested: false }
        : undefined,
  );
  const { name, isTuned, messages } = await make(target, { cluster });
  equal(isTuned, false);
  deepEqual(messages, [
    "index made",
    "the index is not tuned for the load: the user lacks manage",
  ]);
  deepEqual(await look(target, name), { settings: DEFAULTS, meta: META });
});

Deno.test("ensureIndex() makes an index as configured where its tuning is refused, and tells it", async () => {
  await using target = openTestCluster();
  const cluster = answering(target, ({ body }) => {
    if (!JSON.stringify(body ?? {}).includes('"index.refresh_interval"')) {
      return undefined;
    }
    throw new EtlError({
      kind: "request-refused",
      index: target.index,
      status: 400,
      type: "illegal_argument_exception",
    });
  });
  const { name, isTuned, messages } = await make(target, { cluster });
  equal(isTuned, false);
  deepEqual(messages, [
    "index made",
    "the index is not tuned for the load: it was refused",
  ]);
  deepEqual(await look(target, name), { settings: DEFAULTS, meta: META });
});

Deno.test("tuneBody() leaves the replicas of an index whose writes wait for copies", () => {
  for (const count of ["2", 2, "all", null]) {
    const settings = { "write.wait_for_active_shards": count };
    const tuned = tuneBody({ settings, mappings: {} }).settings;
    const hasReplicas = !("index.number_of_replicas" in tuned);
    equal(hasReplicas, count === "2" || count === 2, String(count));
    equal(tuned["index.refresh_interval"], "-1");
  }
});
