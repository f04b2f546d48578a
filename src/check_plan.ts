import { z } from "zod";
import type { Source } from "./postgres.ts";

/** A table as a plan reads it. */
export interface Scan {
  readonly schema: string;
  readonly table: string;
  /** By which values an index or a row's place finds the rows; none where all are read. */
  readonly condition: string | undefined;
}

const PlanNode = z.object({
  "Node Type": z.string(),
  "Relation Name": z.string().optional(),
  Schema: z.string().optional(),
  "Index Cond": z.string().optional(),
  "Recheck Cond": z.string().optional(),
  "TID Cond": z.string().optional(),
  "Total Cost": z.number(),
  get Plans(): z.ZodOptional<z.ZodArray<typeof PlanNode>> {
    return z.array(PlanNode).optional();
  },
});

/** A condition that leaves out no row that has a value: the index is read from its beginning to its end. */
const ANY_VALUE = /^\([^()]* IS NOT NULL\)$/;

type PlanNode = z.infer<typeof PlanNode>;

const Plans = z.tuple([z.object({ Plan: PlanNode })]);

/** The scans of tables in a plan, as `explain (format json, verbose)` tells it. */
export function readScans(json: string): readonly Scan[] {
  return [...scansOf(readPlan(json))];
}

/** What the whole of a plan costs, in PostgreSQL's units. */
export function readCost(json: string): number {
  return readPlan(json)["Total Cost"];
}

function readPlan(json: string): PlanNode {
  return Plans.parse(JSON.parse(json))[0].Plan;
}

function* scansOf(node: PlanNode): Generator<Scan> {
  const { "Relation Name": table, Schema: schema } = node;
  // what another server does of it, its plan does not tell
  const isRemote = node["Node Type"] === "Foreign Scan";
  if (table !== undefined && schema !== undefined && !isRemote) {
    const condition = node["Index Cond"] ?? node["Recheck Cond"] ??
      node["TID Cond"];
    const isBound = condition !== undefined && !ANY_VALUE.test(condition);
    yield { schema, table, condition: isBound ? condition : undefined };
  }
  for (const child of node.Plans ?? []) yield* scansOf(child);
}

/**
 * The plan of the one statement that `ask` sends to the source it is given, which answers with no rows.
 * @throws {TypeError} when it sends none.
 */
export async function explainQuery(
  source: Source,
  ask: (explaining: Source) => Promise<unknown>,
  signal: AbortSignal,
): Promise<readonly Scan[]> {
  let plan: string | undefined;
  await ask({
    ...source,
    async query({ label, sql }, { values = [] }) {
      plan ??= await source.explain({ label, sql, values }, signal);
      return [];
    },
  });
  if (plan === undefined) throw new TypeError("Cannot explain: nothing asked");
  return readScans(plan);
}
