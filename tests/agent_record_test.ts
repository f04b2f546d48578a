import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { reportIndex, reportTables, stateOf } from "../src/index_report.ts";
import { NO_LETTERS } from "../src/dead_letter_view.ts";
import { EtlError, type Failure } from "../src/failure.ts";
import { judgeHealth, judgeReadiness } from "../src/health.ts";
import { IndexReport } from "../src/status_report.ts";
import {
  follow,
  LOST,
  openRecord,
  POSITION,
  summaryOf,
} from "./agent_record_fixture.ts";

const BLOCKED: Failure = {
  kind: "index-blocked",
  index: "movies-1",
  type: "cluster_block_exception",
};

Deno.test("openAgentRecord() counts documents, passes and what they found", async () => {
  using opened = openRecord();
  const { record } = opened;
  const [movies, books] = record.indexes;
  ok(movies && books);
  const summary = summaryOf({ written: 3, superseded: 1, rejected: 2 });
  await follow(record, { now: "2026-01-01 00:00:01.000000+00", summary });
  await follow(record, {
    now: "2026-01-01 00:00:02.000000+00",
    summary: summaryOf({ written: 1, finished: false }),
  });
  deepEqual(movies.counts, { written: 4, superseded: 1, rejected: 2 });
  deepEqual([...movies.passCounts], [["follow finished", 1], [
    "follow cut",
    1,
  ]]);
  equal(movies.startedCount, 2);
  equal(movies.caughtUpCount, 1);
  equal(movies.caughtUpTo, "2026-01-01 00:00:01.000000+00");
  deepEqual(books.counts, { written: 0, superseded: 0, rejected: 0 });
});

Deno.test("openAgentRecord() does not take a pass that goes on with an earlier one for one that looked at everything", async () => {
  using opened = openRecord();
  const { record } = opened;
  await follow(record, {
    now: "2026-01-01 00:00:01.000000+00",
    isFresh: false,
  });
  equal(record.indexes[0]?.caughtUpCount, 0);
  await follow(record, { now: "2026-01-01 00:00:02.000000+00" });
  equal(record.indexes[0].caughtUpCount, 2);
});

Deno.test("openAgentRecord() passes on what a pass throws, and keeps what it failed with", async () => {
  using opened = openRecord();
  const { record } = opened;
  const failure: Failure = { kind: "index-missing", index: "movies" };
  const told = record.telemetry.of("movies");
  const error = new EtlError(failure);
  await rejects(told.pass("follow", () => Promise.reject(error)), error);
  const [movies] = record.indexes;
  deepEqual([...movies?.passCounts ?? []], [["follow failed", 1]]);
  deepEqual(movies?.errors.list().map(({ kind }) => kind), ["index-missing"]);
});

Deno.test("openAgentRecord() gives failures of a server to the server, others to the index whose call it was", async () => {
  using opened = openRecord();
  const { record } = opened;
  const { telemetry, servers, indexes: [movies, books] } = record;
  telemetry.turn("writer");
  await telemetry.of("movies").run(() => {
    telemetry.failed("PostgreSQL", LOST);
    telemetry.failed("Elasticsearch", BLOCKED);
    return Promise.resolve();
  }, POSITION);
  equal(servers.PostgreSQL.state, "lost");
  equal(servers.Elasticsearch.state, "reached");
  deepEqual(movies?.errors.list().map(({ kind }) => kind), ["index-blocked"]);
  deepEqual(books?.errors.list(), []);
  deepEqual([...record.retryCounts], [
    ["PostgreSQL\nserver-unavailable", 1],
    ["Elasticsearch\nindex-blocked", 1],
  ]);
  const reasonOf = (index = movies) => index && stateOf(index, record).reason;
  equal(reasonOf(), "Cannot reach PostgreSQL: code is ECONNREFUSED");
  telemetry.answered("PostgreSQL");
  match(reasonOf() ?? "", /^Cannot write to index movies-1/);
  equal(reasonOf(books), "it has not begun yet");
  telemetry.recovered("Elasticsearch", BLOCKED);
  equal(reasonOf(), "it has not begun yet");
});

Deno.test("openAgentRecord() takes what nothing waits for as a sign of the server, and of no index", () => {
  using opened = openRecord({
    limits: { stalledAfterMs: -1, restMs: 0, retryMs: 1e9 },
  });
  const { telemetry, servers, indexes, retryCounts } = opened.record;
  telemetry.turn("writer");
  telemetry.met("PostgreSQL", LOST);
  equal(servers.PostgreSQL.state, "lost");
  ok(indexes[0]?.watch.stalledMs() !== undefined);
  equal(retryCounts.size, 0);
  telemetry.met("PostgreSQL", undefined);
  equal(servers.PostgreSQL.state, "reached");
});

