import type { IndexConfig } from "./index_config.ts";
import { settingsByName } from "./index_settings.ts";

/**
 * What it takes until an index is as it would be made now: nothing but a request (`set`), that and every document written
 * once more (`rewrite`), or another index (`reload`).
 */
export type Remedy = "set" | "rewrite" | "reload";

/** A difference between what an index was made from and what it would be made from now. */
export interface IndexChange {
  /** Where it is in index_config.json, such as `mappings.properties.title.type`. */
  readonly path: string;
  /** What was there and what is; absent where there was, or is, nothing. */
  readonly before?: unknown;
  readonly after?: unknown;
  readonly remedy: Remedy;
}

type Path = readonly string[];
type Json = Readonly<Record<string, unknown>>;

/**
 * What a field may change without being made anew, and what that takes for the documents that are there. All else
 * Elasticsearch refuses, or takes and goes on as before: Elasticsearch Guide, "Update mapping API"; tried on 8.19.
 */
const FIELD_REMEDIES: Readonly<Record<string, Remedy>> = {
  "coerce": "rewrite",
  "copy_to": "rewrite",
  "depth_limit": "rewrite",
  "eager_global_ordinals": "set",
  "fielddata": "set",
  "fielddata_frequency_filter": "set",
  "ignore_above": "rewrite",
  "ignore_malformed": "rewrite",
  "max_input_length": "rewrite",
  "meta": "set",
  "search_analyzer": "set",
  "search_quote_analyzer": "set",
  "split_queries_on_whitespace": "set",
};

/** What an object, or the mapping as a whole, says of the fields that documents bring. */
const OBJECT_REMEDIES: Readonly<Record<string, Remedy>> = {
  "date_detection": "rewrite",
  "dynamic": "rewrite",
  "dynamic_date_formats": "rewrite",
  "dynamic_templates": "rewrite",
  "numeric_detection": "rewrite",
};

/** Settings of an open index that stay as they were made; Elasticsearch Guide, "Index modules". */
const STATIC_SETTINGS =
  /^index\.(?:analysis|codec|load_fixed_bitset_filters_eagerly|mapping\.(?:source|synthetic_source_keep|ignore_malformed|coerce)|mode|number_of_routing_shards|number_of_shards|routing_partition_size|shard\.check_on_startup|similarity|soft_deletes|sort|store)(?:\.|$)/;

/** Of use to the indexing of documents that come: what is there was indexed without. */
const INDEXING_SETTINGS = /^index\.(?:default|final)_pipeline$/;

/**
 * How `after` differs from `before`, in the order of their names.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { findChanges } from "./index_changes.ts";
 * const before = { mappings: { properties: { title: { type: "text" } } } };
 * const after = {
 *   settings: { refresh_interval: "5s" },
 *   mappings: { properties: { title: { type: "keyword" }, year: { type: "short" } } },
 * };
 * deepEqual(findChanges(before, after), [
 *   { path: "settings.index.refresh_interval", after: "5s", remedy: "set" },
 *   { path: "mappings.properties.title.type", before: "text", after: "keyword", remedy: "reload" },
 *   { path: "mappings.properties.year", after: { type: "short" }, remedy: "rewrite" },
 * ]);
 * ```
 */
export function findChanges(
  before: IndexConfig,
  after: IndexConfig,
): readonly IndexChange[] {
  return [
    ...compareSettings(before.settings ?? {}, after.settings ?? {}),
    ...compareMappings(before.mappings, after.mappings),
  ];
}

/**
 * The greatest of what the changes take; nothing where there is none.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { greatestRemedy } from "./index_changes.ts";
 * equal(greatestRemedy([{ remedy: "set" }, { remedy: "rewrite" }]), "rewrite");
 * equal(greatestRemedy([]), undefined);
 * ```
 */
export function greatestRemedy(
  changes: readonly Pick<IndexChange, "remedy">[],
): Remedy | undefined {
  const order: readonly Remedy[] = ["reload", "rewrite", "set"];
  return order.find((remedy) =>
    changes.some((change) => change.remedy === remedy)
  );
}

/**
 * The bodies of the requests that bring `before` to `after` without another index, for changes that need none: settings of
 * `_settings`, and mappings of `_mapping`. What is not written any more is given up.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { bodiesInPlace } from "./index_changes.ts";
 * const before = { settings: { refresh_interval: "5s" }, mappings: { _meta: { owner: "films" } } };
 * deepEqual(bodiesInPlace(before, { mappings: {} }), {
 *   settings: { "index.refresh_interval": null },
 *   mappings: { _meta: {} },
 * });
 * ```
 */
