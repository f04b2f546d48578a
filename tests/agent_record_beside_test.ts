import { deepEqual, equal, ok } from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Failure } from "../src/failure.ts";
import { LOST, openRecord, POSITION } from "./agent_record_fixture.ts";

const BLOCKED: Failure = {
  kind: "index-blocked",
  index: "movies-2",
  type: "cluster_block_exception",
};

/** What was heard within this was heard just now. */
const SILENT_MS = 25;

Deno.test("openAgentRecord() takes what is done beside an index for no sign of its life, unless the index waits for it", async () => {
  // nothing may be silent: what is told is for how long it is
  using opened = openRecord({
    limits: { stalledAfterMs: -1, restMs: 0, retryMs: 0 },
  });
  const { record, registry } = opened;
  const { telemetry, servers, indexes: [movies, books] } = record;
  ok(movies && books);
  telemetry.turn("writer");
  const told = telemetry.of("movies");
  const call = { server: "PostgreSQL", operation: "statement" } as const;
  const ask = () => telemetry.measure(call, () => Promise.resolve());
  const send = () =>
    telemetry.measure(
      { server: "Elasticsearch", operation: "bulk", bytes: 7 },
      () => Promise.resolve(),
    );
  const silentMs = () => movies.watch.stalledMs() ?? 0;
  /** Whether the index counts as alive after an action, that is, for less long silent than before it. */
  async function isSign(action: () => unknown): Promise<boolean> {
    await delay(2 * SILENT_MS);
    await action();
    return silentMs() < SILENT_MS;
  }
  await told.run(async () => {
    equal(await isSign(ask), true);
    await told.beside(async () => {
      equal(await isSign(ask), false);
      equal(await isSign(send), false);
      equal(await isSign(() => telemetry.answered("PostgreSQL")), false);
      const failed = () => telemetry.failed("Elasticsearch", BLOCKED);
      equal(await isSign(failed), false);
      equal(movies.faults.size, 0);
      deepEqual(movies.errors.list().map(({ kind }) => kind), [
        "index-blocked",
      ]);
      equal(servers.PostgreSQL.state, "reached");
      const [one, other] = [told.awaitBeside(), told.awaitBeside()];
      one[Symbol.dispose]();
      equal(await isSign(ask), true);
      equal(await isSign(failed), true);
      equal(movies.faults.size, 1);
      other[Symbol.dispose]();
      equal(await isSign(ask), false);
      // of a server as a whole it is a sign for all
      const lost = () => telemetry.failed("PostgreSQL", LOST);
      equal(await isSign(lost), true);
      equal(servers.PostgreSQL.state, "lost");
    });
    equal(await isSign(ask), true);
  }, POSITION);
  equal(movies.sentBytes, 0);
  const text = await registry.metrics();
  const counted = (index: string) =>
    new RegExp(
      `^pg2es_postgres_statement_duration_seconds_count\\{index="${index}"\\} (\\d+)$`,
      "m",
    ).exec(text)?.[1];
  deepEqual([counted("movies"), counted("books"), counted("")], [
    ...["2", undefined, "3"],
  ]);
});
