import { Registry } from "prom-client";
import { type AgentRecord, openAgentRecord } from "../src/agent_record.ts";
import type { Failure } from "../src/failure.ts";
import { openInstruments } from "../src/instruments.ts";
import type { Position } from "../src/position.ts";
import type { PassSummary } from "../src/telemetry.ts";

/** A record of two indexes, movies and books, that writes; and the registry of its durations. */
export function openRecord(
  { limits = { stalledAfterMs: 60_000, restMs: 0, retryMs: 0 } } = {},
): { record: AgentRecord; registry: Registry } & Disposable {
  const registry = new Registry();
  const record = openAgentRecord({
    names: ["movies", "books"],
    redact: (text) => text.replaceAll("hunter2", "***"),
    limits,
    instruments: openInstruments({ registry, isTracing: false }),
  });
  return { record, registry, [Symbol.dispose]: () => record[Symbol.dispose]() };
}

/** A server that cannot be reached. */
export const LOST: Failure = {
  kind: "server-unavailable",
  server: "PostgreSQL",
  code: "ECONNREFUSED",
};

/** A position that is followed from. */
export const POSITION: Position = {
  source: { system: "1", database: "films" },
  index: { name: "movies-1", uuid: "u1" },
  low: "2026-01-01 00:00:00.000000+00",
  seen: { film: "5", person: "5" },
};

/** What a pass has done. */
export function summaryOf(changes: Partial<PassSummary> = {}): PassSummary {
  return {
    ...{ kind: "follow", written: 0, superseded: 0, rejected: 0 },
    finished: true,
    ...changes,
  };
}

/** A pass of following that looks at the database's clock at `now`. */
export function follow(
  record: AgentRecord,
  { index = "movies", now, isFresh = true, summary = summaryOf() }: {
    index?: string;
    now: string;
    isFresh?: boolean;
    summary?: PassSummary;
  },
): Promise<PassSummary> {
  const told = record.telemetry.of(index);
  return told.pass("follow", () => {
    told.note({
      now,
      askedMs: performance.now(),
      oldestStart: undefined,
      position: POSITION,
      covers: now,
      isFresh,
    });
    told.settled(summary);
    return Promise.resolve(summary);
  });
}
