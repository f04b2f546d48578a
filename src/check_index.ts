import { z } from "zod";
import { checkColumns, type DocumentColumn } from "./check_columns.ts";
import {
  checkKeys,
  checkPage,
  checkSample,
  describeUnmade,
  readSample,
} from "./check_documents.ts";
import {
  attempt,
  fail,
  type Finding,
  type Observation,
  warn,
} from "./check_finding.ts";
import { readRelations, type Relation } from "./check_relations.ts";
import { checkTable } from "./check_tables.ts";
import { checkTarget, withTrialIndex } from "./check_target.ts";
import type { Config, IndexDefinition, Path } from "./config.ts";
import { EtlError } from "./failure.ts";
import { requirePipeline } from "./index_requests.ts";
import type { Key } from "./keys.ts";
import type { IndexPlan } from "./plan.ts";
import { quoteIdentifier, type Source } from "./postgres.ts";
import { type Fault, identifySource, planIndex } from "./preflight.ts";
import type { Servers } from "./servers.ts";

/** An index to check, and on what. */
export interface IndexCheck {
  readonly config: Config;
  readonly definition: IndexDefinition;
  /** Where the index stands in the configuration. */
  readonly path: Path;
  readonly servers: Servers;
  /** Whether Elasticsearch can be asked. */
  readonly hasCluster: boolean;
  readonly signal: AbortSignal;
}

/** What was found of an index, and the tables that its documents are read from. */
export interface IndexFindings {
  readonly findings: readonly Finding[];
  readonly relations: readonly Relation[];
}

/** Everything that can be told of an index before its first row is loaded. */
export async function checkIndex(check: IndexCheck): Promise<IndexFindings> {
  const { config, definition, path, servers: { source }, signal } = check;
  const findings: Finding[] = [];
  function add(place: Path, observations: readonly Observation[]): void {
    const index = definition.name;
    findings.push(
      ...observations.map((found) => ({ ...found, index, path: place })),
    );
  }
  const document = [...path, "document"];
  const { plan, faults } = await planIndex(source, {
    definition,
    path,
    pageSize: config.postgres.pageSize,
    signal,
  });
  for (const fault of faults) add(fault.path, [observeFault(fault)]);
  const columns = await readColumns(source, definition, signal);
  if (columns === undefined) return { findings, relations: [] };
  add(document, [...checkColumns(columns, definition.indexConfig)]);

  const relations: Relation[] = [];
  add(
    document,
    await attempt(async () => {
      const query = { label: "document", sql: definition.document };
      relations.push(...await readRelations(source, query, signal));
      return await checkUnwatched(source, { definition, relations, signal });
    }),
  );
  let keys: readonly Key[] = [];
  if (plan !== undefined) {
    for (const [place, configured] of definition.watch.entries()) {
      const table = plan.tables[place];
      if (table === undefined) continue;
      const watched = { configured, table, plan };
      add(
        configured.path,
        await attempt(() => checkTable(source, watched, signal)),
      );
    }
    const observations = await attempt(async () => {
      keys = await readSample(source, plan, signal);
      const page = { plan, definition, keys, signal };
      return [
        ...await checkPage(source, page),
        ...await checkKeys(source, plan, signal),
      ];
    });
    add(document, observations);
    if (observations.some(({ level }) => level === "error")) keys = [];
  }
  add(document, await checkTrial(check, { plan, keys, add }));
  return { findings, relations };
}

/** A fault of the preflight: what is wrong, then a semicolon and what to write instead. */
function observeFault({ text }: Fault): Observation {
  const [wrong = text, remedy] = text.split("; ", 2);
  if (remedy === undefined) {
    return fail(wrong, "Compare the query with the tables it reads");
  }
  return fail(wrong, `${remedy.slice(0, 1).toUpperCase()}${remedy.slice(1)}`);
}

const TypeRow = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  element_name: z.string().nullable(),
  element_kind: z.string().nullable(),
});

