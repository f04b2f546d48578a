import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";

/** An index as a comparison needs to know it. */
export interface ComparedIndex {
  /** Its own name, behind the alias. */
  readonly name: string;
  /** Why documents do not come back as they were sent; they can be compared by their ids alone then. */
  readonly unfaithful?: string;
}

const Found = z.record(
  z.string(),
  z.object({
    mappings: z.looseObject({
      _source: z.object({
        enabled: z.boolean().optional(),
        mode: z.string().optional(),
        includes: z.array(z.string()).optional(),
        excludes: z.array(z.string()).optional(),
      }).optional(),
    }),
    settings: z.record(z.string(), z.unknown()),
    defaults: z.record(z.string(), z.unknown()).optional(),
  }),
);

const THROUGH_PIPELINE = "an ingest pipeline may change documents";

type Description = z.infer<typeof Found>[string];

/**
 * Looks at the one index behind `name`, which may be an alias or its own; changes nothing.
 * @throws {EtlError} `index-missing` when there is none, `index-unusable` when there are several.
 */
export async function inspectIndex(
  cluster: Cluster,
  { name, ingestPipeline, signal }: {
    name: string;
    /** What documents go through on their way, besides what the index itself says. */
    ingestPipeline?: string | undefined;
    signal: AbortSignal;
  },
): Promise<ComparedIndex> {
  const found = await cluster.request({
    method: "GET",
    path: `/${encodeURIComponent(name)}`,
    query: { flat_settings: "true", include_defaults: "true" },
    index: name,
    answer: Found,
  }, signal);
  const [first, ...others] = Object.entries(found);
  if (first === undefined) {
    throw new EtlError({ kind: "index-missing", index: name });
  }
  if (others.length > 0) {
    const detail = `the alias stands for ${others.length + 1} indexes`;
    throw new EtlError({ kind: "index-unusable", index: name, detail });
  }
  const [physical, description] = first;
  const unfaithful = ingestPipeline === undefined
    ? findUnfaithfulness(description)
    : THROUGH_PIPELINE;
  return {
    name: physical,
    ...(unfaithful === undefined ? {} : { unfaithful }),
  };
}

/** What keeps an index from showing a document's bytes as they were sent, if anything does. */
function findUnfaithfulness(
  { mappings, settings, defaults = {} }: Description,
): string | undefined {
  const { _source: source = {} } = mappings;
  const setting = (name: string) => {
    const value = settings[name] ?? defaults[name];
    return value === undefined || value === null ? "" : String(value);
  };
  const mode = (source.mode ?? setting("index.mapping.source.mode"))
    .toLowerCase();
  if (source.enabled === false || mode === "disabled") {
    return "the index keeps no _source";
  }
  if (mode === "synthetic") {
    return "the index makes _source up (synthetic)";
  }
  if ((source.includes ?? []).length + (source.excludes ?? []).length > 0) {
    return "the index leaves fields out of _source";
  }
  const hasVectors = /"type":"(?:dense_vector|sparse_vector|rank_vectors)"/
    .test(JSON.stringify(mappings));
  if (
    hasVectors &&
    setting("index.mapping.exclude_source_vectors") === "true"
  ) {
    return "the index leaves vectors out of _source";
  }
  const pipelines = ["index.default_pipeline", "index.final_pipeline"];
  if (pipelines.some((name) => !["", "_none"].includes(setting(name)))) {
    return THROUGH_PIPELINE;
  }
  return undefined;
}
