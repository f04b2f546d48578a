import { deepEqual, equal, match, ok } from "node:assert/strict";
import { TIMED_METRICS } from "../src/instruments.ts";
import { READ_METRICS } from "../src/metric_table.ts";
import { openMetrics } from "../src/metrics.ts";
import {
  follow,
  openRecord,
  POSITION,
  summaryOf,
} from "./agent_record_fixture.ts";
import { checkMetrics, findPromtool } from "./promtool.ts";

const ROOT = new URL("../", import.meta.url);

/** The metrics of a record that has done a little of everything, as text. */
async function formatAll(): Promise<string> {
  using opened = openRecord();
  const { record, registry } = opened;
  const { telemetry } = record;
  telemetry.turn("writer");
  telemetry.answered("PostgreSQL");
  telemetry.failed("Elasticsearch", {
    kind: "index-blocked",
    index: "movies-1",
    type: "x",
  });
  await telemetry.of("movies").run(async () => {
    await telemetry.measure(
      { server: "PostgreSQL", operation: "statement" },
      () => Promise.resolve(),
    );
    await telemetry.measure(
      { server: "Elasticsearch", operation: "bulk", bytes: 1_234 },
      () => Promise.resolve(),
    );
  }, { ...POSITION, high: { event: "42" } });
  const now = "2026-01-01 00:00:01.000000+00";
  const summary = summaryOf({ written: 3, superseded: 1, rejected: 2 });
  await follow(record, { now, summary });
  const told = telemetry.of("books");
  told.expect(1_000);
  let text = "";
  await told.pass("load", async () => {
    told.note({
      ...{ now, askedMs: performance.now(), covers: now, isFresh: true },
      oldestStart: "2026-01-01 00:00:00.000000+00",
      position: POSITION,
    });
    told.moved({ ...POSITION, load: {} });
    told.settled({ written: 7, superseded: 0, rejected: 0 });
    const metrics = openMetrics({
      registry,
      observe: () =>
        Promise.resolve({
          record,
          version: '1.2.3"\\\n',
          deadLetterCounts: new Map([["movies", 2]]),
        }),
    });
    await metrics.format(); // what was counted once is not counted again
    text = await metrics.format();
    return summaryOf({ kind: "load" });
  });
  return text;
}

/** The value behind a line's name and labels. */
function valueOf(text: string, series: string): number | undefined {
  const line = text.split("\n").find((line) => line.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

Deno.test("openMetrics() tells what was done, each once", async () => {
  const text = await formatAll();
  const of = (series: string) => valueOf(text, series);
  equal(of('pg2es_documents_total{index="movies",outcome="written"}'), 3);
  equal(of('pg2es_documents_total{index="movies",outcome="superseded"}'), 1);
  equal(of('pg2es_documents_total{index="movies",outcome="rejected"}'), 2);
  equal(of('pg2es_documents_total{index="books",outcome="written"}'), 7);
  equal(
    of(
      'pg2es_passes_total{index="movies",kind="follow",result="finished"}',
    ),
    1,
  );
  equal(
    of('pg2es_pass_duration_seconds_count{index="movies",kind="follow"}'),
    1,
  );
  equal(of('pg2es_bulk_bytes_total{index="movies"}'), 1_234);
  equal(
    of(
      'pg2es_elasticsearch_request_duration_seconds_count{index="movies",operation="bulk"}',
    ),
    1,
  );
  equal(
    of('pg2es_postgres_statement_duration_seconds_count{index="movies"}'),
    1,
  );
  equal(
    of(
      'pg2es_retries_total{dependency="elasticsearch",cause="index-blocked"}',
    ),
    1,
  );
  equal(of('pg2es_dead_letters{index="movies"}'), 2);
  equal(of('pg2es_dead_letters{index="books"}'), 0);
  equal(of('pg2es_index_state{index="books",state="loading"}'), 1);
  equal(of('pg2es_index_state{index="books",state="following"}'), 0);
  equal(of('pg2es_load_documents{index="books"}'), 7);
  equal(of('pg2es_load_estimated_documents{index="books"}'), 1_000);
  equal(of('pg2es_index_lag_seconds{index="books"}'), undefined);
  equal(of("pg2es_writer"), 1);
  equal(of('pg2es_server_up{server="postgresql"}'), 1);
  match(text, /^pg2es_build_info\{version="1\.2\.3\\"\\\\\\n",/m);
});

Deno.test("openMetrics() tells nothing of what is not", async () => {
  using opened = openRecord();
  const { record, registry } = opened;
  const metrics = openMetrics({
    registry,
    observe: () =>
      Promise.resolve({ record, version: "1", deadLetterCounts: new Map() }),
  });
  match(metrics.contentType, /^text\/plain; version=0\.0\.4/);
  const text = await metrics.format();
  for (
    const name of [
      "pg2es_oldest_transaction_age_seconds",
      "pg2es_index_lag_seconds",
      "pg2es_table_lag_seconds",
      "pg2es_load_documents",
    ]
  ) ok(!new RegExp(`^${name}[ {]`, "m").test(text), name);
});

Deno.test("docs/metrics.md has every metric as it is", async () => {
  const text = await Deno.readTextFile(new URL("docs/metrics.md", ROOT));
  const rows = [...text.matchAll(
    /^\| `(\w+)` +\| (\w+) +\| ([^|]*)\| ([^|]*)\|$/gm,
  )].map(([, name, type, labels = "", means = ""]) => ({
    ...{ name, type, means: means.trim() },
    labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
  }));
  const known = Object.entries({ ...READ_METRICS, ...TIMED_METRICS })
    .map(([name, { type, labels, help }]) => ({
      ...{ name, type, means: help },
      labels: [...labels],
    }));
  deepEqual(rows, known);
});

Deno.test("every metric in an alert of docs/metrics.md is one", async () => {
  const text = await Deno.readTextFile(new URL("docs/metrics.md", ROOT));
  const names = [...text.matchAll(/pg2es_\w+/g)].map(([name]) => name);
  const known = Object.keys({ ...READ_METRICS, ...TIMED_METRICS });
  deepEqual(names.filter((name) => !known.includes(name)), []);
});

const promtool = await findPromtool();

Deno.test({
  name: "promtool finds nothing wrong with the metrics",
  ignore: promtool === undefined, // neither promtool nor Go is on this machine
  async fn() {
    ok(promtool);
    equal(await checkMetrics(promtool, await formatAll()), "");
  },
});
