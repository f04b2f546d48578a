import { callAgent } from "./agent_witness.ts";
import type { LoadedConfig } from "./config.ts";
import { type EtlError, recovers } from "./failure.ts";
import { findBehind, refreshIndex } from "./index_behind.ts";
import { findDefinition } from "./named_index.ts";
import { type SavedState, withSavedState } from "./saved_state.ts";
import { callSaved } from "./saved_witness.ts";
import { pause } from "./ticks.ts";
import type { Testimony, Witness } from "./witness.ts";

/** Whether an index has all that was committed before somebody asked. */
export interface CaughtUp {
  readonly name: string;
  readonly caughtUp: boolean;
  /** Why it has not, or what is not spoken for. */
  readonly reason?: string;
}

/** How often it is looked. */
const LOOK_MS = 250;

/**
 * Waits until every index, or the one called `index`, has all that was committed before the call: it is settled, and found
 * under the name that people search. Gives up after `waitMs`.
 *
 * The running agent is asked where it writes and tells by HTTP; else what it saved is held against the database. Lost
 * servers are a reason to wait.
 * @throws {EtlError} `config-invalid` when the configuration does not fit the database, or has no such index; else what no
 * time mends.
 */
export async function waitUntilCaughtUp(
  loaded: LoadedConfig,
  { index, waitMs }: { index?: string; waitMs: number },
): Promise<readonly CaughtUp[]> {
  const untilMs = performance.now() + waitMs;
  const { config } = loaded;
  const names = index === undefined
    ? config.indexes.filter(({ enabled }) => enabled).map(({ name }) => name)
    : [findDefinition(config, index).name];
  return await withSavedState(loaded, async (state) => {
    const found = new Map<string, CaughtUp>();
    let witness: Witness | undefined;

    async function look(left: readonly string[]): Promise<void> {
      witness ??= (config.http && await callAgent(config.http)) ??
        await callSaved(loaded, state);
      const testimonies = await witness.testify(left);
      // whoever is called later speaks for more
      if (testimonies === undefined) witness = undefined;
      for (const name of left) {
        const testimony = testimonies?.get(name) ?? UNKNOWN;
        found.set(name, await confirm(state, { name, testimony }));
      }
    }

    for (;;) {
      const left = names.filter((name) => found.get(name)?.caughtUp !== true);
      try {
        await look(left);
      } catch (error) {
        if (!recovers(error, "retry") && !recovers(error, "refuse")) {
          throw error;
        }
        for (const name of left) found.set(name, lost(name, error));
      }
      const all = names.map((name) => found.get(name) ?? lost(name));
      if (all.every(({ caughtUp }) => caughtUp)) return all;
      if (performance.now() + LOOK_MS >= untilMs) return all;
      await pause(LOOK_MS, state.signal);
    }
  });
}

const UNKNOWN: Testimony = { reason: "the agent that told of it is gone" };

function lost(name: string, error?: EtlError): CaughtUp {
  const reason = error?.message ?? "it was not looked at";
  return { name, caughtUp: false, reason };
}

/** Makes sure that people reach the index that has everything, and that a search finds it. */
async function confirm(
  { servers: { cluster }, signal }: SavedState,
  { name, testimony }: { name: string; testimony: Testimony },
): Promise<CaughtUp> {
  if ("reason" in testimony) {
    return { name, caughtUp: false, reason: testimony.reason };
  }
  const { index, reserve } = testimony;
  const behind = await findBehind(cluster, { name, signal });
  if (behind?.name !== index.name || behind.uuid !== index.uuid) {
    const reason = "the name stands for another index than the one that is " +
      "followed, or for none";
    return { name, caughtUp: false, reason };
  }
  const isRefreshed = await refreshIndex(cluster, {
    name: index.name,
    signal,
  });
  const reasons = [
    ...reserve === undefined ? [] : [reserve],
    ...isRefreshed ? [] : [UNREFRESHED],
  ];
  return reasons.length === 0
    ? { name, caughtUp: true }
    : { name, caughtUp: true, reason: reasons.join("; ") };
}

const UNREFRESHED =
  "the user may not refresh the index: a search finds it after refresh_interval";
