import { deepEqual, equal } from "node:assert/strict";
import type { Cluster } from "../src/elasticsearch.ts";
import { EtlError } from "../src/failure.ts";
import type { IndexConfig } from "../src/index_config.ts";
import { createIndex } from "../src/index_requests.ts";
import { adaptIndex } from "../src/index_adaptation.ts";
import { bodyOf } from "../src/made_from.ts";
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
  { name, indexConfig, document = QUERY, ...given }: {
    name: string;
    indexConfig: IndexConfig;
    document?: string;
    ingestPipeline?: string;
  },
) {
  const { log, lines } = recordLog();
  const ingredients = { indexConfig, document, ...given };
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
  const { isRewriting, messages, outdated } = await adapt(
    withoutRights(target),
    { name, indexConfig: AFTER },
  );
  equal(isRewriting, false);
  equal(outdated?.madeFrom.document, QUERY);
  deepEqual(messages, ["Elasticsearch refuses the change of the index"]);
});

Deno.test("adaptIndex() has every document written again for another query or pipeline", async () => {
  await using target = openTestCluster();
  const { cluster, index: name } = target;
  const body = bodyOf({ indexConfig: BEFORE, document: QUERY });
  await createIndex(cluster, { name, body, signal: NEVER });
  const written = [true, ["every document is written again"]];
  const document = "select id, upper(title) as title from film";
  const query = await adapt(cluster, {
    ...{ name, indexConfig: BEFORE, document },
  });
  deepEqual([query.isRewriting, query.messages], written);
  await query.noteBegun();
  const ingestPipeline = "films";
  const through = { name, indexConfig: BEFORE, document, ingestPipeline };
  const piped = await adapt(cluster, through);
  deepEqual([piped.isRewriting, piped.messages], written);
  await piped.noteBegun();
  const same = await adapt(cluster, through);
  deepEqual([same.isRewriting, same.messages], [false, []]);
});

Deno.test("adaptIndex() tells what an index was made from that has to stay as it is", async () => {
  await using target = openTestCluster();
  const { cluster, index: name } = target;
  const body = bodyOf({ indexConfig: BEFORE, document: QUERY });
  await createIndex(cluster, { name, body, signal: NEVER });
  const indexConfig = {
    mappings: { properties: { title: { type: "short" } } },
  };
  const document = "select id, length(title) as title from film";
  const { outdated, isRewriting } = await adapt(cluster, {
    ...{ name, indexConfig, document },
  });
  equal(isRewriting, false);
  equal(outdated?.madeFrom.document, QUERY);
  deepEqual(outdated?.madeFrom.mappings, BEFORE.mappings);
  equal(
    outdated?.differences,
    `mappings.properties.title.type: "text" -> "short"`,
  );
});
