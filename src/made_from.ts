import { createHash } from "node:crypto";
import { z } from "zod";
import type { IndexDefinition } from "./config.ts";
import {
  findChanges,
  greatestRemedy,
  type IndexChange,
  type Remedy,
} from "./index_changes.ts";
import type { IndexConfig } from "./index_config.ts";
import type { FoundIndex } from "./index_requests.ts";

/** Where it is noted in the mapping of an index what it was made from. */
const NOTE = "pg2es_made_from";

/** What an index was made from. */
export type MadeFrom = z.infer<typeof MadeFrom>;
const JsonMap = z.record(z.string(), z.unknown());
const MadeFrom = z.object({
  settings: JsonMap,
  mappings: JsonMap,
  /** The document query: an index that stays as it is goes on with its own. Whoever may see the mapping can read it. */
  document: z.string(),
  /** The ingest pipeline that documents went through. */
  pipeline: z.string().optional(),
});

/** What an index is to be made from. */
export interface Ingredients {
  readonly indexConfig: IndexConfig;
  /** The document query. */
  readonly document: string;
  readonly ingestPipeline?: string;
}

/** How far an index is from what it would be made from now. */
export interface MadeDifference {
  /** Of its settings and mappings. */
  readonly changes: readonly IndexChange[];
  /** What these take. */
  readonly remedy: Remedy | undefined;
  /** Whether its documents are those of another query, or went through another pipeline. */
  readonly isOtherQuery: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** Elasticsearch forgets a delete's version after this time; its default of a minute is short for a request that is slow. */
const GC_DELETES = "10m";

/**
 * The body that an index is made with: it keeps the versions of deletes for long enough, and has a note of what it is made
 * from, besides `notes`.
 */
export function bodyOf(
  ingredients: Ingredients,
  notes: Json = {},
): { readonly settings: Json; readonly mappings: Json } {
  const { mappings } = ingredients.indexConfig;
  const meta = { ...mapOf(mappings["_meta"]), ...notes };
  return {
    settings: madeFromNow(ingredients).settings,
    mappings: { ...mappings, _meta: noteMadeFrom(meta, ingredients) },
  };
}

/** The notes of an index with the one that it is made from these. */
export function noteMadeFrom(meta: Json, ingredients: Ingredients): Json {
  return { ...meta, [NOTE]: madeFromNow(ingredients) };
}

/** What an index was made from, as far as that is noted: not where somebody else made it. */
export function readMadeFrom(
  found: Pick<FoundIndex, "mappings">,
): MadeFrom | undefined {
  return MadeFrom.safeParse(notesOf(found)[NOTE]).data;
}

/** How far what is made from `ingredients` now is from `before`. */
export function compareMadeFrom(
  before: MadeFrom,
  ingredients: Ingredients,
): MadeDifference {
  const after = madeFromNow(ingredients);
  const changes = findChanges(before, after);
  return {
    changes,
    remedy: greatestRemedy(changes),
    isOtherQuery: before.document !== after.document ||
      before.pipeline !== after.pipeline,
  };
}

/**
 * Eight hexadecimal digits that tell apart what indexes are made from.
 * @example
 * ```ts
 * import { notEqual } from "node:assert/strict";
 * import { fingerprint } from "./made_from.ts";
 * const indexConfig = { mappings: {} };
 * notEqual(
 *   fingerprint({ indexConfig, document: "select 1 as id" }),
 *   fingerprint({ indexConfig, document: "select 2 as id" }),
 * );
 * ```
 */
export function fingerprint(ingredients: Ingredients): string {
  const text = JSON.stringify(madeFromNow(ingredients));
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** An index of the configuration with what its index was made from in place of what is written now. */
export function asMade(
  definition: IndexDefinition,
  { settings, mappings, document, pipeline }: MadeFrom,
): IndexDefinition {
  const { ingestPipeline: _, ...others } = definition;
  return {
    ...others,
    indexConfig: { settings, mappings },
    document,
    ...(pipeline === undefined ? {} : { ingestPipeline: pipeline }),
  };
}

/**
 * Mappings without the agent's notes, which people did not write.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { withoutNotes } from "./made_from.ts";
 * deepEqual(withoutNotes({ dynamic: "strict", _meta: { pg2es_made_from: {} } }), { dynamic: "strict" });
 * ```
 */
export function withoutNotes(mappings: Json): Json {
  const { _meta: meta, ...others } = mappings;
  const notes = Object.fromEntries(
    Object.entries(mapOf(meta)).filter(([key]) => !isOwnNote(key)),
  );
  return Object.keys(notes).length === 0 ? others : { ...others, _meta: notes };
}

/** The agent's notes of an index; the mark of a load is kept apart. */
export function ownNotesOf(found: Pick<FoundIndex, "mappings">): Json {
  const notes = Object.entries(notesOf(found));
  return Object.fromEntries(notes.filter(([key]) => isOwnNote(key)));
}

/** Everything that is noted of an index, whoever did. */
export function notesOf(found: Pick<FoundIndex, "mappings"> | undefined): Json {
  return mapOf(found?.mappings?._meta);
}

function isOwnNote(key: string): boolean {
  return key.startsWith("pg2es_");
}

/** What is made from `ingredients` now. */
export function madeFromNow(
  { indexConfig, document, ingestPipeline: pipeline }: Ingredients,
): MadeFrom {
  return {
    settings: withGcDeletes(indexConfig.settings ?? {}),
    mappings: { ...indexConfig.mappings },
    document,
    ...(pipeline === undefined ? {} : { pipeline }),
  };
}

function withGcDeletes(settings: Json): Record<string, unknown> {
  if (/"(index\.)?gc_deletes"/.test(JSON.stringify(settings))) {
    return { ...settings };
  }
  return { ...settings, "index.gc_deletes": GC_DELETES };
}

function mapOf(value: unknown): Json {
  return JsonMap.safeParse(value).data ?? {};
}
