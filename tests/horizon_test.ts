import { deepEqual, equal } from "node:assert/strict";
import { openHorizon } from "../src/horizon.ts";
import type { Source } from "../src/postgres.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, openDatabase, openQuickSource } from "./servers.ts";

const NOW = "2026-11-23 05:00:00.000000+00";

/** What pg_stat_activity would show; the sessions of these tests would have to be minutes old. */
interface Shown {
  readonly pid: string;
  readonly start: string;
  readonly ageSeconds: number;
}

const NOWHERE = {
  host: "127.0.0.1",
  port: 1,
  database: "none",
  user: "nobody",
  ssl: false,
  connectTimeoutMs: 1,
  statementTimeoutMs: 1,
} as const;

/** A database in which these transactions are open, at one look after the other; `asked` gets the labels of statements. */
function showing(
  looks: readonly (readonly Shown[])[],
  { maxPrepared = 20, asked = [] }: {
    maxPrepared?: number;
    asked?: string[];
  } = {},
): Source {
  const rest = [...looks];
  return {
    ...openQuickSource(NOWHERE), // connects to nothing before it is asked
    query({ label, row }) {
      asked.push(label);
      if (label === "pg_prepared_xacts") return Promise.resolve([]);
      const common = {
        now: NOW,
        seen: "1000",
        system: "7",
        version: "1",
        "is_standby": "false",
        "is_hidden": "false",
        "max_prepared": String(maxPrepared),
      };
      const rows = (rest.shift() ?? []).map(({ pid, start, ageSeconds }) => ({
        ...common,
        pid,
        start,
        "age_seconds": String(ageSeconds),
        query: "select 'a secret'",
      }));
      const none = [{ ...common, pid: null, start: null, "age_seconds": null }];
      return Promise.resolve(
        row.array().parse(rows.length === 0 ? none : rows),
      );
    },
  };
}

Deno.test("openHorizon() names a transaction that is open for long once, by pid and age, never by its query", async () => {
  const { log, lines } = recordLog();
  const horizon = openHorizon(log);
  const long = { pid: "41", start: "2026-11-23 04:54:00.000000+00" };
  const short = {
    pid: "42",
    start: "2026-11-23 04:59:30.000000+00",
    ageSeconds: 30,
  };
  const source = showing([
    [short, { ...long, ageSeconds: 299 }],
    [short, { ...long, ageSeconds: 300 }],
    [{ ...long, ageSeconds: 301 }, short],
    [short],
    [{ ...long, start: "2026-11-23 04:00:00.000000+00", ageSeconds: 3600 }],
  ]);
  for (let look = 0; look < 5; look++) {
    const notice = await horizon.note(source, { low: NOW, signal: NEVER });
    notice.complete();
  }
  const message =
    "a transaction is open for long: what it changes is found when it ends";
  deepEqual(lines, [
    { level: "warning", message, fields: { pid: "41", seconds: 300 } },
    { level: "warning", message, fields: { pid: "41", seconds: 3600 } },
  ]);
});

Deno.test("openHorizon() begins where the earliest transaction began that has ended since the last completed scan", async () => {
  const horizon = openHorizon(recordLog().log);
  const [a, b, c] = ["04:10", "04:20", "04:30"].map((time, place) => ({
    pid: String(place),
    start: `2026-11-23 ${time}:00.000000+00`,
    ageSeconds: 60,
  }));
  if (a === undefined || b === undefined || c === undefined) {
    throw new TypeError("Cannot find three transactions");
  }
  const source = showing([[a, b, c], [a, c], [a], [a], []]);
  async function note(): Promise<{ from: string; low: string }> {
    const notice = await horizon.note(source, { low: NOW, signal: NEVER });
    notice.complete();
    return { from: notice.from, low: notice.low };
  }
  deepEqual(await note(), { from: NOW, low: a.start });
  deepEqual(await note(), { from: b.start, low: a.start });
  deepEqual(await note(), { from: c.start, low: a.start });
  deepEqual(await note(), { from: NOW, low: a.start });
  deepEqual(await note(), { from: a.start, low: NOW });
});

Deno.test("openHorizon() compares with the last completed scan, not with one that was cut short", async () => {
  const horizon = openHorizon(recordLog().log);
  const late = {
    pid: "1",
    start: "2026-11-23 04:10:00.000000+00",
    ageSeconds: 60,
  };
  const source = showing([[late], [], []]);
  const options = { low: NOW, signal: NEVER };
  (await horizon.note(source, options)).complete();
  equal((await horizon.note(source, options)).from, late.start);
  equal((await horizon.note(source, options)).from, late.start);
});

Deno.test("openHorizon() asks for prepared transactions where the server allows any", async () => {
  const horizon = openHorizon(recordLog().log);
  const asked: string[] = [];
  for (const maxPrepared of [0, 1]) {
    const source = showing([[]], { maxPrepared, asked });
    await horizon.note(source, { low: NOW, signal: NEVER });
  }
  deepEqual(asked, [
    "pg_stat_activity",
    "pg_stat_activity",
    "pg_prepared_xacts",
  ]);
});

Deno.test("openHorizon() reads the number of transactions before it looks at them", async () => {
  await using database = await openDatabase();
  await using source = openQuickSource(database.options);
  const horizon = openHorizon(recordLog().log);
  const before = await horizon.note(source, { signal: NEVER });
  const [row] = await database.query("select pg_current_xact_id()::text as id");
  const after = await horizon.note(source, { signal: NEVER });
  equal(BigInt(before.seen) <= BigInt(row?.["id"] ?? "0"), true);
  equal(BigInt(after.seen) >= BigInt(before.seen), true);
});
