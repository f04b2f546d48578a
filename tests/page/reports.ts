import type {
  ErrorReport,
  IndexReport,
  PassReport,
  StatusReport,
} from "../../src/status_report.ts";

/** When the reports of these tests are made. */
export const AT = "2026-01-02T03:04:05.000Z";

/** The moment so many seconds before {@linkcode AT}. */
export function before(seconds: number): string {
  return new Date(Date.parse(AT) - seconds * 1_000).toISOString();
}

/** A pass that ended a second before {@linkcode AT}. */
export const LAST_PASS: PassReport = {
  kind: "follow",
  startedAt: before(1),
  seconds: 0.02,
  written: 3,
  superseded: 0,
  rejected: 0,
  finished: true,
};

/** An index that is followed, and well. */
export function reportIndex(changes: Partial<IndexReport> = {}): IndexReport {
  return {
    name: "movies",
    physicalIndex: "movies-4f1c09ab",
    state: "following",
    documents: { written: 1_234, superseded: 5, rejected: 0 },
    perSecond: 2.5,
    lagSeconds: 0.4,
    passes: { started: 900, caughtUp: 900 },
    lastPass: LAST_PASS,
    tables: [
      {
        name: "content.film_work",
        watermark: "2026-01-02T03:04:04.600000Z",
        lagSeconds: 0.4,
      },
      { name: "content.person", watermark: "17" },
    ],
    errors: [],
    deadLetters: { count: 0, newest: [] },
    history: {
      periodSeconds: 10,
      endedAt: before(3),
      perSecond: [0, 2, 5, 1],
      lagSeconds: [null, null, 1, 0.5],
    },
    ...changes,
  };
}

/** An error of a kind that is tried again. */
export function reportError(changes: Partial<ErrorReport> = {}): ErrorReport {
  return {
    kind: "query-failed",
    recovery: "retry",
    message: "Cannot run document of movies: SQLSTATE is 42703",
    advice: "Bring the column back, or change the query and restart",
    firstAt: before(60),
    lastAt: before(0.5),
    count: 7,
    ...changes,
  };
}

/** An agent that writes, with both servers there and one index that is well. */
export function reportStatus(
  changes: Partial<StatusReport> = {},
): StatusReport {
  const server = { state: "reached", since: before(3_600) } as const;
  return {
    version: "0.1.0",
    at: AT,
    from: "agent",
    startedAt: before(3_601),
    role: "writer",
    since: before(3_600),
    health: { ok: true, reasons: [] },
    readiness: { ok: true, reasons: [] },
    servers: { postgresql: server, elasticsearch: server },
    indexes: [reportIndex()],
    ...changes,
  };
}
