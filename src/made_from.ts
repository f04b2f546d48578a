import { createHash } from "node:crypto";
import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import {
  bodiesInPlace,
  findChanges,
  greatestRemedy,
  type IndexChange,
} from "./index_changes.ts";
import type { IndexConfig } from "./index_config.ts";
import {
  findIndexes,
  type FoundIndex,
  putMappings,
  replaceMeta,
  updateSettings,
} from "./index_requests.ts";
import { omitSettings } from "./index_settings.ts";
import { isTuned, readTemplateSettings, retuneBody } from "./load_tuning.ts";
import type { Log } from "./logging.ts";

/** Where it is noted in the mapping of an index what it was made from. */
const NOTE = "pg2es_made_from";

/** What an index was made from. */
export type MadeFrom = z.infer<typeof MadeFrom>;
const JsonMap = z.record(z.string(), z.unknown());
const MadeFrom = z.object({
  settings: JsonMap,
  mappings: JsonMap,
  /** The document query, as {@linkcode hashQuery} has it. */
  document: z.string(),
});

/** What an index is to be made from. */
export interface Ingredients {
  readonly indexConfig: IndexConfig;
  /** The document query. */
  readonly document: string;
}

/** Elasticsearch forgets a delete's version after this time; its default of a minute is short for a request that is slow. */
const GC_DELETES = "10m";

/** So many differences are told. */
const MAX_TOLD = 10;
const MAX_VALUE_LENGTH = 60;

/** What comes of a difference between an index and what it would be made from now. */
export interface Adaptation {
  /** Whether every document has to be written again. */
  readonly isRewriting: boolean;
  /** To be called once that has begun, and its position is saved: the index is then made from what it is to be. */
  readonly noteBegun: () => Promise<void>;
}

const UNCHANGED: Adaptation = {
  isRewriting: false,
  noteBegun: () => Promise.resolve(),
};

/** The body that an index is made with: it keeps the versions of deletes for long enough, and a note of what it is made from. */
export function bodyOf(
  { indexConfig, document }: Ingredients,
): { readonly settings: IndexSettings; readonly mappings: IndexSettings } {
  const madeFrom = madeFromNow({ indexConfig, document });
  return {
    settings: madeFrom.settings,
    mappings: withNote(indexConfig.mappings, madeFrom),
  };
}

type IndexSettings = Readonly<Record<string, unknown>>;

/**
 * Brings the index `name` to what it would be made from now, as far as that goes in place; tells what does not.
 *
 * The note of what it was made from is changed with the last step: cut anywhere before, everything is done again.
 * @throws {EtlError} `index-missing` when the index is gone.
 */
export async function adaptIndex(
  cluster: Cluster,
  { name, ingredients, log, signal }: {
    name: string;
    ingredients: Ingredients;
    log: Log;
    signal: AbortSignal;
  },
): Promise<Adaptation> {
  const found = (await findIndexes(cluster, name, signal))[name];
  if (found === undefined) {
    throw new EtlError({ kind: "index-missing", index: name });
  }
  const before = noteOf(found);
  // somebody else made it, or an agent that noted nothing
  if (before === undefined) return UNCHANGED;
  const after = madeFromNow(ingredients);
  const changes = findChanges(before, after);
  const isOtherQuery = before.document !== after.document;
  if (changes.length === 0 && !isOtherQuery) return UNCHANGED;
  const differences = tellChanges(changes);
  const remedy = greatestRemedy(changes);
  if (remedy === "reload") {
    log.warning(
      "the index stays as it is: what index_config.json says now needs another one",
      { name, differences, hint: "delete the index: it is made anew" },
    );
    return UNCHANGED;
  }
  const bodies = bodiesInPlace(before, after);
  const put = { name, found, bodies, after: ingredients.indexConfig, signal };
  if (remedy !== undefined) {
    try {
      await putInPlace(cluster, put);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      log.warning(
        "the index stays as it is: Elasticsearch refuses the change",
        {
          name,
          differences,
          error,
        },
      );
      return UNCHANGED;
    }
  }
  async function noteChange(): Promise<void> {
    const current = (await findIndexes(cluster, name, signal))[name];
    const meta = { ...metaOf(current), [NOTE]: after };
    await replaceMeta(cluster, { name, meta, signal });
  }
  const isRewriting = remedy === "rewrite" || isOtherQuery;
  if (remedy !== undefined) {
    log.info("the index was changed in place", { name, differences });
  }
  if (isRewriting) {
    log.info("every document is written again", {
      name,
      why: isOtherQuery ? "another document query" : "the index was changed",
    });
  }
  if (isRewriting) return { isRewriting, noteBegun: noteChange };
  await noteChange();
  return UNCHANGED;
}

