import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";

/** An index as people reach it by the name that they search. */
export interface IndexBehind {
  readonly name: string;
  readonly uuid: string;
}

const Settings = z.record(
  z.string(),
  z.looseObject({
    settings: z.looseObject({ "index.uuid": z.string() }).optional(),
  }),
);

const Refreshed = z.looseObject({ status: z.int().optional() });

/** Who may not refresh, or asks a server that has no such request. */
const UNREFRESHED = [403, 404, 405];

/** The one index behind `name`, which may be its own; nothing where there is none, or several. */
export async function findBehind(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<IndexBehind | undefined> {
  const found = await cluster.request({
    method: "GET",
    path: `/${encodeURIComponent(name)}/_settings/index.uuid`,
    query: { "flat_settings": "true" },
    index: name,
    ignore: [404],
    answer: z.unknown(),
  }, signal);
  const { data = {} } = Settings.safeParse(found);
  const [first, ...others] = Object.entries(data);
  if (first === undefined || others.length > 0) return undefined;
  const [physical, { settings }] = first;
  const uuid = settings?.["index.uuid"];
  return uuid === undefined ? undefined : { name: physical, uuid };
}

/** Makes all that was written to an index searchable; false where the user may not. */
export async function refreshIndex(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<boolean> {
  const { status } = await cluster.request({
    method: "POST",
    path: `/${encodeURIComponent(name)}/_refresh`,
    index: name,
    ignore: UNREFRESHED,
    answer: Refreshed,
  }, signal);
  return status === undefined;
}
