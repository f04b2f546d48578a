import { seedRandom } from "../../db/random.ts";
import { inject, type Scene } from "./injection.ts";
import {
  type FaultKind,
  FAULTS,
  KILLS,
  planFaults,
  type PlannedFault,
  shapeOf,
  WAL_FAULTS,
} from "./schedule.ts";
import { sleep } from "./writer.ts";

/** Faults, one after the other and over each other, of two plans. */
export interface Chaos {
  /** How many of each kind befell the agent. */
  readonly counts: ReadonlyMap<FaultKind, number>;
  /** Puts faults upon the scene for so long, or until the signal; on return all are undone. */
  rage(ms: number, signal: AbortSignal): Promise<void>;
}

const FAULT_AFTER_MS = [200, 1_300] as const;
const KILL_AFTER_MS = [6_000, 20_000] as const;

/** Opens the chaos of a seed; `isPossible` says which kinds can be had here. */
export function openChaos(
  scene: Scene,
  { seed, isPossible }: {
    seed: number;
    isPossible: (kind: FaultKind) => boolean;
  },
): Chaos {
  const counts = new Map<FaultKind, number>();
  const groups = new Set<string>();
  const faults = planFaults(seedRandom(seed), {
    kinds: [...kindsOf(FAULTS), ...kindsOf(WAL_FAULTS)].filter(isPossible),
    afterMs: FAULT_AFTER_MS,
  });
  const kills = planFaults(seedRandom(seed ^ 0x5eed), {
    kinds: kindsOf(KILLS),
    afterMs: KILL_AFTER_MS,
  });

  async function befall(
    planned: PlannedFault,
    signal: AbortSignal,
  ): Promise<void> {
    const { kind } = planned;
    const { group } = shapeOf(kind);
    if (group !== undefined && groups.has(group)) return;
    if (group !== undefined) groups.add(group);
    try {
      await inject({ scene, planned, begun: () => count(kind) }, signal);
    } finally {
      if (group !== undefined) groups.delete(group);
    }
  }
  function count(kind: FaultKind): void {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }

  async function follow(
    plan: Iterator<PlannedFault, never>,
    signal: AbortSignal,
  ): Promise<void> {
    const running = new Set<Promise<void>>();
    const failed: unknown[] = [];
    while (!signal.aborted) {
      const { value: planned } = plan.next();
      await sleep(planned.afterMs, signal);
      if (signal.aborted) break;
      const fault = befall(planned, signal)
        .catch((error) => failed.push(error))
        .then(() => void running.delete(fault));
      running.add(fault);
    }
    await Promise.all(running);
    for (const error of failed) throw error;
  }

  return {
    counts,
    async rage(ms, signal) {
      const ended = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
      await Promise.all([follow(faults, ended), follow(kills, ended)]);
    },
  };
}

/** The names of kinds, which the type of Object.keys does not tell. */
function kindsOf<Kind extends FaultKind>(
  shapes: Readonly<Record<Kind, unknown>>,
): Kind[] {
  const kinds: Kind[] = [];
  for (const kind in shapes) kinds.push(kind);
  return kinds;
}
