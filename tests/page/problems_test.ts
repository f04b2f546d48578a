import { deepEqual, equal, match } from "node:assert/strict";
import { findProblems } from "../../src/page/problems.ts";
import { judge } from "../../src/page/verdict.ts";
import type { IndexReport, StatusReport } from "../../src/status_report.ts";
import { before, reportError, reportIndex, reportStatus } from "./reports.ts";

/** What the page says first of a report, and the titles below it. */
function read(
  changes: Partial<StatusReport> = {},
): { mood: string; headline: string; titles: string[] } {
  const report = reportStatus(changes);
  const problems = findProblems(report);
  const { mood, headline } = judge({ report }, problems);
  return { mood, headline, titles: problems.map(({ title }) => title) };
}

function readIndex(changes: Partial<IndexReport>): ReturnType<typeof read> {
  return read({ indexes: [reportIndex(changes)] });
}

Deno.test("judge() says that all is well, and what the lag means", () => {
  const verdict = judge({ report: reportStatus() }, []);
  deepEqual(verdict, {
    mood: "good",
    headline: "All is well",
    detail: "Whatever was committed more than 1 s ago is in movies.",
  });
  const indexes = [
    reportIndex(),
    reportIndex({ name: "people", lagSeconds: 11.2 }),
  ];
  const { detail } = judge({ report: reportStatus({ indexes }) }, []);
  equal(
    detail,
    "Whatever was committed more than 12 s ago is in all 2 followed indexes.",
  );
});

Deno.test("findProblems() tells once of a server that is lost, and what to do", () => {
  const lastError = reportError({
    kind: "server-unavailable",
    message: "Cannot reach Elasticsearch: code is ECONNREFUSED",
    advice: "Start the server",
  });
  const report = reportStatus({
    health: { ok: false, reasons: ["Elasticsearch is lost"] },
    servers: {
      postgresql: { state: "reached", since: before(60) },
      elasticsearch: { state: "lost", since: before(90), lastError },
    },
    indexes: [reportIndex({ errors: [lastError] })],
  });
  deepEqual(findProblems(report), [{
    severity: "bad",
    title: "Elasticsearch does not answer",
    detail: lastError.message,
    advice: lastError.advice,
    since: before(90),
  }]);
  equal(judge({ report }, findProblems(report)).mood, "bad");
});

Deno.test("findProblems() tells a server that refuses the agent from one that is away", () => {
  const lastError = reportError({ kind: "server-refused" });
  const { headline } = read({
    servers: {
      postgresql: { state: "lost", since: before(9), lastError },
      elasticsearch: { state: "reached", since: before(60) },
    },
  });
  equal(headline, "PostgreSQL refuses the agent");
});

Deno.test("findProblems() tells of the error that an index waits for, not of those that are over", () => {
  const error = reportError();
  const reason = error.message;
  const waiting = { state: "waiting" as const, errors: [error], reason };
  deepEqual(readIndex(waiting), {
    mood: "bad",
    headline: "movies stands still",
    titles: ["movies stands still"],
  });
  equal(readIndex({ errors: [error] }).mood, "good");
  const busy = reportError({ kind: "sink-busy" });
  deepEqual(readIndex({ ...waiting, errors: [busy] }), {
    mood: "warn",
    headline: "movies is held up",
    titles: ["movies is held up"],
  });
});

Deno.test("findProblems() tells of an index that has failed, and what to do", () => {
  const error = reportError({ recovery: "stop", message: "Cannot go on" });
  const failed = { state: "failed", reason: "Cannot go on" } as const;
  const indexes = [reportIndex({ ...failed, errors: [error] })];
  deepEqual(findProblems(reportStatus({ indexes })), [{
    severity: "bad",
    title: "movies has failed, and the agent ends",
    detail: "Cannot go on",
    advice: error.advice,
  }]);
  equal(readIndex(failed).mood, "bad"); // by a fault of the agent, which is no error of the table
});

Deno.test("findProblems() tells of an index that is more than a minute behind", () => {
  equal(readIndex({ lagSeconds: 60 }).mood, "good");
  deepEqual(readIndex({ lagSeconds: 61 }), {
    mood: "warn",
    headline: "movies is behind",
    titles: ["movies is behind"],
  });
  equal(readIndex({ state: "paused", lagSeconds: 61 }).mood, "idle");
});

Deno.test("findProblems() tells of refused documents, with the command that takes them up", () => {
  const deadLetters = { count: 3, newest: [] };
  const report = reportStatus({
    indexes: [reportIndex({ deadLetters }), reportIndex({ name: "people" })],
  });
  const [problem, ...others] = findProblems(report);
  deepEqual(others, []);
  equal(problem?.title, "3 documents of movies are refused");
  equal(problem.command, "pg2es replay --index movies");
  equal(judge({ report }, [problem]).mood, "warn");
});

