import { deepEqual, equal } from "node:assert/strict";
import type { Cluster } from "../src/elasticsearch.ts";
import { EtlError } from "../src/failure.ts";
import type { IndexConfig } from "../src/index_config.ts";
import { createIndex } from "../src/index_requests.ts";
import { adaptIndex, bodyOf } from "../src/made_from.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, openTestCluster, type TestCluster } from "./servers.ts";

const QUERY = "select id, title from film";

const BEFORE: IndexConfig = {
  mappings: { properties: { title: { type: "text" } } },
};
const AFTER: IndexConfig = {
  mappings: {
    properties: { title: { type: "text" }, year: { type: "short" } },
  },
};

/** A cluster in which the agent's user may not change mappings. */
function withoutRights({ cluster }: TestCluster): Cluster {
  return {
    ...cluster,
    async request(request, signal) {
      if (request.method !== "PUT") {
        return await cluster.request(request, signal);
      }
      const server = "Elasticsearch";
      const hint = "Grant it";
      const code = "security_exception";
      throw new EtlError({ kind: "server-refused", server, code, hint });
    },
  };
}

async function adapt(
  cluster: Cluster,
  { name, indexConfig, document = QUERY }: {
    name: string;
    indexConfig: IndexConfig;
    document?: string;
  },
) {
  const { log, lines } = recordLog();
  const ingredients = { indexConfig, document };
  const options = { name, ingredients, log, signal: NEVER };
  const adaptation = await adaptIndex(cluster, options);
  return { ...adaptation, messages: lines.map(({ message }) => message) };
}

Deno.test("adaptIndex() does all again until it is noted that it has begun", async () => {
  await using target = openTestCluster();
  const { cluster, index: name } = target;
  const body = bodyOf({ indexConfig: BEFORE, document: QUERY });
  await createIndex(cluster, { name, body, signal: NEVER });
  const same = await adapt(cluster, { name, indexConfig: BEFORE });
  deepEqual([same.isRewriting, same.messages], [false, []]);
  const messages = [
    "the index was changed in place",
    "every document is written again",
  ];
  const first = await adapt(cluster, { name, indexConfig: AFTER });
  deepEqual([first.isRewriting, first.messages], [true, messages]);
  const second = await adapt(cluster, { name, indexConfig: AFTER });
  deepEqual([second.isRewriting, second.messages], [true, messages]);
  await second.noteBegun();
  const third = await adapt(cluster, { name, indexConfig: AFTER });
  deepEqual([third.isRewriting, third.messages], [false, []]);
});

Deno.test("adaptIndex() leaves an index alone that somebody else made", async () => {
  await using target = openTestCluster();
  const { cluster, index: name } = target;
  await createIndex(cluster, { name, body: BEFORE, signal: NEVER });
  const { isRewriting, messages } = await adapt(cluster, {
    name,
    indexConfig: AFTER,
  });
  deepEqual([isRewriting, messages], [false, []]);
});

Deno.test("adaptIndex() goes on with an index that it may not change", async () => {
  await using target = openTestCluster();
  const { cluster, index: name } = target;
  const body = bodyOf({ indexConfig: BEFORE, document: QUERY });
  await createIndex(cluster, { name, body, signal: NEVER });
  const { isRewriting, messages } = await adapt(withoutRights(target), {
    name,
    indexConfig: AFTER,
  });
  equal(isRewriting, false);
  deepEqual(messages, [
    "the index stays as it is: Elasticsearch refuses the change",
  ]);
});

Deno.test("adaptIndex() notes nothing of a document query but that it is another", async () => {
  await using target = openTestCluster();
  const { cluster, index: name, fetch } = target;
  const document = "select id, 'S3cret' as title from film";
  const body = bodyOf({ indexConfig: BEFORE, document });
  await createIndex(cluster, { name, body, signal: NEVER });
  const text = JSON.stringify(await fetch("GET", `/${name}`));
  equal(text.includes("S3cret"), false);
  const { isRewriting, messages } = await adapt(cluster, {
    name,
    indexConfig: BEFORE,
  });
  deepEqual([isRewriting, messages], [
    true,
    ["every document is written again"],
  ]);
});
