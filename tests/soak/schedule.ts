import type { Random } from "../../db/random.ts";

/** What a kind of fault is like. */
export interface FaultShape {
  /** How often it is chosen, against the others. */
  readonly weight: number;
  /** How long it lasts, from and to; 0 where it is a moment. */
  readonly lastsMs: readonly [number, number];
  /** How much of it: milliseconds, bytes, bytes a second. */
  readonly amount?: readonly [number, number];
  /** Of the kinds with the same one only one is there at a time. */
  readonly group?: string;
}

/** Faults between the agent and each server, and of the servers. */
export const FAULTS = {
  "postgres: connections cut": { weight: 4, lastsMs: [0, 0] },
  "postgres: frozen": { weight: 3, lastsMs: [300, 4_000] },
  "postgres: delayed": { weight: 3, lastsMs: [500, 4_000], amount: [20, 400] },
  "postgres: throttled": {
    weight: 2,
    lastsMs: [500, 3_000],
    amount: [20_000, 400_000],
  },
  "postgres: cut after bytes": {
    weight: 4,
    lastsMs: [300, 3_000],
    amount: [1, 60_000],
  },
  "postgres: refused": { weight: 3, lastsMs: [200, 3_000] },
  "postgres: sessions terminated": { weight: 4, lastsMs: [0, 0] },
  "postgres: too many connections": { weight: 2, lastsMs: [300, 3_000] },
  "postgres: table locked": { weight: 2, lastsMs: [300, 3_000] },
  "postgres: restart": { weight: 1, lastsMs: [0, 2_000], group: "postgres" },
  "postgres: crash": { weight: 1, lastsMs: [0, 2_000], group: "postgres" },
  "elasticsearch: connections cut": { weight: 4, lastsMs: [0, 0] },
  "elasticsearch: frozen": { weight: 3, lastsMs: [300, 4_000] },
  "elasticsearch: delayed": {
    weight: 3,
    lastsMs: [500, 4_000],
    amount: [20, 400],
  },
  "elasticsearch: throttled": {
    weight: 2,
    lastsMs: [500, 3_000],
    amount: [20_000, 400_000],
  },
  "elasticsearch: cut after bytes": {
    weight: 4,
    lastsMs: [300, 3_000],
    amount: [1, 60_000],
  },
  "elasticsearch: refused": { weight: 3, lastsMs: [200, 3_000] },
  "elasticsearch: paused": {
    weight: 2,
    lastsMs: [500, 4_000],
    group: "elasticsearch",
  },
  "elasticsearch: restart": {
    weight: 0.2,
    lastsMs: [0, 1_000],
    group: "elasticsearch",
  },
  "elasticsearch: crash": {
    weight: 0.2,
    lastsMs: [0, 1_000],
    group: "elasticsearch",
  },
  "http: 429": { weight: 3, lastsMs: [200, 2_000] },
  "http: 503": { weight: 3, lastsMs: [200, 2_000] },
  "http: 413 for large requests": { weight: 3, lastsMs: [500, 4_000] },
  "http: a page of HTML": { weight: 3, lastsMs: [200, 2_000] },
  "http: answers cut": { weight: 3, lastsMs: [200, 2_000] },
  "http: answers lost": { weight: 3, lastsMs: [200, 2_000] },
  "http: items refused with 429": { weight: 4, lastsMs: [300, 3_000] },
  "http: items dropped": { weight: 3, lastsMs: [200, 2_000] },
  "index: writes blocked": { weight: 2, lastsMs: [300, 4_000], group: "index" },
  "index: flood stage": { weight: 2, lastsMs: [300, 4_000], group: "index" },
  "index: closed": { weight: 2, lastsMs: [300, 3_000], group: "index" },
  "index: deleted": { weight: 0.3, lastsMs: [0, 0], group: "index" },
  "agent: paused": { weight: 2, lastsMs: [200, 4_000] },
  "agent: folder full": { weight: 2, lastsMs: [300, 4_000], group: "folder" },
  "agent: second one": {
    weight: 0.7,
    lastsMs: [4_000, 20_000],
    group: "second",
  },
} as const satisfies Record<string, FaultShape>;

/** What befalls the slot and the publication, where changes come by PostgreSQL's log. */
export const WAL_FAULTS = {
  "log: slot dropped": { weight: 2, lastsMs: [0, 0] },
  "log: publication dropped": { weight: 2, lastsMs: [0, 0] },
  "log: table out of the publication": { weight: 2, lastsMs: [0, 0] },
  "log: more than the slot may keep": { weight: 2, lastsMs: [0, 0] },
} as const satisfies Record<string, FaultShape>;

/** The ends of the agent that it has no say in; it is started again at once. */
export const KILLS = {
  "agent: SIGKILL": { weight: 3, lastsMs: [0, 0] },
  "agent: SIGTERM": { weight: 1, lastsMs: [0, 0] },
} as const satisfies Record<string, FaultShape>;

export type FaultKind =
  | keyof typeof FAULTS
  | keyof typeof WAL_FAULTS
  | keyof typeof KILLS;

/** A fault to come. */
export interface PlannedFault {
  /** How long after the one before. */
  readonly afterMs: number;
  readonly kind: FaultKind;
  readonly lastsMs: number;
  readonly amount: number;
}

/** The shape of a kind. */
export function shapeOf(kind: FaultKind): FaultShape {
  return { ...FAULTS, ...WAL_FAULTS, ...KILLS }[kind];
}

/** Faults without end, of these kinds and at this pace; the same ones for the same numbers. */
export function* planFaults(
  random: Random,
  { kinds, afterMs }: {
    kinds: readonly FaultKind[];
    afterMs: readonly [number, number];
  },
): Generator<PlannedFault, never> {
  const total = kinds.reduce((sum, kind) => sum + shapeOf(kind).weight, 0);
  for (;;) {
    const pause = between(random, afterMs);
    const kind = pickKind(kinds, random.below(1e9) / 1e9 * total);
    const { lastsMs, amount = [0, 0] } = shapeOf(kind);
    yield {
      afterMs: pause,
      kind,
      lastsMs: between(random, lastsMs),
      amount: between(random, amount),
    };
  }
}

/** A whole number in the range, both ends included. */
export function between(
  random: Random,
  [from, to]: readonly [number, number],
): number {
  return from + random.below(to - from + 1);
}

function pickKind(kinds: readonly FaultKind[], place: number): FaultKind {
  let rest = place;
  for (const kind of kinds) {
    rest -= shapeOf(kind).weight;
    if (rest < 0) return kind;
  }
  const [first] = kinds;
  if (first === undefined) throw new RangeError("Cannot plan: no kinds");
  return first;
}