/** The columns of the document query with their types; none where it is refused, which the preflight tells. */
async function readColumns(
  source: Source,
  { document, name }: IndexDefinition,
  signal: AbortSignal,
): Promise<readonly DocumentColumn[] | undefined> {
  const query = { label: `document of ${name}`, sql: document };
  const columns = await source.describe(query, signal);
  if ("message" in columns) return undefined;
  const rows = await source.query({
    label: "pg_type",
    sql: `select t.oid::text as id, b.typname::text as name,
  b.typtype::text as kind, e.typname::text as element_name,
  e.typtype::text as element_kind
from pg_type t
join pg_type b on b.oid = case when t.typtype = 'd' then t.typbasetype else t.oid end
left join pg_type e on e.oid = b.typelem and b.typcategory = 'A'
where t.oid = any($1::oid[])`,
    row: TypeRow,
  }, { values: [columns.map(({ typeId }) => String(typeId))], signal });
  return columns.map(({ name, typeId }) => {
    const type = rows.find(({ id }) => id === String(typeId));
    return {
      name,
      type: type?.element_name ?? type?.name ?? "unknown",
      typeKind: type?.element_kind ?? type?.kind ?? "b",
      isArray: typeof type?.element_name === "string",
    };
  });
}

/** Tables that the document query reads and whose changes nobody looks for. */
async function checkUnwatched(
  source: Source,
  { definition, relations, signal }: {
    definition: IndexDefinition;
    relations: readonly Relation[];
    signal: AbortSignal;
  },
): Promise<readonly Observation[]> {
  const watched = new Set<string>();
  for (const { table, label } of definition.watch) {
    const name = `${quoteIdentifier(table.schema)}.${
      quoteIdentifier(table.name)
    }`;
    // a view is watched for the tables beneath it
    const sql = `select from ${name}`;
    for (
      const { id } of await readBeneath(source, { label, sql }, signal)
    ) watched.add(id);
  }
  return relations
    .filter(({ kind }) => kind !== "view")
    .filter(({ id, ancestors }) =>
      ![id, ...ancestors].some((table) => watched.has(table))
    )
    .map(({ name, kind }) =>
      warn(
        `the query reads the ${kind} ${name}, which is not watched: its changes are left to the sweep`,
        kind === "materialized view"
          ? "Read its tables and watch them: it changes by its refresh alone, which stamps nothing"
          : `Add it to watch, with document_ids for the documents that a row of it reaches`,
      )
    );
}

/** As {@linkcode readRelations}; nothing of a table that cannot be read, which the preflight tells. */
async function readBeneath(
  ...asked: Parameters<typeof readRelations>
): ReturnType<typeof readRelations> {
  try {
    return await readRelations(...asked);
  } catch (error) {
    const isRefused = error instanceof EtlError &&
      (error.failure.kind === "query-failed" ||
        error.failure.kind === "server-refused");
    if (isRefused) return [];
    throw error;
  }
}

/** What an index tells that is made for the check and deleted after it. */
async function checkTrial(
  { config, definition, path, servers, hasCluster, signal }: IndexCheck,
  { plan, keys, add }: {
    plan: IndexPlan | undefined;
    keys: readonly Key[];
    add: (place: Path, observations: readonly Observation[]) => void;
  },
): Promise<readonly Observation[]> {
  const { cluster, source } = servers;
  const { maxBytes } = config.elasticsearch;
  async function trySample(
    index: Parameters<typeof checkSample>[1]["index"],
  ): Promise<readonly Observation[]> {
    if (plan === undefined || keys.length === 0) return [];
    const sample = { plan, keys, index, maxBytes, signal };
    return await attempt(() => checkSample(servers, sample));
  }
  if (!hasCluster) return await trySample(undefined);
  const identity = await identifySource(source, signal);
  const recipe = { ...definition, source: identity };
  const { ingestPipeline: pipeline, name: index } = definition;
  if (pipeline !== undefined) {
    add(
      [...path, "pipeline"],
      await attempt(async () => {
        await requirePipeline(cluster, { pipeline, index, signal });
        return [];
      }),
    );
  }
  try {
    return await withTrialIndex(cluster, { recipe, signal }, async (trial) => {
      const { name, isAlias } = definition;
      const target = { name, isAlias, trial, signal };
      add(
        [...path, "name"],
        await attempt(() => checkTarget(cluster, target)),
      );
      return await trySample(trial);
    });
  } catch (error) {
    if (!(error instanceof EtlError)) throw error;
    add([...path, "index_config"], [describeUnmade(error)]);
    return await trySample(undefined);
  }
}
