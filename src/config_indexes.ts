import { join, resolve } from "node:path";
import { z } from "zod";
import { readText } from "./config_files.ts";
import {
  choice,
  duration,
  durationOrOff,
  isMap,
  list,
  percentage,
  present,
  section,
  text,
  toggle,
} from "./config_scalars.ts";
import type { WatchedTable } from "./config_tables.ts";
import { queryText, watchSchema } from "./config_watch.ts";
import { type IndexConfig, readIndexConfig } from "./index_config.ts";

/** Elasticsearch takes 255; the agent adds a suffix of its own. */
const MAX_NAME_BYTES = 200;

/** Where files are found: `folder` is absolute, `shown` is the same as the user named it. */
export interface Folder {
  readonly folder: string;
  readonly shown: string;
}

/** An index and the query that it is kept equal to. */
export interface IndexDefinition {
  readonly name: string;
  /** Whether the agent follows it. */
  readonly enabled: boolean;
  /** Whether `name` is an alias, behind which an index can take the place of another. */
  readonly isAlias: boolean;
  /** What is done where the index would have to be made anew: it is told, or another is loaded beside it and takes its place. */
  readonly onChange: OnChange;
  /** For how long an index is kept, and followed, after another has taken its place. */
  readonly keepOldMs: number;
  /** The ingest pipeline of Elasticsearch that documents go through. */
  readonly ingestPipeline?: string;
  readonly indexConfig: IndexConfig;
  /** The query whose rows are the documents, without a semicolon at its end. */
  readonly document: string;
  /** The table whose rows the documents are of: the one watched without `documentIds`. */
  readonly root: WatchedTable;
  /** Where its changes come from; what all indexes say where it does not. */
  readonly follow?: Follow;
  /** Every watched table, the root too, in the order of the file. */
  readonly watch: readonly WatchedTable[];
  /** How much further back each pass looks than the open transactions ask for. */
  readonly lookbackMs: number;
  /** How often the whole index is held against the table: by the ids alone, and by content; absent is never. */
  readonly sweep: { readonly idsMs?: number; readonly contentMs?: number };
  /** A sweep that would delete a greater share of the index deletes nothing: from 0 to 1, which is no limit. */
  readonly maxDeleteShare: number;
}

/** Where changes come from: tables are looked at, or PostgreSQL's log is followed. */
export type Follow = typeof FOLLOW[number];
export const FOLLOW = ["polling", "wal"] as const; // the literal words

/** What is done where an index would have to be made anew. */
export type OnChange = typeof ON_CHANGE[number];
const ON_CHANGE = ["tell", "reload"] as const; // the literal words

/** Schema of the list `indexes`. */
export function indexesSchema(
  place: Folder,
): z.ZodType<readonly IndexDefinition[]> {
  const remedy = "write an index after each dash, with name, index_config, " +
    "document, watch";
  return list(indexSchema(place), remedy).superRefine((indexes, context) => {
    const names = indexes.map((index) => isMap(index) ? index.name : undefined);
    names.forEach((name, at) => {
      if (typeof name !== "string" || names.indexOf(name) === at) return;
      const message = "is the name of an index above, write another";
      context.addIssue({ code: "custom", path: [at, "name"], message });
    });
  }, { when: ({ value }) => Array.isArray(value) }).transform((indexes) =>
    indexes.map(({ watch, ...index }, indexAt) => {
      const tables = watch.map((table, at) => ({
        ...table,
        path: ["indexes", indexAt, "watch", at],
      }));
      const root = tables.find((table) => !("documentIds" in table));
      if (root === undefined) throw new TypeError("Cannot find the root table");
      return { ...index, root, watch: tables };
    })
  );
}

