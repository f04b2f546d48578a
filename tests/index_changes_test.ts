import { deepEqual, equal, ok } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { readVersions } from "../dev/server_versions.ts";
import type { IndexConfig } from "../src/index_config.ts";
import {
  bodiesInPlace,
  findChanges,
  greatestRemedy,
  type Remedy,
} from "../src/index_changes.ts";
import { createIndex } from "../src/index_requests.ts";
import { NEVER, openTestCluster, type TestCluster } from "./servers.ts";

type Json = Readonly<Record<string, unknown>>;

/** A change of index_config.json, and what it takes. */
interface Case {
  readonly title: string;
  readonly before: Json;
  readonly after: Json;
  /** Each difference. */
  readonly changes: Readonly<Record<string, Remedy>>;
  /** The document that is there. */
  readonly document?: Json;
  /** What a search for it asks by the new configuration; it is found only once what the change takes is done. */
  readonly query?: Json;
  /** OpenSearch refuses it. */
  readonly isElasticsearchOnly?: boolean;
}

const ANALYSIS = {
  analyzer: {
    folded: { type: "custom", tokenizer: "standard", filter: ["lowercase"] },
  },
};

function fields(properties: Json, rest: Json = {}): Json {
  return { mappings: { dynamic: "false", properties, ...rest } };
}

const TITLE = { title: { type: "text" } };

