import { type Observation, warn } from "./check_finding.ts";
import type { WatchedFacts } from "./check_facts.ts";
import type { TablePlan } from "./plan.ts";

/** What the stamp of a table lets the agent miss, or leaves to the sweep. */
export function* describeStamp(
  facts: WatchedFacts,
  { table, nullCount, lookbackMs }: {
    table: TablePlan;
    nullCount: number;
    lookbackMs: number;
  },
): Generator<Observation> {
  const { stamp } = table;
  const column = facts.stamp;
  const named = `${facts.name}.${column}`;
  const altered = `alter table ${facts.name} alter column ${column}`;
  const now = stamp.kind === "number" ? "…" : "now()";
  if (stamp.kind === "number") {
    yield warn(
      `${named} is a number, which tells nothing of late commits: a row that is committed after one with a higher number is left to the sweep`,
      "Stamp the rows with a timestamptz, or have the sweep run as often as that may wait",
    );
  }
  if (stamp.kind === "local") {
    yield warn(
      `${named} is a timestamp without time zone: it is right only while every session that writes has the time zone ${stamp.timeZone}`,
      `Run: ${altered} type timestamptz using ${column} at time zone '${stamp.timeZone}'`,
    );
  }
  if (!facts.isTable) return;
  if (!facts.isRequired) {
    const remedy = `set not null`;
    yield nullCount > 0
      ? warn(
        `${nullCount} rows of ${facts.name} have no ${column}: their changes are left to the sweep`,
        `Run: update ${facts.name} set ${column} = ${now} where ${column} is null; ${altered} ${remedy}`,
      )
      : warn(
        `${named} may be null: the changes of such a row are left to the sweep`,
        `Run: ${altered} ${remedy}`,
      );
  }
  // stamps by an application's clock are what lookback is for
  if (lookbackMs > 0) return;
  if (!facts.hasDefault && !facts.stampsInserts) {
    yield warn(
      `no default and no trigger sets ${named} of new rows`,
      `Run: ${altered} set default ${now}. Where applications stamp by their own clocks, set lookback`,
    );
  }
  const isFixed = table.documentIds !== undefined && facts.isLink;
  if (!facts.stampsUpdates && !isFixed) {
    yield warn(
      `no trigger sets ${named} of changed rows: what is changed without it is left to the sweep`,
      `Make a trigger before update, as docs/operations.md shows. Where applications stamp by their own clocks, set lookback`,
    );
  }
}
