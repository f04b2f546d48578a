import { z } from "zod";
import { type Finding, type Observation, warn } from "./check_finding.ts";
import type { Config } from "./config.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source, Statement } from "./postgres.ts";
import {
  publicationSql,
  readPublication,
  type Refusal,
} from "./postgres_publication.ts";
import {
  NO_FREE_SLOT,
  readSlot,
  readSlotGround,
  refuseGround,
} from "./postgres_slot.ts";
import { planIndex } from "./preflight.ts";
import { planWal } from "./wal_tables.ts";

const POLLED = "changes are looked for by polling";

/** What the agent may do with a publication of these tables. */
const RightsRow = z.object({
  owns_tables: z.enum(["true", "false"]),
  may_create: z.enum(["true", "false"]),
  owns_publication: z.enum(["true", "false"]),
  free_slots: z.string(),
  keeps_all: z.enum(["true", "false"]),
});

const RIGHTS: Statement<z.infer<typeof RightsRow>> = {
  label: "publication",
  sql: `select
  (select coalesce(bool_and(pg_has_role(c.relowner, 'usage')), true)
    from unnest($1::text[]) t(name) join pg_class c on c.oid = to_regclass(t.name))::text as owns_tables,
  has_database_privilege(current_database(), 'create')::text as may_create,
  (select coalesce(bool_and(pg_has_role(p.pubowner, 'usage')), true)
    from pg_publication p where p.pubname = $2)::text as owns_publication,
  (current_setting('max_replication_slots')::int - (select count(*) from pg_replication_slots))::text as free_slots,
  (current_setting('max_slot_wal_keep_size') = '-1')::text as keeps_all`,
  row: RightsRow,
};

/** What keeps indexes from being followed by the log, where they are to be; nothing is made. */
export async function checkWal(
  source: Source,
  { config, signal }: { config: Config; signal: AbortSignal },
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const tables = new Set<string>();
  let isByWal = false;
  for (const [place, definition] of config.indexes.entries()) {
    if (definition.follow !== "wal" || !definition.enabled) continue;
    isByWal = true;
    const path = ["indexes", place];
    const { pageSize } = config.postgres;
    const options = { definition, path, pageSize, signal };
    const { plan } = await planIndex(source, options);
    // what is wrong with it is told already
    if (plan === undefined) continue;
    for (const { from } of plan.tables) tables.add(from);
    const observations = await checkTables(source, { plan, signal });
    findings.push(...observations.map((found) => ({
      ...{ ...found, path: [...path, "watch"] },
      index: definition.name,
    })));
  }
  if (!isByWal) return [];
  const found = await checkServer(source, {
    ...{ config, tables: [...tables].sort(), signal },
  });
  return [
    ...found.map((observation) => ({ ...observation, path: ["wal"] })),
    ...findings,
  ];
}

/** Until it is mended its index is polled. */
function warnPolled({ reason, remedy }: Refusal): Observation {
  return warn(`${reason}: ${POLLED}`, remedy);
}

async function checkTables(
  source: Source,
  { plan, signal }: { plan: IndexPlan; signal: AbortSignal },
): Promise<readonly Observation[]> {
  const { refusal, blindSpots } = await planWal(source, plan, signal);
  if (refusal !== undefined) {
    return [warnPolled(refusal)];
  }
  return blindSpots.map(({ table, columns, remedy }) =>
    warn(
      `the log does not tell ${
        columns.join(", ")
      } of rows of ${table} as they were: what depends on it is left to the sweep`,
      remedy,
    )
  );
}

async function checkServer(
  source: Source,
  { config: { wal }, tables, signal }: {
    config: Config;
    tables: readonly string[];
    signal: AbortSignal;
  },
): Promise<readonly Observation[]> {
  const ground = await readSlotGround(source, signal);
  const observations = Array.from(refuseGround(ground), warnPolled);
  const [rights] = await source.query(RIGHTS, {
    values: [tables, wal.publication],
    signal,
  });
  if (rights === undefined) throw new RangeError("Cannot read rights: no row");
  const found = await readPublication(source, wal.publication, signal);
  const statements = publicationSql(wal.publication, { tables, found });
  const mayChange = rights.owns_tables === "true" &&
    (found === undefined
      ? rights.may_create === "true"
      : rights.owns_publication === "true");
  if (statements.length > 0 && tables.length > 0 && !mayChange) {
    observations.push(warnPolled({
      reason:
        `publication ${wal.publication} does not tell of every watched table, and the agent may not change it`,
      remedy: `Run: ${statements.join("; ")}`,
    }));
  }
  const slot = await readSlot(source, wal.slot, signal);
  if (slot === undefined && Number(rights.free_slots) <= 0) {
    observations.push(warnPolled(NO_FREE_SLOT));
  }
  if (rights.keeps_all === "true") {
    observations.push(warn(
      "max_slot_wal_keep_size is -1: while no agent runs, the server keeps its log for the slot until its disk is full",
      "Run: alter system set max_slot_wal_keep_size = '2GB'; select pg_reload_conf()",
    ));
  }
  return observations;
}
