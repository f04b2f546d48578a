import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import { parseTimeValue } from "./index_settings.ts";

/** What is asked of an index that is there. */
export type FoundIndex = z.infer<typeof FoundIndex>;
const FoundIndex = z.object({
  /** The data stream that it is a part of. */
  data_stream: z.string().optional(),
  aliases: z.record(z.string(), z.unknown()),
  mappings: z.object({ _meta: z.unknown() }).partial().optional(),
  settings: z.object({
    index: z.object({
      uuid: z.string(),
      "gc_deletes": z.string().default("60s").transform(parseTimeValue),
      "refresh_interval": z.string().optional(),
      "number_of_replicas": z.string().optional(),
      "auto_expand_replicas": z.string().optional(),
    }),
  }),
});

const FoundIndexes = z.record(z.string(), FoundIndex);

const ASKED = [
  "*.data_stream",
  "*.aliases",
  "*.mappings._meta",
  "*.settings.index.uuid",
  "*.settings.index.gc_deletes",
  "*.settings.index.refresh_interval",
  "*.settings.index.number_of_replicas",
  "*.settings.index.auto_expand_replicas",
];

const Acknowledged = z.object({ acknowledged: z.boolean() });

/** The indexes that `name` stands for, by their own names; none where there is none. */
export async function findIndexes(
  cluster: Cluster,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, FoundIndex>>> {
  try {
    return await cluster.request({
      method: "GET",
      path: `/${encodeURIComponent(name)}`,
      query: { filter_path: ASKED.join() },
      index: name,
      answer: FoundIndexes,
    }, signal);
  } catch (error) {
    const isMissing = error instanceof EtlError &&
      error.failure.kind === "index-missing";
    if (isMissing) return {};
    throw error;
  }
}

/** Whether an index has this very name, and not as an alias. */
export async function hasPlainIndex(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<boolean> {
  return name in await findIndexes(cluster, name, signal);
}

/**
 * Makes an index, where it is not there.
 * @throws {EtlError} `request-refused` when Elasticsearch does not take the body.
 */
export async function createIndex(
  cluster: Cluster,
  { name, body, signal }: {
    name: string;
    body: Readonly<Record<string, unknown>>;
    signal: AbortSignal;
  },
): Promise<void> {
  await cluster.request({
    method: "PUT",
    path: `/${encodeURIComponent(name)}`,
    index: name,
    body,
    answer: Acknowledged,
  }, signal).catch((error: unknown) => {
    // made meanwhile: by another agent, or by a try whose answer was lost
    const isThere = error instanceof EtlError && "type" in error.failure &&
      error.failure.type === "resource_already_exists_exception";
    if (!isThere) throw error;
  });
}

/** Deletes an index for good. */
export async function deleteIndex(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<void> {
  await cluster.request({
    method: "DELETE",
    path: `/${encodeURIComponent(name)}`,
    index: name,
    answer: Acknowledged,
  }, signal);
}

/** Changes settings of an index; one that becomes null is the server's default again. */
export async function updateSettings(
  cluster: Cluster,
  { name, settings, signal }: {
    name: string;
    settings: Readonly<Record<string, unknown>>;
    signal: AbortSignal;
  },
): Promise<void> {
  await cluster.request({
    method: "PUT",
    path: `/${encodeURIComponent(name)}/_settings`,
    index: name,
    body: settings,
    answer: Acknowledged,
  }, signal);
}

/**
 * Adds to the mappings of an index, and changes what may be changed of them.
 * @throws {EtlError} `request-refused` when Elasticsearch does not take them.
 */
export async function putMappings(
  cluster: Cluster,
  { name, mappings, signal }: {
    name: string;
    mappings: Readonly<Record<string, unknown>>;
    signal: AbortSignal;
  },
): Promise<void> {
  await cluster.request({
    method: "PUT",
    path: `/${encodeURIComponent(name)}/_mapping`,
    index: name,
    body: mappings,
    answer: Acknowledged,
  }, signal);
}

/** Replaces what is noted of an index in its mapping, where Elasticsearch does not look. */
export function replaceMeta(
  cluster: Cluster,
  { name, meta, signal }: {
    name: string;
    meta: Readonly<Record<string, unknown>>;
    signal: AbortSignal;
  },
): Promise<void> {
  return putMappings(cluster, { name, mappings: { _meta: meta }, signal });
}

/** Makes what was written searchable now. */
export async function refreshIndex(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<void> {
  await cluster.request({
    method: "POST",
    path: `/${encodeURIComponent(name)}/_refresh`,
    index: name,
    answer: z.unknown(),
  }, signal);
}

/**
 * Makes sure that an ingest pipeline is there, as far as the agent's user may ask.
 * @throws {EtlError} `index-unusable` when it is not.
 */
export async function requirePipeline(
  cluster: Cluster,
  { pipeline, index, signal }: {
    pipeline: string;
    index: string;
    signal: AbortSignal;
  },
): Promise<void> {
  const Missing = z.object({}).strict();
  const isMissing = await cluster.request({
    method: "GET",
    path: `/_ingest/pipeline/${encodeURIComponent(pipeline)}`,
    index,
    ignore: [401, 403, 404, 405],
    answer: z.union([
      Missing.transform(() => true),
      z.unknown().transform(() => false),
    ]),
  }, signal);
  if (!isMissing) return;
  const detail = `there is no ingest pipeline ${pipeline}; make it, or take ` +
    "pipeline: out of the configuration";
  throw new EtlError({ kind: "index-unusable", index, detail });
}
