import { equal, ok } from "node:assert/strict";
import { loadConfig } from "../../src/config.ts";
import { openObservation } from "../../src/agent_observation.ts";
import { StatusReport } from "../../src/status_report.ts";
import { recordLog } from "./agent_run.ts";
import { runPass } from "./agent_run.ts";
import { observe } from "./observed_world.ts";
import { checkMetrics, findPromtool } from "../promtool.ts";
import { PARSING_ERROR } from "../search_server.ts";
import { openWorld, type WorldOptions } from "./world.ts";

/** Amounts of which some are no numbers, and notes of which each reaches one. */
const AMOUNTS: WorldOptions = {
  sql: `
    create table amount (id int primary key, value text, gone boolean not null default false, updated_at timestamptz not null default now());
    create table note (id int primary key, amount_id int, updated_at timestamptz not null default now());
    create table event (id int primary key, amount_id int, stamp bigint not null);
    insert into amount select n, case when n % 50 = 0 then 'x' else n::text end from generate_series(1, 500) n;
    insert into note select n, n from generate_series(1, 500) n;
    insert into event values (1, 1, 41), (2, 2, 42)`,
  indexes: `
    - name: amounts
      index_config: amounts.json
      document: select id, value, gone as _deleted from amount
      sweep: off
      watch:
        - {table: amount}
        - {table: note, document_ids: "select amount_id from note where id = any($1)"}
        - {table: event, updated_at: stamp, document_ids: "select amount_id from event where id = any($1)"}`,
  files: {
    "amounts.json": JSON.stringify({
      mappings: { properties: { value: { type: "integer" } } },
    }),
  },
  settings: { "elasticsearch.position_index": "off" },
};

const promtool = await findPromtool();

Deno.test("/metrics and /status tell exactly what a day came to", async () => {
  await using world = await openWorld(AMOUNTS);
  const observed = await observe(world, { show_documents: true });
  const loaded = await loadConfig(world.configFile, {});
  const log = recordLog(() => {});
  await using observation = openObservation(loaded, {
    ...{ version: "1.2.3", log, isTracing: false },
  });
  const { telemetry } = observation;
  const index = world.indexName();
  const documents = async () => ({
    written: await observed.metric(
      `pg2es_documents_total{index="${index}",outcome="written"}`,
    ),
    rejected: await observed.metric(
      `pg2es_documents_total{index="${index}",outcome="rejected"}`,
    ),
    letters: await observed.metric(`pg2es_dead_letters{index="${index}"}`),
  });
  const expect = async (written: number, rejected: number, letters: number) => {
    const found = await documents();
    equal(found.written, written);
    equal(found.rejected, rejected);
    equal(found.letters, letters);
  };
  const run = () => runPass(world, { telemetry });

  await run(); // the load
  await expect(490, 10, 10);
  await run(); // nothing
  await expect(490, 10, 10);
  await world.sql(
    "update amount set value = '0', updated_at = now() where id between 1 and 7",
  );
  await run();
  await expect(497, 10, 10);
  // three of one amount, and one of another
  await world.sql(
    `update note set amount_id = 20, updated_at = now() where id in (11, 12, 13);
     update note set updated_at = now() where id = 30`,
  );
  await run();
  await expect(499, 10, 10);
  await world.sql(
    "update amount set gone = true, updated_at = now() where id in (100, 101)",
  );
  await run(); // one of them was never there
  await expect(501, 10, 9);
  await world.sql(
    "update amount set value = 'y', updated_at = now() where id = 102",
  );
  await run();
  await expect(501, 11, 10);
  await world.sql("insert into event values (3, 3, 43)");
  await run();
  await expect(502, 11, 10);

  const passes = (kind: string) =>
    observed.metric(
      `pg2es_passes_total{index="${index}",kind="${kind}",result="finished"}`,
    );
  equal(await passes("load"), 1);
  equal(await passes("follow"), 6);
  equal(
    await observed.metric(
      `pg2es_pass_duration_seconds_count{index="${index}",kind="follow"}`,
    ),
    6,
  );
  ok(
    (await observed.metric(`pg2es_bulk_bytes_total{index="${index}"}`) ?? 0) >
      490 * 20,
  );
  equal(
    await observed.metric(
      `pg2es_table_watermark_number{index="${index}",table="event"}`,
    ),
    43,
  );
  const lag = await observed.metric(
    `pg2es_index_lag_seconds{index="${index}"}`,
  );
  ok(lag !== undefined && lag < 60, `${lag} s`);

  const { text } = await observed.ask("/status") ?? { text: "" };
  const report = StatusReport.parse(JSON.parse(text));
  equal(report.version, "1.2.3");
  equal(report.role, "writer");
  const [told] = report.indexes;
  equal(told?.documents.written, 502);
  equal(told.deadLetters.count, 10);
  const [newest] = told.deadLetters.newest;
  equal(newest?.id, "102");
  equal(newest.type, PARSING_ERROR);
  equal(newest.field, "value");
  equal(newest.document, '{"id":102,"value":"y"}');
  equal(told.passes.caughtUp, 7);
  equal(told.tables.length, 3);
  ok(told.physicalIndex?.startsWith(`${index}-`));

  const metrics = await observed.ask("/metrics");
  if (promtool !== undefined) {
    equal(await checkMetrics(promtool, metrics?.text ?? ""), "");
  }
});

Deno.test("/status shows no document unless it is told to, and /metrics never one", async () => {
  await using world = await openWorld(AMOUNTS);
  const observed = await observe(world);
  const loaded = await loadConfig(world.configFile, {});
  await using observation = openObservation(loaded, {
    ...{ version: "1.2.3", log: recordLog(() => {}), isTracing: false },
  });
  await world.sql("update amount set value = 'hidden-value' where id = 50");
  await runPass(world, { telemetry: observation.telemetry });
  for (const path of ["/status", "/metrics", "/healthz", "/readyz"]) {
    const { text } = await observed.ask(path) ?? { text: "" };
    ok(text.length > 0, path);
    ok(!text.includes("hidden-value"), path);
    ok(!text.includes(loaded.config.postgres.password ?? "?"), path);
  }
});