Deno.test("findProblems() repeats why the agent is not healthy, where it knows nothing better", () => {
  const health = { ok: false, reasons: ["nothing has moved for 312 s"] };
  deepEqual(read({ health }), {
    mood: "bad",
    headline: "nothing has moved for 312 s",
    titles: ["nothing has moved for 312 s"],
  });
  const stopped = reportIndex({ state: "failed", reason: "Cannot go on" });
  deepEqual(read({ health, indexes: [stopped] }).titles, [
    "movies has failed, and the agent ends",
  ]);
});

Deno.test("judge() says why the agent is not ready", () => {
  const readiness = { ok: false, reasons: ["index movies is not loaded yet"] };
  const indexes = [reportIndex({ state: "waiting", reason: "not begun" })];
  deepEqual(judge({ report: reportStatus({ readiness, indexes }) }, []), {
    mood: "busy",
    headline: "The agent is not ready yet",
    detail: "index movies is not loaded yet.",
  });
});

Deno.test("findProblems() tells of a transaction that stays open for five minutes", () => {
  const server = { state: "reached", since: before(3_600) } as const;
  const servers = (oldestTransactionSeconds: number) => ({
    postgresql: { ...server, oldestTransactionSeconds },
    elasticsearch: server,
  });
  equal(read({ servers: servers(299) }).mood, "good");
  equal(read({ servers: servers(300) }).mood, "warn");
});

Deno.test("findProblems() tells of a slot that keeps more than four fifths of what it may", () => {
  const server = { state: "reached", since: before(3_600) } as const;
  const keeping = (keptBytes: number) => {
    const slot = { name: "pg2es_films", keptBytes, lagBytes: 9, maxBytes: 1e9 };
    return { postgresql: { ...server, slot }, elasticsearch: server };
  };
  equal(read({ servers: keeping(800e6) }).mood, "good");
  deepEqual(read({ servers: keeping(800e6 + 1) }), {
    mood: "warn",
    headline: "PostgreSQL keeps much of its log for the agent",
    titles: ["PostgreSQL keeps much of its log for the agent"],
  });
  const report = reportStatus({ servers: keeping(900e6) });
  match(
    findProblems(report)[0]?.detail ?? "",
    /^900 MB for the slot pg2es_films\. At 1 GB the agent drops it/,
  );
});

Deno.test("findProblems() tells of an index that is followed by polling though it is to be by the log", () => {
  const reason = "replication slot pg2es_films is in use by process 7";
  const follow = { way: "polling", reason } as const;
  deepEqual(readIndex({ follow }), {
    mood: "warn",
    headline: "movies is followed by polling for now",
    titles: ["movies is followed by polling for now"],
  });
  const report = reportStatus({ indexes: [reportIndex({ follow })] });
  equal(findProblems(report)[0]?.detail, reason);
  equal(readIndex({ follow: { way: "wal" } }).mood, "good");
  // it waits, or loads: that is told
  equal(readIndex({ follow, state: "paused" }).mood, "idle");
});

Deno.test("judge() tells of an index that is paused, and of the command that resumes it", () => {
  const paused = { state: "paused", pausedSince: before(600) } as const;
  const report = reportStatus({ indexes: [reportIndex(paused)] });
  const [problem] = findProblems(report);
  equal(problem?.command, "pg2es resume --index movies");
  equal(problem.since, before(600));
  const { mood, headline } = readIndex(paused);
  deepEqual([mood, headline], ["idle", "movies is paused"]);
});

Deno.test("judge() tells how far a load is", () => {
  const load = {
    startedAt: before(60),
    documents: 430,
    total: 1_000,
    share: 0.43,
    perSecond: 7,
    leftSeconds: 81,
  };
  const report = reportStatus({
    indexes: [reportIndex({ state: "loading", load })],
  });
  deepEqual(judge({ report }, []), {
    mood: "busy",
    headline: "Loading movies",
    detail: "43 % of about 1,000 documents, about 1 min 21 s left.",
  });
});

Deno.test("judge() says what an agent does that does not write", () => {
  const roles = ["starting", "standby", "stopping", "none"] as const;
  const waiting = [reportIndex({ state: "waiting" })];
  deepEqual(
    roles.map((role) => read({ role, indexes: waiting }).headline),
    [
      "The agent is starting",
      "Standby: another agent writes",
      "The agent is stopping",
      "No agent writes",
    ],
  );
});

Deno.test("judge() says first that the agent does not answer, and since when", () => {
  const loss = { reason: "no connection can be made", seconds: 75.2 };
  const lost = judge({ report: reportStatus(), loss }, []);
  equal(lost.headline, "The agent does not answer");
  match(
    lost.detail ?? "",
    /at 03:04:05 UTC, 1 min 15 s ago\. Now no connection/,
  );
  const never = judge({ loss }, []);
  match(
    never.detail ?? "",
    /not answered since this page was opened, 1 min 15 s ago/,
  );
});
