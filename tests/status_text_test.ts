import { deepEqual, ok } from "node:assert/strict";
import { StatusReport } from "../src/status_report.ts";
import { formatStatus, paintColours } from "../src/status_text.ts";

const AT = "2026-11-25T22:00:00.000Z";
const ERROR = {
  kind: "index-blocked",
  recovery: "retry",
  message: "Cannot write to index movies-1: type is cluster_block_exception",
  advice: "Lift the block",
  firstAt: AT,
  lastAt: AT,
  count: 3,
};

const REPORT = StatusReport.parse({
  version: "1.2.3",
  at: AT,
  from: "agent",
  startedAt: AT,
  role: "writer",
  since: AT,
  health: { ok: true, reasons: [] },
  readiness: {
    ok: false,
    reasons: ["Cannot reach PostgreSQL: code is ECONNREFUSED"],
  },
  servers: {
    postgresql: {
      state: "lost",
      since: AT,
      lastError: {
        ...ERROR,
        kind: "server-unavailable",
        message: "Cannot reach PostgreSQL: code is ECONNREFUSED",
        advice: "Start the server",
        count: 1,
      },
    },
    elasticsearch: { state: "reached", since: AT, lastAnswerAt: AT },
  },
  indexes: [{
    name: "movies",
    physicalIndex: "movies-1",
    state: "loading",
    documents: { written: 250, superseded: 0, rejected: 2 },
    perSecond: 50,
    load: {
      ...{ startedAt: AT, documents: 252, total: 1_000, share: 0.252 },
      ...{ perSecond: 50, leftSeconds: 75 },
    },
    passes: { started: 1, caughtUp: 0 },
    lastPass: {
      ...{ kind: "follow", startedAt: AT, seconds: 0.25 },
      ...{ written: 1, superseded: 2, rejected: 3, finished: false },
    },
    lagSeconds: 3.25,
    tables: [
      { name: "film", watermark: AT, lagSeconds: 90 },
      { name: "event", watermark: "42" },
    ],
    errors: [ERROR],
    deadLetters: {
      count: 2,
      newest: [{
        ...{ id: "7\x1b[2J", type: "parsing", field: "rating", at: AT },
        document: '{"rating":"n/a\x9b"}',
      }],
    },
    history: {
      periodSeconds: 15,
      endedAt: AT,
      perSecond: [],
      lagSeconds: [],
    },
    generations: [{ name: "movies-2", role: "next", since: AT }],
    extra: "of a newer version",
  }],
});

Deno.test("formatStatus() tells everything in lines, and nothing that a terminal would obey", () => {
  deepEqual(formatStatus(REPORT), [
    `pg2es 1.2.3, writer since ${AT}`,
    "healthy",
    "not ready",
    "  Cannot reach PostgreSQL: code is ECONNREFUSED",
    `PostgreSQL: lost since ${AT}`,
    `  Cannot reach PostgreSQL: code is ECONNREFUSED (at ${AT})`,
    "    Start the server",
    `Elasticsearch: reached since ${AT}`,
    "",
    "movies (movies-1): loading",
    "  lag 3.3s",
    "  documents 250 written, 0 superseded, 2 rejected; 50/s over the last minute",
    "  load 252 of about 1000 (25%), 50/s, 1m15s left",
    `  last pass follow at ${AT}: 1 written, 2 superseded, 3 rejected in 0.25 s, not to its end`,
    `  table film up to ${AT}, lag 1m30s`,
    "  table event up to 42",
    "  dead letters 2",
    `    7\\u001b[2J: parsing in field rating at ${AT}`,
    '      {"rating":"n/a\\u009b"}',
    `    Cannot write to index movies-1: type is cluster_block_exception (at ${AT}, 3 times)`,
    "      Lift the block",
    `  also movies-2: next since ${AT}`,
  ]);
});

Deno.test("formatStatus() paints on a terminal", () => {
  const lines = formatStatus(REPORT, paintColours);
  ok(lines.includes("\x1b[32mhealthy\x1b[0m"));
  ok(lines.includes("\x1b[31mnot ready\x1b[0m"));
});