const CASES: readonly Case[] = [
  {
    title: "a field is added",
    before: fields(TITLE),
    after: fields({ ...TITLE, year: { type: "short" } }),
    changes: { "mappings.properties.year": "rewrite" },
    document: { title: "Star", year: 1977 },
    query: { term: { year: 1977 } },
  },
  {
    title: "a field of an object is added",
    before: fields({ maker: { properties: { name: { type: "keyword" } } } }),
    after: fields({
      maker: {
        type: "object",
        properties: { name: { type: "keyword" }, town: { type: "keyword" } },
      },
    }),
    changes: { "mappings.properties.maker.properties.town": "rewrite" },
    document: { maker: { name: "A", town: "B" } },
    query: { term: { "maker.town": "B" } },
  },
  {
    title: "a field is indexed another way as well",
    before: fields(TITLE),
    after: fields({
      title: { type: "text", fields: { raw: { type: "keyword" } } },
    }),
    changes: { "mappings.properties.title.fields.raw": "rewrite" },
    document: { title: "Star" },
    query: { term: { "title.raw": "Star" } },
  },
  {
    title: "a field is copied to another",
    before: fields({ ...TITLE, all: { type: "text" } }),
    after: fields({
      title: { type: "text", "copy_to": "all" },
      all: { type: "text" },
    }),
    changes: { "mappings.properties.title.copy_to": "rewrite" },
    document: { title: "Star" },
    query: { match: { all: "star" } },
  },
  {
    title: "longer values are indexed",
    before: fields({ code: { type: "keyword", "ignore_above": 3 } }),
    after: fields({ code: { type: "keyword", "ignore_above": 30 } }),
    changes: { "mappings.properties.code.ignore_above": "rewrite" },
    document: { code: "long one" },
    query: { term: { code: "long one" } },
  },
  {
    title: "a limit of length is taken away",
    before: fields({ code: { type: "keyword", "ignore_above": 3 } }),
    after: fields({ code: { type: "keyword" } }),
    changes: { "mappings.properties.code.ignore_above": "rewrite" },
    document: { code: "long one" },
    query: { term: { code: "long one" } },
  },
  {
    title: "unmapped fields are indexed too",
    before: fields(TITLE),
    after: { mappings: { dynamic: "true", properties: TITLE } },
    changes: { "mappings.dynamic": "rewrite" },
    document: { title: "Star", year: 1977 },
    query: { term: { year: 1977 } },
  },
  {
    title: "malformed values are left out",
    before: fields({ year: { type: "short" } }),
    after: fields({ year: { type: "short", "ignore_malformed": true } }),
    changes: { "mappings.properties.year.ignore_malformed": "rewrite" },
  },
  {
    title: "texts are searched by another analyzer",
    before: fields({ title: { type: "text", analyzer: "whitespace" } }),
    after: fields({
      title: {
        type: "text",
        analyzer: "whitespace",
        "search_analyzer": "standard",
      },
    }),
    changes: { "mappings.properties.title.search_analyzer": "set" },
    document: { title: "star" },
    query: { match: { title: "STAR" } },
  },
  {
    title: "a field is computed at search",
    before: fields(TITLE),
    after: fields(TITLE, {
      runtime: { year: { type: "long" } },
    }),
    changes: { "mappings.runtime.year": "set" },
    document: { title: "Star", year: 1977 },
    query: { term: { year: 1977 } },
    isElasticsearchOnly: true,
  },
  {
    title: "a field is computed at search no more",
    before: fields(TITLE, {
      runtime: { year: { type: "long" } },
    }),
    after: fields(TITLE),
    changes: { "mappings.runtime.year": "set" },
    isElasticsearchOnly: true,
  },
  {
    title: "a note is made of the index",
    before: fields(TITLE),
    after: fields(TITLE, { "_meta": { owner: "films" } }),
    changes: { "mappings._meta": "set" },
  },
  {
    title: "dynamic settings change",
    before: {
      settings: { "refresh_interval": "5s", index: { "max_result_window": 5 } },
      ...fields(TITLE),
    },
    after: {
      settings: {
        index: { "number_of_replicas": 0 },
        "refresh_interval": "7s",
      },
      ...fields(TITLE),
    },
    changes: {
      "settings.index.refresh_interval": "set",
      "settings.index.max_result_window": "set",
      "settings.index.number_of_replicas": "set",
    },
  },
  {
    title: "norms are given up",
    before: fields(TITLE),
    after: fields({ title: { type: "text", norms: false } }),
    changes: { "mappings.properties.title.norms": "rewrite" },
  },
  {
    title: "norms are wanted again",
    before: fields({ title: { type: "text", norms: false } }),
    after: fields(TITLE),
    changes: { "mappings.properties.title.norms": "reload" },
  },
  {
    title: "a field gets another type",
    before: fields({ year: { type: "keyword" } }),
    after: fields({ year: { type: "short" } }),
    changes: { "mappings.properties.year.type": "reload" },
  },
  {
    title: "a field gets another analyzer",
    before: fields(TITLE),
    after: fields({ title: { type: "text", analyzer: "simple" } }),
    changes: { "mappings.properties.title.analyzer": "reload" },
  },
  {
    title: "a field is taken away",
    before: fields({ ...TITLE, year: { type: "short" } }),
    after: fields(TITLE),
    changes: { "mappings.properties.year": "reload" },
  },
  {
    title: "a field is taken away and another added",
    before: fields({ year: { type: "short" } }),
    after: fields(TITLE),
    changes: {
      "mappings.properties.year": "reload",
      "mappings.properties.title": "rewrite",
    },
  },
  {
    title: "objects become nested",
    before: fields({ maker: { properties: TITLE } }),
    after: fields({ maker: { type: "nested", properties: TITLE } }),
    changes: { "mappings.properties.maker.type": "reload" },
  },
  {
    title: "a text becomes an object",
    before: fields(TITLE),
    after: fields({ title: { properties: { en: { type: "text" } } } }),
    changes: {
      "mappings.properties.title.type": "reload",
      "mappings.properties.title.properties": "reload",
    },
  },
  {
    title: "a field is indexed that was not",
    before: fields({ year: { type: "short", index: false } }),
    after: fields({ year: { type: "short" } }),
    changes: { "mappings.properties.year.index": "reload" },
  },
  {
    title: "a value stands for null",
    before: fields({ code: { type: "keyword" } }),
    after: fields({ code: { type: "keyword", "null_value": "none" } }),
    changes: { "mappings.properties.code.null_value": "reload" },
  },
  {
    title: "dates are written otherwise",
    before: fields({ day: { type: "date" } }),
    after: fields({ day: { type: "date", format: "yyyy" } }),
    changes: { "mappings.properties.day.format": "reload" },
  },
  {
    title: "documents are kept without a field",
    before: fields(TITLE),
    after: fields(TITLE, { "_source": { excludes: ["title"] } }),
    changes: { "mappings._source": "reload" },
  },
  {
    title: "what is said of unmapped fields is said no more",
    before: fields(TITLE),
    after: { mappings: { properties: TITLE } },
    changes: { "mappings.dynamic": "reload" },
  },
  {
    title: "there are more shards",
    before: { settings: { "number_of_shards": 1 }, ...fields(TITLE) },
    after: { settings: { "number_of_shards": 2 }, ...fields(TITLE) },
    changes: { "settings.index.number_of_shards": "reload" },
  },
  {
    title: "an analyzer is added",
    before: fields(TITLE),
    after: { settings: { analysis: ANALYSIS }, ...fields(TITLE) },
    changes: {
      "settings.index.analysis.analyzer.folded.type": "reload",
      "settings.index.analysis.analyzer.folded.tokenizer": "reload",
      "settings.index.analysis.analyzer.folded.filter": "reload",
    },
  },
  {
    title: "the same is written otherwise",
    before: {
      settings: { index: { "number_of_replicas": 1 } },
      ...fields({ code: { type: "keyword", "ignore_above": 3, store: true } }),
    },
    after: {
      settings: { "index.number_of_replicas": "1" },
      ...fields({
        code: { store: "true", "ignore_above": "3", type: "keyword" },
      }),
    },
    changes: {},
  },
];

