import { ok } from "node:assert/strict";
import { ask, openWorld } from "./postgres_fixture.ts";
import { NEVER } from "./servers.ts";

const KILL_COUNT = 300;

Deno.test("openSource() outlives the end of its sessions at any moment, idle or not", async () => {
  await using world = await openWorld();
  const { database, source } = world;
  let killCount = 0;
  let answerCount = 0;

  async function useSource(use: () => Promise<unknown>): Promise<void> {
    while (killCount < KILL_COUNT) {
      await use();
      answerCount++;
      // the connection goes back to the pool, and comes out again
      await new Promise((resolve) => setTimeout(resolve, answerCount % 7));
    }
  }
  async function endSessions(): Promise<void> {
    while (killCount < KILL_COUNT) {
      const ended = await database.query(
        "select pg_terminate_backend(pid) from pg_stat_activity " +
          "where application_name = 'pg2es' and datname = current_database()",
      );
      killCount += ended.length;
    }
  }
  const copy = {
    label: "document of films",
    sql: "copy (select repeat('x', 1000) from generate_series(1, 1000)) " +
      "to stdout with (format binary)",
    start: () => () => {},
  };
  await Promise.all([
    useSource(() => ask(source, "select 1::text as n")),
    useSource(() => ask(source, "select 2::text as n")),
    useSource(() => source.copy(copy, NEVER)),
    endSessions(),
  ]);
  ok(answerCount > 0);
});
