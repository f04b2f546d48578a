import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";

const State = z.looseObject({ "cluster_uuid": z.string().optional() });

/** Statuses of those who may not ask, and of servers that do not know the question. */
const UNANSWERED = [400, 403, 404, 405];

/** What tells an Elasticsearch cluster from every other one; empty where the agent may not ask. */
export async function readClusterUuid(
  cluster: Cluster,
  signal: AbortSignal,
): Promise<string> {
  const { cluster_uuid: uuid = "" } = await cluster.request({
    method: "GET",
    path: "/_cluster/state/master_node",
    query: { "filter_path": "cluster_uuid" },
    index: "_cluster",
    ignore: UNANSWERED,
    answer: State,
  }, signal);
  return uuid;
}
