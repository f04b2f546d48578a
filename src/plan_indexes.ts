import type { IndexDefinition, LoadedConfig } from "./config.ts";
import { formatPath } from "./config_faults.ts";
import { EtlError } from "./failure.ts";
import type { Log } from "./logging.ts";
import { asMade, type MadeFrom } from "./made_from.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import { planIndex } from "./preflight.ts";

/**
 * The plans of the indexes of the configuration that are not off, in its order, or of the one called `name`, off or not.
 * @throws {EtlError} `config-invalid` with everything that the database contradicts, or when all indexes are off.
 */
export async function planIndexes(
  { config, locate }: LoadedConfig,
  { source, signal, name }: {
    source: Source;
    signal: AbortSignal;
    name?: string;
  },
): Promise<IndexPlan[]> {
  const plans: IndexPlan[] = [];
  const faults: string[] = [];
  if (
    name === undefined && !config.indexes.some(({ enabled }) => enabled)
  ) {
    const fault = `${locate(["indexes"])}: indexes: all are off, write ` +
      "enabled: true for one, or delete the key";
    throw new EtlError({ kind: "config-invalid", faults: [fault] });
  }
  for (const [place, definition] of config.indexes.entries()) {
    const isMeant = name === undefined
      ? definition.enabled
      : definition.name === name;
    if (!isMeant) continue;
    const preflight = await planIndex(source, {
      definition,
      path: ["indexes", place],
      pageSize: config.postgres.pageSize,
      signal,
    });
    if (preflight.plan !== undefined) plans.push(preflight.plan);
    faults.push(
      ...preflight.faults.map(({ path, text }) =>
        `${locate(path)}: ${formatPath(path)}: ${text}`
      ),
    );
  }
  if (faults.length > 0) throw new EtlError({ kind: "config-invalid", faults });
  return plans;
}

/**
 * What an index is followed by that is not as it is configured, since only another could be; what the configuration says
 * where the database does not allow the other any more.
 */
export async function planAsMade(
  source: Source,
  { madeFrom, plan, definition, pageSize, log, signal }: {
    madeFrom: MadeFrom;
    plan: IndexPlan;
    definition: IndexDefinition;
    pageSize: number;
    log: Log;
    signal: AbortSignal;
  },
): Promise<{ plan: IndexPlan; definition: IndexDefinition }> {
  const made = asMade(definition, madeFrom);
  const options = { definition: made, path: [], pageSize, signal };
  const { plan: madePlan, faults } = await planIndex(source, options);
  if (madePlan !== undefined) return { plan: madePlan, definition: made };
  log.warning(
    "the index cannot be followed by the query that it was made with: going on with that of the configuration",
    { faults: faults.map(({ text }) => text).join("; ") },
  );
  return { plan, definition };
}
