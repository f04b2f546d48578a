import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import { bodiesInPlace, type IndexChange } from "./index_changes.ts";
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
import {
  compareMadeFrom,
  type Ingredients,
  type MadeFrom,
  madeFromNow,
  noteMadeFrom,
  notesOf,
  ownNotesOf,
  readMadeFrom,
} from "./made_from.ts";

/** So many differences are told. */
const MAX_TOLD = 10;
const MAX_VALUE_LENGTH = 60;

/** What comes of a difference between an index and what it would be made from now. */
export interface Adaptation {
  /** Whether every document has to be written again. */
  readonly isRewriting: boolean;
  /** To be called once that has begun, and its position is saved: the index is then made from what it is to be. */
  readonly noteBegun: () => Promise<void>;
  /** Where the index stays as it is, since only another could be as it is to be. */
  readonly outdated?: Outdated;
}

/** An index that is not as it would be made now, and cannot be brought to it. */
export interface Outdated {
  readonly madeFrom: MadeFrom;
  /** What differs, for people. */
  readonly differences: string;
}

const UNCHANGED: Adaptation = {
  isRewriting: false,
  noteBegun: () => Promise.resolve(),
};

/**
 * Brings the index `name` to what it would be made from now, as far as that goes in place.
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
  const madeFrom = readMadeFrom(found);
  // somebody else made it, or an agent that noted nothing
  if (madeFrom === undefined) return UNCHANGED;
  const difference = compareMadeFrom(madeFrom, ingredients);
  const { changes, remedy, isOtherQuery } = difference;
  if (remedy === undefined && !isOtherQuery) return UNCHANGED;
  const differences = tellChanges(changes);
  const outdated = { ...UNCHANGED, outdated: { madeFrom, differences } };
  if (remedy === "reload") return outdated;
  if (remedy !== undefined) {
    const put = { name, found, madeFrom, ingredients, signal };
    try {
      await putInPlace(cluster, put);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const told = { name, differences, error };
      log.warning("Elasticsearch refuses the change of the index", told);
      return outdated;
    }
    log.info("the index was changed in place", { name, differences });
  }
  async function noteChange(): Promise<void> {
    const current = (await findIndexes(cluster, name, signal))[name];
    const meta = noteMadeFrom(notesOf(current), ingredients);
    await replaceMeta(cluster, { name, meta, signal });
  }
  if (remedy === "rewrite" || isOtherQuery) {
    const why = isOtherQuery
      ? "another document query"
      : "the index was changed";
    log.info("every document is written again", { name, why });
    return { isRewriting: true, noteBegun: noteChange };
  }
  await noteChange();
  return UNCHANGED;
}

/** Puts settings and mappings in place; the note of what the index was made from stays. */
async function putInPlace(
  cluster: Cluster,
  { name, found, madeFrom, ingredients, signal }: {
    name: string;
    found: FoundIndex;
    madeFrom: MadeFrom;
    ingredients: Ingredients;
    signal: AbortSignal;
  },
): Promise<void> {
  const after = madeFromNow(ingredients);
  const bodies = bodiesInPlace(madeFrom, after);
  let { settings } = bodies;
  let meta = {
    ...notesOf({ mappings: { _meta: after.mappings["_meta"] } }),
    ...ownNotesOf(found),
  };
  if (isTuned(found)) {
    // the load goes on: what is tuned for it comes with its end
    const templates = await readTemplateSettings(cluster, { name, signal });
    const tuned = retuneBody({ settings: after.settings, meta }, templates);
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