/** What else a field, or a mapping, may change in place: what is said of it, before and after. */
const PARAMETERS: readonly (readonly [string, Remedy, Json, unknown])[] = [
  ["coerce", "rewrite", { type: "integer" }, false],
  ["depth_limit", "rewrite", { type: "flattened" }, 10],
  ["eager_global_ordinals", "set", { type: "keyword" }, true],
  ["fielddata", "set", { type: "text" }, true],
  [
    "fielddata_frequency_filter",
    "set",
    { type: "text", fielddata: true },
    { min: 0.01, max: 0.5, "min_segment_size": 500 },
  ],
  ["max_input_length", "rewrite", { type: "completion" }, 60],
  ["meta", "set", { type: "integer" }, { unit: "ms" }],
  [
    "search_quote_analyzer",
    "set",
    { type: "text", analyzer: "standard", "search_analyzer": "simple" },
    "whitespace",
  ],
  ["split_queries_on_whitespace", "set", { type: "keyword" }, true],
];

const DETECTION: readonly (readonly [string, unknown])[] = [
  ["date_detection", false],
  ["dynamic_date_formats", ["yyyy"]],
  [
    "dynamic_templates",
    [{ texts: { match: "t_*", mapping: { type: "keyword" } } }],
  ],
  ["numeric_detection", true],
];

const PARAMETER_CASES: readonly Case[] = [
  ...PARAMETERS.map(([name, remedy, field, value]) => ({
    title: `a field gets another ${name}`,
    before: fields({ field }),
    after: fields({ field: { ...field, [name]: value } }),
    changes: { [`mappings.properties.field.${name}`]: remedy },
    isElasticsearchOnly: name === "depth_limit",
  })),
  ...DETECTION.map(([name, value]): Case => ({
    title: `a mapping gets another ${name}`,
    before: fields(TITLE),
    after: fields(TITLE, { [name]: value }),
    changes: { [`mappings.${name}`]: "rewrite" },
  })),
];

function configOf({ settings, mappings }: Json): IndexConfig {
  return {
    ...(isMap(settings) ? { settings } : {}),
    mappings: isMap(mappings) ? mappings : {},
  };
}

function isMap(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An index as Elasticsearch has it, without what differs between any two. */
async function describe(
  { fetch }: TestCluster,
  name: string,
): Promise<unknown> {
  const found = await fetch("GET", `/${name}?flat_settings=true`);
  const { mappings, settings } = mapOf(mapOf(found)[name]);
  const { _meta: notes, ...fields } = mapOf(mappings);
  const isNoted = Object.keys(mapOf(notes ?? {})).length > 0;
  const own = /^index\.(?:uuid|creation_date|provided_name)$/;
  const kept = Object.entries(mapOf(settings)).filter(([key]) =>
    !own.test(key)
  );
  return {
    mappings: isNoted ? mappings : fields,
    settings: Object.fromEntries(kept),
  };
}

function mapOf(value: unknown): Json {
  ok(isMap(value));
  return value;
}

const { product } = readVersions().search;

for (
  const { title, before, after, changes, document, query } of [
    ...CASES,
    ...PARAMETER_CASES,
  ].filter(({ isElasticsearchOnly = false }) =>
    product === "elasticsearch" || !isElasticsearchOnly
  )
) {
  Deno.test(`findChanges() tells what it takes when ${title}`, async () => {
    await using target = openTestCluster();
    const { cluster, fetch, index } = target;
    const [was, is] = [configOf(before), configOf(after)];
    const found = findChanges(was, is);
    deepEqual(
      Object.fromEntries(found.map(({ path, remedy }) => [path, remedy])),
      changes,
    );

    // what Elasticsearch makes of it
    const [old, fresh] = [`${index}-old`, `${index}-new`];
    await createIndex(cluster, { name: old, body: was, signal: NEVER });
    await createIndex(cluster, { name: fresh, body: is, signal: NEVER });
    const write = () =>
      document === undefined
        ? undefined
        : fetch("PUT", `/${old}/_doc/1?refresh=true`, document);
    await write();
    const { settings, mappings } = bodiesInPlace(was, is);
    const answers = [await fetch("PUT", `/${old}/_mapping`, mappings)];
    if (Object.keys(settings).length > 0) {
      answers.push(await fetch("PUT", `/${old}/_settings`, settings));
    }
    const isTaken = answers.every((answer) => !("error" in mapOf(answer)));
    const isSame = isDeepStrictEqual(
      await describe(target, old),
      await describe(target, fresh),
    );
    const remedy = greatestRemedy(found);
    deepEqual({ isTaken, isSame, answers }, {
      isTaken: remedy === "reload" ? isTaken && !isSame : true,
      isSame: remedy !== "reload",
      answers,
    });
    if (query === undefined) return;
    const count = async () =>
      mapOf(await fetch("POST", `/${old}/_count`, { query }))["count"];
    equal(await count(), remedy === "set" ? 1 : 0);
    await write();
    equal(await count(), 1);
  });
}