/**
 * Mappings without the note of what their index was made from, which people did not write.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { withoutNote } from "./made_from.ts";
 * deepEqual(withoutNote({ dynamic: "strict", _meta: { pg2es_made_from: {} } }), { dynamic: "strict" });
 * ```
 */
export function withoutNote(mappings: IndexSettings): IndexSettings {
  const { _meta: meta, ...others } = mappings;
  const { [NOTE]: _, ...notes } = mapOf(meta);
  return Object.keys(notes).length === 0 ? others : { ...others, _meta: notes };
}

/** Puts settings and mappings in place; the note of what the index was made from stays. */
async function putInPlace(
  cluster: Cluster,
  { name, found, bodies, after, signal }: {
    name: string;
    found: FoundIndex;
    bodies: ReturnType<typeof bodiesInPlace>;
    after: IndexConfig;
    signal: AbortSignal;
  },
): Promise<void> {
  const { [NOTE]: note } = metaOf(found);
  let { settings } = bodies;
  let meta: IndexSettings = { ...mapOf(after.mappings["_meta"]), [NOTE]: note };
  if (isTuned(found)) {
    // the load goes on: what is tuned for it comes with its end
    const templates = await readTemplateSettings(cluster, { name, signal });
    const tuned = retuneBody(
      { settings: after.settings ?? {}, meta },
      templates,
    );
    settings = omitSettings(settings, tuned.names);
    meta = tuned.meta;
  }
  // a limit of fields may have to be raised first
  if (Object.keys(settings).length > 0) {
    await updateSettings(cluster, { name, settings, signal });
  }
  const mappings = { ...bodies.mappings, _meta: meta };
  await putMappings(cluster, { name, mappings, signal });
}

/** Whether Elasticsearch does not take a change, or not from the agent's user. */
function isRefusal(error: unknown): boolean {
  return error instanceof EtlError &&
    ["request-refused", "server-refused"].includes(error.failure.kind);
}

function madeFromNow({ indexConfig, document }: Ingredients): MadeFrom {
  return {
    settings: withGcDeletes(indexConfig.settings ?? {}),
    mappings: { ...indexConfig.mappings },
    document: hashQuery(document),
  };
}

/** A query may hold what nobody is to read in an index, and is long. */
function hashQuery(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function withGcDeletes(settings: IndexSettings): Record<string, unknown> {
  if (/"(index\.)?gc_deletes"/.test(JSON.stringify(settings))) {
    return { ...settings };
  }
  return { ...settings, "index.gc_deletes": GC_DELETES };
}

function withNote(mappings: IndexSettings, note: MadeFrom): IndexSettings {
  const meta = { ...mapOf(mappings["_meta"]), [NOTE]: note };
  return { ...mappings, _meta: meta };
}

function noteOf(found: FoundIndex): MadeFrom | undefined {
  return MadeFrom.safeParse(metaOf(found)[NOTE]).data;
}

function metaOf(found: FoundIndex | undefined): IndexSettings {
  return mapOf(found?.mappings?._meta);
}

function mapOf(value: unknown): IndexSettings {
  return JsonMap.safeParse(value).data ?? {};
}

/** Differences for people: where, from what, to what. */
function tellChanges(changes: readonly IndexChange[]): string {
  const told = changes.slice(0, MAX_TOLD).map(({ path, before, after }) =>
    `${path}: ${tellValue(before)} -> ${tellValue(after)}`
  );
  const rest = changes.length - told.length;
  return [...told, ...(rest > 0 ? [`and ${rest} more`] : [])].join("; ");
}

function tellValue(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH
    ? `${text.slice(0, MAX_VALUE_LENGTH)}...`
    : text;
}