function indexSchema(place: Folder) {
  const remedy = "write the path of index_config.json";
  return section({
    name: indexName().meta({
      description: "The name that people search",
      bounds: `a name of Elasticsearch, ${MAX_NAME_BYTES} bytes`,
    }),
    enabled: toggle().prefault("true").describe(
      "Whether the agent follows it; commands with `--index` do so all the same",
    ),
    alias: toggle().prefault("true").describe(
      "Whether `name` is an alias, behind which another index can take the place of one",
    ),
    on_change: choice(ON_CHANGE).prefault("tell").describe(
      "What is done where a change of the configuration needs another index",
    ),
    keep_old: duration({ from: "0s", to: "30d" }).prefault("24h").describe(
      "For how long an index is kept and followed after another took its place",
    ),
    pipeline: text("write the id of an ingest pipeline").optional().meta({
      description:
        "The ingest pipeline of Elasticsearch that documents go through",
      bounds: "its id",
    }),
    index_config: text(remedy).transform(async (path, context) => {
      const reading = await readIndexFile(place, path);
      if ("indexConfig" in reading) return reading.indexConfig;
      for (const message of reading.faults ?? []) {
        // These lines are whole: they name the other file.
        context.addIssue({ code: "custom", message, params: { whole: true } });
      }
      if (reading.state !== undefined) {
        context.addIssue(`names a file that ${reading.state}, ${remedy}`);
      }
      return z.NEVER;
    }).describe(
      "JSON file that the index is made from, with `settings` and `mappings`",
    ),
    document: queryText().meta({
      description:
        "Query with one row a document: its columns are the fields, the root's key among them",
      bounds: "one statement",
    }),
    follow: choice(FOLLOW).optional().meta({
      description: "Where its changes come from, in place of `follow` for all",
      preset: "that of all",
    }),
    watch: watchSchema().meta({
      description: "The tables whose changes reach a document",
      bounds: "one at least, one of them the root",
    }),
    lookback: duration({ from: "0s", to: "7d" }).prefault("0s").describe(
      "How much further back each pass looks than the open transactions ask for",
    ),
    sweep: sweepSchema().prefault({}).describe(
      "How often the whole index is held against the tables: a map, or `off`",
    ),
    max_delete: percentage({ from: "0%", to: "100%" }).prefault("10%")
      .describe("The share of the index that a sweep may delete"),
  }).superRefine(({ alias, on_change: onChange }, context) => {
    if (alias || onChange === "tell") return;
    const message = "needs alias: true, since the index that is made takes " +
      "the place of the other behind an alias; write tell";
    context.addIssue({ code: "custom", path: ["on_change"], message });
  }).transform((written) => ({
    name: written.name,
    enabled: written.enabled,
    isAlias: written.alias,
    onChange: written.on_change,
    keepOldMs: written.keep_old,
    ...present({
      ingestPipeline: written.pipeline,
      follow: written.follow,
    }),
    indexConfig: written.index_config,
    document: written.document,
    watch: written.watch,
    lookbackMs: written.lookback,
    sweep: written.sweep,
    maxDeleteShare: written.max_delete,
  }));
}

function sweepSchema() {
  const bounds = { from: "1s", to: "30d" };
  const periods = section({
    ids: durationOrOff(bounds).prefault("1h").describe(
      "How often the ids of the index are held against those of the table",
    ),
    content: durationOrOff(bounds).prefault("24h").describe(
      "How often the documents are held against what the query shows",
    ),
  }).transform(({ ids, content }) =>
    present({ idsMs: ids, contentMs: content })
  );
  const off = choice(["off"]).transform(() => ({}));
  return z.union([off, periods], {
    error: "is neither off nor a map, write off or a map with ids, content",
  });
}

async function readIndexFile(
  { folder, shown }: Folder,
  path: string,
): Promise<
  | { readonly indexConfig: IndexConfig }
  | { readonly faults?: readonly string[]; readonly state?: string }
> {
  const absolute = resolve(folder, path);
  const reading = await readText(absolute);
  if ("state" in reading) return { state: reading.state };
  const file = absolute === path ? path : join(shown, path);
  return readIndexConfig(reading.text, file);
}

const FORBIDDEN = /[\\/*?"<>|\s,#:]/;

/** The name of an index, or of an alias. */
export function indexName(
  remedy = "write a name such as movies",
): z.ZodType<string, string> {
  return text(remedy).transform((name, context) => {
    const fault = describeName(name);
    if (fault !== undefined) context.addIssue(`${fault}, ${remedy}`);
    return name;
  });
}

function describeName(name: string): string | undefined {
  if (name !== name.toLowerCase()) return "has capital letters";
  if (FORBIDDEN.test(name)) {
    return 'has a space or one of \\ / * ? " < > | , # :';
  }
  if (/^[-_+.]/.test(name)) return "begins with one of - _ + .";
  const { length } = new TextEncoder().encode(name);
  if (length > MAX_NAME_BYTES) return `is over ${MAX_NAME_BYTES} bytes long`;
}
