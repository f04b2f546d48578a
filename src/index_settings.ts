type Path = readonly (string | number)[];

/** A setting that cannot stay as it is: where it stands, and what to write instead. */
export interface SettingFault {
  readonly path: Path;
  readonly message: string;
}

type Check = (value: unknown) => string | undefined;

const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  [
    "number_of_shards",
    (value) =>
      isWhole(value, { from: 1, to: 1024 })
        ? undefined
        : "is not a number of shards, write a whole number from 1 to 1024",
  ],
  [
    "number_of_replicas",
    (value) =>
      isWhole(value, { from: 0, to: 1000 })
        ? undefined
        : "is not a number of replicas, write a whole number from 0 to 1000",
  ],
  ["uuid", refuseGiven],
  ["creation_date", refuseGiven],
  ["provided_name", refuseGiven],
  ["version.created", refuseGiven],
  ["version.upgraded", refuseGiven],
  ["blocks.read_only", refuseBlock],
  ["blocks.read_only_allow_delete", refuseBlock],
  ["blocks.write", refuseBlock],
  ["blocks.metadata", refuseBlock],
  [
    "mode",
    (value) =>
      value === "time_series"
        ? "makes document ids from time stamps, delete it: the agent writes by id"
        : undefined,
  ],
]);

function refuseGiven(): string {
  return "is given by Elasticsearch itself, delete it";
}

function refuseBlock(value: unknown): string | undefined {
  return isOff(value) ? undefined : "keeps the agent from writing, delete it";
}

/**
 * What is wrong with the settings of an index, written nested, with dots, with `index.` or without.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { checkSettings } from "./index_settings.ts";
 * deepEqual(checkSettings({ index: { number_of_shards: 0 } }), [{
 *   path: ["index", "number_of_shards"],
 *   message: "is not a number of shards, write a whole number from 1 to 1024",
 * }]);
 * ```
 */
export function checkSettings(
  settings: Readonly<Record<string, unknown>>,
): readonly SettingFault[] {
  return flatten(settings, []).flatMap(({ path, value }) => {
    const name = fullName(path).slice("index.".length);
    const message = CHECKS.get(name)?.(value);
    return message === undefined ? [] : [{ path, message }];
  });
}

/**
 * The settings by their full names, however they are written.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { settingsByName } from "./index_settings.ts";
 * const settings = { index: { "merge.policy": { type: "tiered" } }, codec: "best" };
 * deepEqual([...settingsByName(settings)], [
 *   ["index.merge.policy.type", "tiered"],
 *   ["index.codec", "best"],
 * ]);
 * ```
 */
export function settingsByName(
  settings: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, unknown> {
  return new Map(
    flatten(settings, []).map(({ path, value }) => [fullName(path), value]),
  );
}

/**
 * The settings without those of these full names; the others as they are written.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { omitSettings } from "./index_settings.ts";
 * const settings = { index: { codec: "best", refresh_interval: "5s" }, "index.refresh_interval": "5s" };
 * deepEqual(omitSettings(settings, new Set(["index.refresh_interval"])), {
 *   index: { codec: "best" },
 * });
 * ```
 */
export function omitSettings(
  settings: Readonly<Record<string, unknown>>,
  names: ReadonlySet<string>,
  path: Path = [],
): Record<string, unknown> {
  const kept = Object.entries(settings).flatMap(([key, value]) => {
    const place = [...path, key];
    if (names.has(fullName(place))) return [];
    return [[key, isMap(value) ? omitSettings(value, names, place) : value]];
  });
  return Object.fromEntries(kept);
}

function fullName(path: Path): string {
  return `index.${path.join(".").replace(/^index\./, "")}`;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function flatten(
  value: unknown,
  path: Path,
): readonly { readonly path: Path; readonly value: unknown }[] {
  if (!isMap(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([name, inner]) =>
    flatten(inner, [...path, name])
  );
}

const UNIT_MS: Readonly<Record<string, number>> = {
  nanos: 1e-6,
  micros: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Elasticsearch's text for a duration in milliseconds; 0 where it is none, such as `-1`.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { parseTimeValue } from "./index_settings.ts";
 * equal(parseTimeValue("10m"), 600_000);
 * equal(parseTimeValue("-1"), 0);
 * ```
 */
export function parseTimeValue(text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text) ?? [];
  return Number(number ?? 0) * (UNIT_MS[unit] ?? 0);
}

/** Elasticsearch takes numbers as text too. */
function isWhole(
  value: unknown,
  { from, to }: { readonly from: number; readonly to: number },
): boolean {
  const written = typeof value === "number" ? String(value) : value;
  if (typeof written !== "string" || !/^\d+$/.test(written)) return false;
  return Number(written) >= from && Number(written) <= to;
}

function isOff(value: unknown): boolean {
  return value === false || value === "false" || value === null;
}