Deno.test("judgeHealth() looks at what should move, and at nothing else", () => {
  using opened = openRecord({
    limits: { stalledAfterMs: -1, restMs: 0, retryMs: 0 },
  });
  const { record } = opened;
  const { telemetry } = record;
  const stalled = () => judgeHealth(record).reasons;
  equal(stalled().length, 1);
  match(stalled().join(), /^the agent is starting/);
  telemetry.turn("standby");
  match(stalled().join(), /^the agent waits/);
  telemetry.turn("writer");
  equal(stalled().length, 2);
  match(stalled().join(), /^index movies: nothing/);
  telemetry.of("movies").paused("2026-01-01T00:00:00.000Z");
  equal(stalled().length, 1);
  telemetry.of("movies").resumed();
  equal(stalled().length, 2);
  telemetry.turn("stopping");
  deepEqual(judgeHealth(record), { ok: true, reasons: [] });
  telemetry.turn("writer"); // nothing begins any more
  equal(record.role, "stopping");
});

Deno.test("judgeReadiness() wants both servers and every index; of a standby the servers alone", async () => {
  using opened = openRecord();
  const { record } = opened;
  const { telemetry } = record;
  const unready = () => judgeReadiness(record).reasons;
  deepEqual(unready(), [
    "PostgreSQL has not answered yet",
    "Elasticsearch has not answered yet",
    "the agent is starting",
  ]);
  telemetry.answered("PostgreSQL");
  telemetry.answered("Elasticsearch");
  telemetry.turn("standby");
  deepEqual(unready(), []);
  telemetry.turn("writer");
  deepEqual(unready(), [
    "index movies is not loaded yet",
    "index books is not loaded yet",
  ]);
  await telemetry.of("books").run(() => Promise.resolve(), POSITION);
  await telemetry.of("movies").run(() => Promise.resolve(), {
    ...POSITION,
    load: {},
  });
  deepEqual(unready(), ["index movies is not loaded yet"]);
  await follow(record, { now: "2026-01-01 00:00:01.000000+00" });
  deepEqual(unready(), []);
  telemetry.failed("PostgreSQL", LOST);
  deepEqual(unready(), ["Cannot reach PostgreSQL: code is ECONNREFUSED"]);
});

Deno.test("reportTables() tells the lag of each table by itself while a pass is under way", () => {
  const clock = {
    observe() {},
    ageSeconds: (time: string) =>
      (Date.parse("2026-01-01T00:01:00Z") -
        Date.parse(time.replace(" ", "T").replace(/\d{3}\+00$/, "Z"))) / 1000,
  };
  const tables = reportTables({
    caughtUpTo: "2026-01-01 00:00:10.000000+00",
    covers: "2026-01-01 00:00:55.000000+00",
    position: {
      ...POSITION,
      seen: { film: "5", person: "5", genre: "5", event: "5", day: "5" },
      high: { event: "42" },
      scan: {
        ...{ from: POSITION.low, low: POSITION.low },
        tables: {
          film: { done: true },
          person: { after: ["2026-01-01 00:00:30.500000+00", "7"] },
          genre: { after: ["2026-01-01 00:00:05.000000+00", "7"] },
          day: { after: ["2026-01-01", "7"] },
        },
      },
    },
  }, clock);
  deepEqual(tables, [
    {
      name: "film",
      watermark: "2026-01-01T00:00:55.000000Z",
      lagSeconds: 5,
    },
    {
      name: "person",
      watermark: "2026-01-01T00:00:30.500000Z",
      lagSeconds: 29.5,
    },
    // what it looks at again was committed late, or is there already
    {
      name: "genre",
      watermark: "2026-01-01T00:00:10.000000Z",
      lagSeconds: 50,
    },
    { name: "event", watermark: "42" },
    { name: "day", watermark: "2026-01-01T00:00:10.000000Z", lagSeconds: 50 },
  ]);
});

Deno.test("reportIndex() tells of a load how far it is, and no lag", async () => {
  using opened = openRecord();
  const { record } = opened;
  record.telemetry.turn("writer");
  record.telemetry.answered("PostgreSQL");
  const [movies] = record.indexes;
  ok(movies);
  const report = () =>
    IndexReport.parse(
      reportIndex(movies, {
        record,
        deadLetters: NO_LETTERS,
        redact: (text) => text,
      }),
    );
  const told = record.telemetry.of("movies");
  told.expect(400);
  await told.pass("load", () => {
    told.moved({ ...POSITION, load: {} });
    told.settled({ written: 99, superseded: 0, rejected: 1 });
    const { state, load, tables, lagSeconds } = report();
    equal(state, "loading");
    equal(load?.documents, 100);
    equal(load.total, 400);
    equal(load.share, 0.25);
    deepEqual(tables, []);
    equal(lagSeconds, undefined);
    told.moved(POSITION);
    return Promise.resolve(summaryOf({ kind: "load", written: 99 }));
  });
  const { state, load, tables, lastPass, documents } = report();
  equal(state, "following");
  equal(load, undefined);
  equal(tables.length, 2);
  equal(lastPass?.kind, "load");
  deepEqual(documents, { written: 99, superseded: 0, rejected: 1 });
});
