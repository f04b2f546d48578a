import { z } from "zod";
import {
  fail,
  listSome,
  type Observation,
  observeFailure,
  warn,
} from "./check_finding.ts";
import { readCost, readScans } from "./check_plan.ts";
import { findLargeScans } from "./check_tables.ts";
import type { IndexDefinition } from "./config.ts";
import { NO_DEAD_LETTERS } from "./dead_letters.ts";
import { openDocuments } from "./documents.ts";
import { EtlError } from "./failure.ts";
import type { TargetIndex } from "./index_lifecycle.ts";
import type { Key } from "./keys.ts";
import { createLog } from "./logging.ts";
import type { Rejection } from "./operations.ts";
import type { IndexPlan } from "./plan.ts";
import { quoteIdentifier, type Source } from "./postgres.ts";
import type { Servers } from "./servers.ts";
import { openSink } from "./sink.ts";
import { readKeys } from "./table_scan.ts";
import { copyStatement } from "./transform.ts";
import { openVersions } from "./versions.ts";

/** Documents that are tried. */
const SAMPLE_SIZE = 50;

/** Keys in the plan that is asked for: for so few no planner reads a whole table by choice. */
const PLANNED_KEYS = 2;

/** Rows of the whole query that are looked through, where that does not cost more than seconds. */
const LOOKED_THROUGH = 1_000;
const MAX_COST = 1_000_000;

const NO_OPERATOR = "42883";

const PUSH_DOWN =
  "Show the key as it is in the table, without a cast, and gather lists by lateral joins or correlated subqueries in place of group by";

/** The first keys of the root, in their order. */
export async function readSample(
  source: Source,
  plan: IndexPlan,
  signal: AbortSignal,
): Promise<readonly Key[]> {
  const page = { after: undefined, limit: SAMPLE_SIZE, signal };
  const { keys } = await readKeys(source, plan.root, page);
  return keys;
}

/** Whether documents that are asked for by their keys are read by their keys, or from whole tables. */
export async function checkPage(
  source: Source,
  { plan, definition, keys, signal }: {
    plan: IndexPlan;
    definition: IndexDefinition;
    keys: readonly Key[];
    signal: AbortSignal;
  },
): Promise<readonly Observation[]> {
  const { document, root } = plan;
  const copy = copyStatement(document, {
    keys: keys.slice(0, PLANNED_KEYS),
    version: "1",
    maxDocumentBytes: 1,
  });
  const sql = copy.slice("copy (".length, copy.lastIndexOf(") to stdout"));
  let explained: string;
  try {
    explained = await source.explain({ label: document.label, sql }, signal);
  } catch (error) {
    const isMismatch = error instanceof EtlError &&
      error.failure.kind === "query-failed" &&
      error.failure.code === NO_OPERATOR;
    if (!isMismatch) throw error;
    const key = root.key.map(({ name, type }) => `${name} (${type})`);
    return [fail(
      `the query shows the key of ${root.label}, ${
        key.join(", ")
      }, as another type: no document can be asked for by it`,
      "Show the key as it is in the table, without a cast",
    )];
  }
  const scans = readScans(explained);
  const { schema, name } = definition.root.table;
  const isRoot = (scan: { schema: string; table: string }) =>
    scan.schema === schema && scan.table === name;
  const large = await findLargeScans(source, scans, signal);
  const rootScans = scans.filter(isRoot);
  const isWhole = rootScans.length > 0 &&
    rootScans.every(({ condition }) => condition === undefined);
  const observations = large.map(({ name, rowCount }) =>
    warn(
      `each page of documents reads all of ${name}, about ${rowCount} rows`,
      PUSH_DOWN,
    )
  );
  // a few rows of a composite key may be joined as well as looked up
  if (isWhole && large.length === 0 && root.key.length === 1) {
    observations.push(warn(
      `each page of documents reads all of ${root.label}: the key does not reach an index of it`,
      PUSH_DOWN,
    ));
  }
  return observations;
}

/** Whether rows of the document query lack the key, as far as the first of them tell. */
export async function checkKeys(
  source: Source,
  { document }: IndexPlan,
  signal: AbortSignal,
): Promise<readonly Observation[]> {
  const names = document.key.map(({ name }) => `q.${quoteIdentifier(name)}`);
  const isNull = names.map((name) => `${name} is null`).join(" or ");
  const { label } = document;
  const sql = `select count(*)::text as count from (
  select ${isNull} as is_null from (${document.sql}
) q limit ${LOOKED_THROUGH}
) s where is_null`;
  const cost = readCost(await source.explain({ label, sql }, signal));
  if (cost > MAX_COST) return [];
  const rows = await source.query({
    label,
    sql,
    row: z.object({ count: z.coerce.number() }),
  }, { signal });
  const count = rows[0]?.count ?? 0;
  if (count === 0) return [];
  return [warn(
    `${count} of the first rows have no ${
      document.key.map(({ name }) => name).join(", ")
    }: they are no documents`,
    "Leave them out of the query, or show the root's key where an outer join has none",
  )];
}

/** What Elasticsearch says of some documents, as the agent would send them to `index`. */
export async function checkSample(
  servers: Servers,
  { plan, keys, index, maxBytes, signal }: {
    plan: IndexPlan;
    keys: readonly Key[];
    index: TargetIndex | undefined;
    maxBytes: number;
    signal: AbortSignal;
  },
): Promise<readonly Observation[]> {
  const { source } = servers;
  const documents = openDocuments({
    source,
    plan,
    versions: openVersions(),
    limits: { maxRequestBytes: maxBytes, maxReadingBytes: 2 * maxBytes },
  });
  const { requests, rejections } = await documents.read(keys, signal);
  const refused: Rejection[] = [...rejections];
  if (index !== undefined) {
    const log = createLog();
    const sink = openSink({
      ...servers,
      index,
      deadLetters: NO_DEAD_LETTERS,
      log,
    });
    for (const request of requests) {
      const outcome = await sink.settle(request, signal);
      refused.push(...outcome.rejections);
    }
  }
  return describeRejections(refused, keys.length);
}

/** What the rejections among `total` documents have in common, and the ids of some. */
function describeRejections(
  rejections: readonly Rejection[],
  total: number,
): Observation[] {
  const alike = Map.groupBy(
    rejections,
    ({ type, field }) => JSON.stringify([type, field]),
  );
  return [...alike.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { type, field } = first;
    const where = field === undefined ? "" : ` at the field ${field}`;
    return fail(
      `${group.length} of ${total} documents that were tried are refused: ${type}${where}, with the id ${
        listSome(group.map(({ key }) => key))
      }`,
      remedyOf(type, field),
    );
  });
}

function remedyOf(type: string, field: string | undefined): string {
  if (type === "two_rows") {
    return "The query must show one row for each key: gather joined rows in lists";
  }
  if (type === "id_length") return "An id has from 1 to 512 bytes";
  if (type === "document_too_large") return "Leave out of it what is large";
  if (type.startsWith("sqlstate_")) {
    return "Mend what breaks the query, in these rows or in the query";
  }
  if (type === "strict_dynamic_mapping_exception") {
    return "Map the field in index_config, or take it out of the query";
  }
  return field === undefined
    ? "Compare these documents with the mapping in index_config"
    : `Map ${field} as a type that takes these values, or change them in the query`;
}

/** What Elasticsearch says of an index that cannot be made as configured. */
export function describeUnmade(error: EtlError): Observation {
  const { failure } = error;
  if (failure.kind !== "request-refused") return observeFailure(error);
  return fail(
    `Elasticsearch makes no index of it: ${failure.reason ?? failure.type}`,
    "Mend index_config",
  );
}
