import { openChangeProbe } from "./change_probe.ts";
import type { LoadedConfig } from "./config.ts";
import { EtlError } from "./failure.ts";
import { openHorizon } from "./horizon.ts";
import { createLog } from "./logging.ts";
import { type Following, startPass } from "./pass_start.ts";
import type { IndexPlan } from "./plan.ts";
import { planIndexes } from "./plan_indexes.ts";
import { entryOf, type Position } from "./position.ts";
import type { SavedState } from "./saved_state.ts";
import { findChanged } from "./table_scan.ts";
import { NO_INDEX_TELEMETRY } from "./telemetry.ts";
import { openVersions } from "./versions.ts";
import type { Testimony, Witness } from "./witness.ts";

/**
 * Calls upon what the agent saved, and upon the database. Whether an agent runs does not matter.
 *
 * Everything before a saved position is settled; that much is the contract of the state file. There are two ways to know
 * that it holds everything committed before the call:
 *
 * - Its `low` is not before the call, by the database's clock. The pass that it is of has noted the open transactions
 *   after the call then, and none that was open then began before it.
 * - The scan that an agent would begin with that position finds no changed row, in no table. It is the same scan, made after
 *   the call: whoever committed before it is seen.
 *
 * That the number of the WAL's position has not moved since would be no way: a commit is in the WAL before others see it,
 * and may wait there for as long as its synchronous standby takes.
 *
 * @throws {EtlError} `config-invalid` when the configuration does not fit the database.
 */
export async function callSaved(
  loaded: LoadedConfig,
  state: SavedState,
): Promise<Witness> {
  const { servers: { source }, signal } = state;
  const calledAt = await state.now();
  const plans = await planIndexes(loaded, { source, signal });
  return {
    async testify(names) {
      const found = new Map<string, Testimony>();
      for (const plan of plans.filter(({ name }) => names.includes(name))) {
        found.set(plan.name, await testifyOf(state, { plan, calledAt }));
      }
      return found;
    },
  };
}

async function testifyOf(
  state: SavedState,
  { plan, calledAt }: { plan: IndexPlan; calledAt: string },
): Promise<Testimony> {
  const position = await state.position(plan.name);
  if (position === undefined) {
    return { reason: "no position of it is saved: it was never loaded" };
  }
  if (position.load !== undefined) return { reason: "it is being loaded" };
  const pass = await beginScan(state, { plan, position });
  if (pass.reason !== undefined) return { reason: pass.reason };
  const { index } = position;
  const reserve = pass.isBlind ? { reserve: BLIND } : {};
  const isLater = position.low >= calledAt;
  if (isLater || !await pass.hasChanges()) return { index, ...reserve };
  const { oldestStart } = pass;
  const open = oldestStart === undefined
    ? ""
    : `, or a transaction that is open since ${oldestStart} hides that they are there`;
  return {
    reason: `rows were changed since the position that is saved${open}`,
  };
}

const BLIND =
  "the open transactions of others cannot be seen: what is committed late may come with the sweep";

/** The scan that a pass from `position` would begin with; a pass under way is left aside. */
async function beginScan(
  { servers: { source }, signal }: SavedState,
  { plan, position }: { plan: IndexPlan; position: Position },
) {
  const { scan: _, ...saved } = position;
  const log = createLog();
  const horizon = openHorizon(log);
  let isBlind = false;
  let oldestStart: string | undefined;
  const following: Following = {
    ...{ source, plan, log, drain: signal, kill: signal },
    horizon: {
      async note(...asked) {
        const notice = await horizon.note(...asked);
        isBlind = notice.blindness !== undefined;
        oldestStart = notice.oldestStart;
        return notice;
      },
    },
    probe: openChangeProbe(),
    versions: openVersions(saved.document_version),
    telemetry: NO_INDEX_TELEMETRY,
  };
  try {
    const start = await startPass(following, saved);
    if (start.position !== saved) {
      return { reason: "PostgreSQL failed over or went back in time" };
    }
    const { scan: { from }, lookbackMs } = start;
    const looks = plan.tables.map((table) => ({
      table,
      range: {
        from,
        lookbackMs,
        high: entryOf(saved.high, table.label),
        seen: entryOf(saved.seen, table.label),
      },
    }));
    return {
      isBlind,
      oldestStart,
      hasChanges: async () =>
        (await findChanged(source, looks, signal)).size > 0,
    };
  } catch (error) {
    const isOther = error instanceof EtlError &&
      error.failure.kind === "source-replaced";
    if (!isOther) throw error;
    return { reason: "the database is not the one that the index is of" };
  }
}
