import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { fail, listSome, type Observation, warn } from "./check_finding.ts";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import {
  ensureIndexBeside,
  type IndexRecipe,
  type TargetIndex,
} from "./index_lifecycle.ts";
import { createLog } from "./logging.ts";
import { withoutNotes } from "./made_from.ts";

const JsonMap = z.record(z.string(), z.unknown());

const Indexes = z.record(
  z.string(),
  z.object({
    mappings: JsonMap,
    settings: z.object({
      index: z.looseObject({
        gc_deletes: z.string().optional(),
        blocks: JsonMap.optional(),
        analysis: z.unknown().optional(),
      }),
    }),
  }),
);

/** An index as Elasticsearch shows it. */
type Shown = z.infer<typeof Indexes>[string];

/** What Elasticsearch does where an index does not say. */
const DEFAULT_GC_DELETES = "60s";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** What is left of a stop is used to clear up. */
const CLEARING_MS = 10_000;

/** Hands an index made as `recipe` says to `use`, nobody's to search; it is deleted whatever happens. */
export async function withTrialIndex<Result>(
  cluster: Cluster,
  { recipe, signal }: { recipe: IndexRecipe; signal: AbortSignal },
  use: (index: TargetIndex) => Promise<Result>,
): Promise<Result> {
  const name = `${recipe.name}-check-${crypto.randomUUID().slice(0, 8)}`;
  try {
    const index = await ensureIndexBeside(cluster, {
      recipe: { ...recipe, name, isAlias: true },
      log: createLog(),
      signal,
    });
    return await use(index);
  } finally {
    const clearing = AbortSignal.timeout(CLEARING_MS);
    const made = await readIndexes(cluster, `${name}-*`, clearing);
    for (const index of Object.keys(made)) {
      await cluster.request({
        method: "DELETE",
        path: `/${encodeURIComponent(index)}`,
        index,
        answer: z.unknown(),
      }, clearing);
    }
  }
}

/** What the name of an index stands for, beside an index that was made as it is configured. */
export async function checkTarget(
  cluster: Cluster,
  { name, isAlias, trial, signal }: {
    name: string;
    /** Whether the name is to be an alias. */
    isAlias: boolean;
    trial: TargetIndex;
    signal: AbortSignal;
  },
): Promise<readonly Observation[]> {
  const found = Object.entries(await readIndexes(cluster, name, signal));
  const [first, ...others] = found;
  if (first === undefined) return [];
  if (others.length > 0) {
    const names = found.map(([index]) => index);
    return [fail(
      `the alias ${name} stands for ${names.length} indexes: ${
        listSome(names)
      }`,
      `Leave it on one: POST /_aliases {"actions": [{"remove": {"index": "${
        names.at(-1)
      }", "alias": "${name}"}}]}`,
    )];
  }
  const made = await readIndexes(cluster, trial.name, signal);
  const configured = made[trial.name];
  return [
    ...(isAlias ? judgeName(name, first[0]) : []),
    ...(configured === undefined
      ? []
      : judgeIndex(first[0], first[1], configured)),
  ];
}

function judgeName(name: string, index: string): readonly Observation[] {
  if (index !== name) return [];
  return [warn(
    `${name} is an index, not an alias: another cannot be loaded beside it and take its place`,
    `Run: pg2es reindex --index ${name} --force. It loads another, and deletes this one in the step that gives its name to the alias; who searches notices nothing. Or write alias: false to keep it as it is`,
  )];
}

function* judgeIndex(
  index: string,
  shown: Shown,
  configured: Shown,
): Generator<Observation> {
  const { gc_deletes: gcDeletes, blocks = {} } = shown.settings.index;
  const block = Object.keys(blocks).find((key) => blocks[key] === "true");
  if (block !== undefined) {
    yield fail(
      `the index ${index} takes no writes: index.blocks.${block} is set`,
      `Run: PUT /${index}/_settings {"index.blocks.${block}": null}, after the cause is mended, such as a full disk`,
    );
  }
  const differences = [
    ...findDifferences(withoutNotes(configured.mappings), shown.mappings),
    ...(isDeepStrictEqual(
        configured.settings.index.analysis,
        shown.settings.index.analysis,
      )
      ? []
      : ["settings.analysis"]),
  ];
  if (differences.length > 0) {
    yield warn(
      `the index ${index} is not as index_config says: ${
        listSome(differences)
      }`,
      "Start the agent: it changes in place what can be. For the rest write on_change: reload, or run pg2es reindex, or take the change back",
    );
  }
  const wanted = configured.settings.index.gc_deletes ?? DEFAULT_GC_DELETES;
  if (toMs(gcDeletes ?? DEFAULT_GC_DELETES) < toMs(wanted)) {
    yield warn(
      `the index ${index} forgets a delete's version after ${
        gcDeletes ?? DEFAULT_GC_DELETES
      }, so that a slow request may bring a document back`,
      `Run: PUT /${index}/_settings {"index.gc_deletes": "${wanted}"}`,
    );
  }
}

/**
 * The fields, and what else there is in a mapping, that are not in `actual` as in `wanted`; what it has besides is no difference.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { findDifferences } from "./check_target.ts";
 * const field = (type: string) => ({ properties: { title: { type } } });
 * deepEqual([...findDifferences(field("text"), field("keyword"))], ["title"]);
 * deepEqual([...findDifferences({}, field("keyword"))], []);
 * ```
 */
export function* findDifferences(
  wanted: Readonly<Record<string, unknown>>,
  actual: Readonly<Record<string, unknown>>,
  path: readonly string[] = [],
): Generator<string> {
  for (const [key, value] of Object.entries(wanted)) {
    const other = actual[key];
    const place = [...path, key];
    if (isMap(value) && isMap(other)) {
      const isList = key === "properties" || key === "fields";
      yield* findDifferences(value, other, isList ? path : place);
    } else if (!isDeepStrictEqual(value, other)) {
      // what a field lacks is told by the field's name
      const isOfField = typeof value !== "object" && path.length > 0;
      yield (isOfField ? path : place).join(".");
    }
  }
}

function toMs(duration: string): number {
  const [, count = "0", unit = ""] = /^(\d+)(ms|s|m|h|d)$/.exec(duration) ?? [];
  return Number(count) * (UNIT_MS[unit] ?? 0);
}

async function readIndexes(
  cluster: Cluster,
  name: string,
  signal: AbortSignal,
): Promise<z.infer<typeof Indexes>> {
  try {
    return await cluster.request({
      method: "GET",
      path: `/${encodeURIComponent(name)}`,
      index: name,
      answer: Indexes,
    }, signal);
  } catch (error) {
    const isMissing = error instanceof EtlError &&
      error.failure.kind === "index-missing";
    if (isMissing) return {};
    throw error;
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
