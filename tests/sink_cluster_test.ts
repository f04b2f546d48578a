import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { z } from "zod";
import type { Request } from "../src/elasticsearch.ts";
import { EtlError } from "../src/failure.ts";
import type { Log } from "../src/logging.ts";
import { film, openQuickSink, pack } from "./operations_fixture.ts";
import { recordLog } from "./recorded_log.ts";
import { PARSING_ERROR } from "./search_server.ts";
import { NEVER, openTestCluster } from "./servers.ts";

const FILMS = pack.bind(undefined, ["a", "b", "c", "d", "e"].map(film));

/** An index in Elasticsearch with a write alias, of a strict mapping. */
async function openIndex() {
  const target = openTestCluster();
  const name = target.index;
  await target.fetch("PUT", `/${name}`, {
    settings: { "number_of_shards": 1, "number_of_replicas": 0 },
    mappings: {
      dynamic: "strict",
      properties: { title: { type: "text" }, rating: { type: "float" } },
    },
    aliases: { [`${name}-write`]: {} },
  });
  return target;
}

const Found = z.object({
  found: z.boolean(),
  _version: z.number().optional(),
  _source: z.record(z.string(), z.unknown()).optional(),
});

function find(index: string, id: string): Request<z.infer<typeof Found>> {
  return {
    method: "GET",
    path: `/${index}/_doc/${id}`,
    index,
    answer: Found,
  };
}

Deno.test("settle() counts what Elasticsearch wrote, had newer, and rejects for good", async () => {
  await using target = await openIndex();
  const { log, lines } = recordLog();
  const name = target.index;
  const sink = openQuickSink(target.cluster, { log, name });
  await sink.settle(pack([{ ...film("newer"), version: 9 }]), NEVER);
  const outcome = await sink.settle(
    pack([
      film("new"),
      { ...film("newer"), version: 8 },
      { id: "number", source: { rating: "four stars" } },
      { id: "gone" },
      { id: "unmapped", source: { director: "X" } },
      { id: "new", version: 1, source: { title: "the same version" } },
    ]),
    NEVER,
  );
  deepEqual(outcome, {
    written: 3,
    superseded: 1,
    rejections: [
      { key: "number", type: PARSING_ERROR, field: "rating" },
      {
        key: "unmapped",
        type: "strict_dynamic_mapping_exception",
        field: "director",
      },
    ],
  });
  const { cluster } = target;
  const newer = await cluster.request(find(name, "newer"), NEVER);
  equal(newer._version, 9);
  const same = await cluster.request(find(name, "new"), NEVER);
  deepEqual(same._source, { title: "the same version" });
  const errors = lines.filter(({ level }) => level === "error");
  deepEqual(errors.map(({ fields }) => fields), [
    { id: "number", type: PARSING_ERROR, field: "rating" },
    {
      id: "unmapped",
      type: "strict_dynamic_mapping_exception",
      field: "director",
    },
  ]);
  ok(!JSON.stringify(lines).includes("four stars"));
});

Deno.test("settle() makes no index by writing to one that is gone", async () => {
  await using target = await openIndex();
  const { cluster, index } = target;
  await target.fetch("DELETE", `/${index}`);
  await rejects(
    openQuickSink(cluster, { name: index }).settle(FILMS(), NEVER),
    (error) =>
      error instanceof EtlError && error.failure.kind === "index-missing",
  );
  const { status } = await target.fetch("GET", `/${index}-write`);
  equal(status, 404);
});

Deno.test("settle() goes on when the index is writable again", async () => {
  await using target = await openIndex();
  const { index } = target;
  const block = (value: boolean) =>
    target.fetch("PUT", `/${index}/_settings`, { "index.blocks.write": value });
  await block(true);
  const { log } = recordLog();
  const told = Promise.withResolvers<void>();
  const warning: Log["warning"] = () => told.resolve();
  const sink = openQuickSink(target.cluster, {
    name: index,
    log: { ...log, warning },
  });
  const settled = sink.settle(FILMS(), NEVER);
  await told.promise;
  await block(false);
  equal((await settled).written, 5);
});
