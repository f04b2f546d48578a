import type { LoadedConfig } from "./config.ts";
import { formatPath } from "./config_faults.ts";
import { EtlError } from "./failure.ts";
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
