import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import {
  findIndexes,
  type FoundIndex,
  refreshIndex,
  replaceMeta,
  updateSettings,
} from "./index_requests.ts";
import { omitSettings, settingsByName } from "./index_settings.ts";

type Settings = Readonly<Record<string, unknown>>;

/** What an index is made from, as the body of the request. */
export interface IndexBody {
  readonly settings: Settings;
  readonly mappings: Settings;
}

/** The settings of an index for the time of its load; as text, which is how Elasticsearch shows them. */
const TUNED = {
  "index.refresh_interval": "-1",
  "index.number_of_replicas": "0",
  "index.auto_expand_replicas": "false",
};

/** What keeps an index without replicas from taking writes, by the value that does not. */
const WAIT_FOR_COPIES = "index.write.wait_for_active_shards";
const ONE_COPY = ["undefined", "null", "0", "1", "all"];

/** Where the mark of a tuned index is, in its mapping: it comes with the index in one request. */
const MARK = "pg2es";

/** What an index gets back after its load; the server's default where a setting is not named. */
const Mark = z.object({
  restore: z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean()]),
  ),
});

/** What a server answers that has no such API, or does not allow it. */
const UNANSWERED = [400, 403, 404, 405, 500, 501];

const Privileges = z.object({ has_all_requested: z.boolean() });

const Simulation = z.object({
  template: z.object({ settings: z.record(z.string(), z.unknown()) }),
});

/**
 * The body of an index that is about to be loaded: tuned for that, with a mark of what it was to have, so that it gets that
 * back even where the state is lost. `templateSettings` are those that it would have from templates.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { tuneBody } from "./load_tuning.ts";
 * const settings = { index: { refresh_interval: "5s", codec: "default" } };
 * deepEqual(tuneBody({ settings, mappings: {} }, { number_of_replicas: 2 }), {
 *   settings: {
 *     index: { codec: "default" },
 *     "index.refresh_interval": "-1",
 *     "index.number_of_replicas": "0",
 *     "index.auto_expand_replicas": "false",
 *   },
 *   mappings: {
 *     _meta: {
 *       pg2es: {
 *         restore: { "index.refresh_interval": "5s", "index.number_of_replicas": 2 },
 *       },
 *     },
 *   },
 * });
 * ```
 */
export function tuneBody(
  { settings, mappings }: IndexBody,
  templateSettings: Settings = {},
): IndexBody {
  const wanted = new Map([
    ...settingsByName(templateSettings),
    ...settingsByName(settings),
  ]);
  const isAlone = ONE_COPY.includes(String(wanted.get(WAIT_FOR_COPIES)));
  const tuned = Object.entries(TUNED).filter(([name]) =>
    isAlone || name === "index.refresh_interval"
  );
  const names = tuned.map(([name]) => name);
  const restore = Object.fromEntries(
    names.map((name) => [name, wanted.get(name)] as const)
      .filter(([, value]) => value !== undefined && value !== null),
  );
  const meta = isMap(mappings["_meta"]) ? mappings["_meta"] : {};
  return {
    settings: {
      ...omitSettings(settings, new Set(names)),
      ...Object.fromEntries(tuned),
    },
    mappings: { ...mappings, _meta: { ...meta, [MARK]: { restore } } },
  };
}

/**
 * What an index that is tuned for a load is to get back by other settings: the notes of it with another mark, and the names
 * of the settings that are to stay as the load has them.
 */
export function retuneBody(
  { settings, meta }: { readonly settings: Settings; readonly meta: Settings },
  templateSettings: Settings,
): { readonly names: ReadonlySet<string>; readonly meta: Settings } {
  const tuned = tuneBody(
    { settings, mappings: { _meta: meta } },
    templateSettings,
  );
  const notes = tuned.mappings["_meta"];
  return {
    names: new Set(Object.keys(TUNED)),
    meta: isMap(notes) ? notes : meta,
  };
}

/** Whether an index is tuned for a load that was not finished, as far as its mark says. */
export function isTuned({ mappings }: FoundIndex): boolean {
  return markOf(mappings?._meta) !== undefined;
}

/**
 * The settings that an index with these gets back: those that are still as the load had them. What somebody else has
 * changed meanwhile stays.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { settingsToRestore } from "./load_tuning.ts";
 * const tuned = { refresh_interval: "-1", number_of_replicas: "0", auto_expand_replicas: "false" };
 * deepEqual(settingsToRestore(tuned, { "index.number_of_replicas": 2 }), {
 *   "index.refresh_interval": null,
 *   "index.number_of_replicas": 2,
 *   "index.auto_expand_replicas": null,
 * });
 * deepEqual(settingsToRestore({ refresh_interval: "30s" }, {}), {});
 * ```
 */
export function settingsToRestore(
  current: Settings,
  restore: Settings,
): Settings {
  const shown = settingsByName(current);
  const changes = Object.entries(TUNED)
    .filter(([name, tuned]) => shown.get(name) === tuned)
    .map(([name, tuned]) => [name, restore[name] ?? null, tuned] as const)
    .filter(([, value, tuned]) => String(value) !== tuned)
    .map(([name, value]) => [name, value] as const);
  return Object.fromEntries(changes);
}

/**
 * Gives an index back what it was to have before it was tuned, and makes it searchable; nothing where it has no mark. Cut
 * anywhere, it is done again by the next call: the mark goes last.
 * @throws {EtlError} `index-missing` when the index is gone.
 */
export async function restoreIndex(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<void> {
  const found = (await findIndexes(cluster, name, signal))[name];
  if (found === undefined) {
    throw new EtlError({ kind: "index-missing", index: name });
  }
  const meta = found.mappings?._meta;
  const mark = markOf(meta);
  if (mark === undefined || !isMap(meta)) return;
  const settings = settingsToRestore(found.settings.index, mark.restore);
  if (Object.keys(settings).length > 0) {
    await updateSettings(cluster, { name, settings, signal });
  }
  await refreshIndex(cluster, { name, signal });
  const { [MARK]: _, ...others } = meta;
  await replaceMeta(cluster, { name, meta: others, signal });
}

/** Whether the agent's user may change the settings of an index, which is what it takes to restore them; where nobody says, it may. */
export async function mayRestore(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<boolean> {
  return await cluster.request({
    method: "POST",
    path: "/_security/user/_has_privileges",
    index: name,
    body: { index: [{ names: [name], privileges: ["manage"] }] },
    ignore: UNANSWERED,
    answer: z.union([
      Privileges.transform(({ has_all_requested: hasAll }) => hasAll),
      z.unknown().transform(() => true),
    ]),
  }, signal);
}

/** The settings that an index of this name would have from templates, as far as the agent's user may ask. */
export async function readTemplateSettings(
  cluster: Cluster,
  { name, signal }: { name: string; signal: AbortSignal },
): Promise<Settings> {
  return await cluster.request({
    method: "POST",
    path: `/_index_template/_simulate_index/${encodeURIComponent(name)}`,
    index: name,
    ignore: UNANSWERED,
    answer: z.union([
      Simulation.transform(({ template }) => template.settings),
      z.unknown().transform((): Settings => ({})),
    ]),
  }, signal);
}

function markOf(meta: unknown): z.infer<typeof Mark> | undefined {
  if (!isMap(meta)) return undefined;
  return Mark.safeParse(meta[MARK]).data;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