export function bodiesInPlace(
  before: IndexConfig,
  after: IndexConfig,
): { readonly settings: Json; readonly mappings: Json } {
  const settings = [
    ...compareSettings(before.settings ?? {}, after.settings ?? {}),
  ]
    .map((
      change,
    ) => [change.path.replace("settings.", ""), change.after ?? null]);
  const runtime = withNulls(
    before.mappings["runtime"],
    after.mappings["runtime"],
  );
  return {
    settings: Object.fromEntries(settings),
    mappings: {
      _meta: {},
      ...after.mappings,
      ...(Object.keys(runtime).length === 0 ? {} : { runtime }),
    },
  };
}

/** The fields computed at search, those that are to go as null. */
function withNulls(before: unknown, after: unknown): Json {
  const gone = Object.keys(mapOf(before)).map((name) => [name, null]);
  return { ...Object.fromEntries(gone), ...mapOf(after) };
}

function* compareSettings(before: Json, after: Json): Generator<IndexChange> {
  const was = Object.fromEntries(settingsByName(before));
  const is = Object.fromEntries(settingsByName(after));
  yield* compareKeys(was, is, ["settings"], ({ key }) => {
    if (STATIC_SETTINGS.test(key)) return "reload";
    return INDEXING_SETTINGS.test(key) ? "rewrite" : "set";
  });
}

function* compareMappings(before: Json, after: Json): Generator<IndexChange> {
  const { _meta: _, ...was } = before;
  const { _meta: __, ...is } = after;
  const notes = {
    before: { _meta: before["_meta"] },
    after: { _meta: after["_meta"] },
  };
  yield* compareKeys(notes.before, notes.after, ["mappings"], () => "set");
  yield* compareObject(was, is, ["mappings"]);
}

/** Of an object, or of the mapping as a whole: what it says of itself, then its fields. */
function* compareObject(
  before: Json,
  after: Json,
  path: Path,
): Generator<IndexChange> {
  const { properties: fields, runtime, ...was } = before;
  const { properties: newFields, runtime: newRuntime, ...is } = after;
  yield* compareKeys(was, is, path, ({ key, ...change }) => {
    // what is not said of an object stays as it was
    if (!("after" in change)) return "reload";
    return OBJECT_REMEDIES[key] ?? "reload";
  });
  yield* compareKeys(
    mapOf(runtime),
    mapOf(newRuntime),
    [...path, "runtime"],
    () => "set",
  );
  yield* compareFields(fields, newFields, [...path, "properties"]);
}

function* compareFields(
  before: unknown,
  after: unknown,
  path: Path,
): Generator<IndexChange> {
  const was = mapOf(before);
  const is = mapOf(after);
  for (const name of namesOf(was, is)) {
    const place = [...path, name];
    const [field, newField] = [mapOf(was[name]), mapOf(is[name])];
    if (!(name in is)) {
      yield { path: place.join("."), before: field, remedy: "reload" };
    } else if (!(name in was)) {
      yield { path: place.join("."), after: newField, remedy: "rewrite" };
    } else if (isObjectField(field) && isObjectField(newField)) {
      const type = "object"; // where it is not said
      yield* compareObject({ type, ...field }, { type, ...newField }, place);
    } else {
      yield* compareField(field, newField, place);
    }
  }
}

function* compareField(
  before: Json,
  after: Json,
  path: Path,
): Generator<IndexChange> {
  const { fields: multiFields, ...was } = before;
  const { fields: newMultiFields, ...is } = after;
  yield* compareKeys(was, is, path, ({ key, ...change }) => {
    // norms can be given up, and not be had again
    if (key === "norms" && !isFalse(change.before) && isFalse(change.after)) {
      return "rewrite";
    }
    return FIELD_REMEDIES[key] ?? "reload";
  });
  yield* compareFields(multiFields, newMultiFields, [...path, "fields"]);
}

/** The keys whose values differ, each with what `judge` says of it. */
function* compareKeys(
  before: Json,
  after: Json,
  path: Path,
  judge: (
    change: {
      readonly key: string;
      readonly before?: unknown;
      readonly after?: unknown;
    },
  ) => Remedy,
): Generator<IndexChange> {
  for (const key of namesOf(before, after)) {
    const [was, is] = [before[key], after[key]];
    if (textOf(was) === textOf(is)) continue;
    const change = {
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
    };
    const remedy = judge({ key, ...change });
    yield { path: [...path, key].join("."), ...change, remedy };
  }
}

function isObjectField({ type, properties }: Json): boolean {
  return properties !== undefined || type === "object" || type === "nested";
}

function isFalse(value: unknown): boolean {
  return String(value) === "false";
}

function namesOf(before: Json, after: Json): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])];
}

function mapOf(value: unknown): Json {
  return isMap(value) ? value : {};
}

/** Elasticsearch takes `true` and `"true"`, 1 and `"1"`, for the same; the order of keys says nothing. */
function textOf(value: unknown): string {
  if (value === undefined) return "";
  return JSON.stringify(value, (_, inner: unknown) => {
    if (isMap(inner)) {
      return Object.fromEntries(
        Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1),
      );
    }
    return Array.isArray(inner) || inner === null ? inner : String(inner);
  });
}

function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
