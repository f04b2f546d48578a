import type { LoadedConfig } from "./config.ts";
import { formatPath } from "./config_faults.ts";
import { EtlError } from "./failure.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import { planIndex } from "./preflight.ts";

/**
 * The plans of all indexes of the configuration, in its order.
 * @throws {EtlError} `config-invalid` with everything that the database contradicts.
 */
export async function planIndexes(
  { config, locate }: LoadedConfig,
  { source, signal }: { source: Source; signal: AbortSignal },
): Promise<IndexPlan[]> {
  const plans: IndexPlan[] = [];
  const faults: string[] = [];
  for (const [place, definition] of config.indexes.entries()) {
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
