import { deepEqual, doesNotMatch, equal, notEqual } from "node:assert/strict";
import { openChangeProbe, type TableLook } from "../src/change_probe.ts";
import type { StampColumn, TablePlan } from "../src/plan.ts";
import type { Source } from "../src/postgres.ts";
import { type ChangeRange, readChanges } from "../src/table_scan.ts";
import { NEVER, openDatabase, openQuickSource } from "./servers.ts";

const QUIET_PAGE = { isEmpty: true, tookMs: 1 };

const INSTANT: StampColumn = {
  name: "at",
  type: "timestamp with time zone",
  kind: "instant",
  timeZone: "UTC",
};

/** A table for each kind of stamp, and rows around the place where a scan begins. */
const STAMPS: readonly StampColumn[] = [
  INSTANT,
  {
    ...INSTANT,
    type: "timestamp without time zone",
    kind: "local",
    timeZone: "Europe/Berlin",
  },
  { ...INSTANT, type: "date", kind: "date", timeZone: "Pacific/Auckland" },
  { ...INSTANT, type: "bigint", kind: "number" },
];

/** Seconds from where the scan begins; the margin is one second. */
const OFFSETS = [-90_000, -7_300, -7_100, -1.000001, -1, -0.5, 0, 5];

Deno.test("findQuiet() names a table only where the first page of its scan is empty, for every kind of stamp", async () => {
  await using database = await openDatabase();
  await using source = openQuickSource(database.options);
  const looks: TableLook[] = [];
  for (const [place, stamp] of STAMPS.entries()) {
    for (const offset of OFFSETS) {
      const name = `t${place}_${OFFSETS.indexOf(offset)}`;
      const stamped = stamp.kind === "number"
        ? `${Math.round(offset)}`
        : `(timestamptz '2026-03-29 01:30:00+00' + ${offset} * interval '1 second') at time zone '${stamp.timeZone}'`;
      const value = stamp.kind === "instant"
        ? `(${stamped}) at time zone 'UTC'`
        : stamped;
      await database.query(
        `create table ${name} (id int primary key, at ${stamp.type}); insert into ${name} values (1, ${value})`,
      );
      const [row] = await database.query(
        `select xmin::text::bigint::text as xmin, (xmin::text::bigint + 1)::text as next from ${name}`,
      );
      for (const seen of [undefined, row?.["xmin"], row?.["next"]]) {
        for (const high of [undefined, "0"]) {
          const range: ChangeRange = {
            from: "2026-03-29 01:30:00.000000+00",
            lookbackMs: 0,
            high,
            seen: seen ?? undefined,
          };
          looks.push({ table: tablePlan(name, stamp), range });
        }
      }
    }
  }
  const probe = openChangeProbe();
  for (const { table } of looks) probe.learn(table, QUIET_PAGE);
  const quiet = await probe.findQuiet(source, looks, { signal: NEVER });
  let count = 0;
  for (const { table, range } of looks) {
    const rows = await readChanges(source, table, {
      ...range,
      after: undefined,
      upto: undefined,
      limit: 1,
      signal: NEVER,
    });
    const told = JSON.stringify([table.label, table.stamp.kind, range]);
    equal(quiet.has(table), rows.length === 0, told);
    count += rows.length;
  }
  notEqual(count, 0);
  notEqual(quiet.size, 0);
});

Deno.test("findQuiet() asks for what was quiet and quick alone, and for two tables at least", async () => {
  const probe = openChangeProbe();
  const asked: string[] = [];
  const source = recordLabels(asked);
  const tables = ["a", "b", "c"].map((name) => tablePlan(name, INSTANT));
  const [a, b, c] = tables;
  if (a === undefined || b === undefined || c === undefined) {
    throw new TypeError("Cannot find three tables");
  }
  async function find(): Promise<string[]> {
    const looks = tables.map((table) => ({ table, range: RANGE }));
    const quiet = await probe.findQuiet(source, looks, { signal: NEVER });
    return [...quiet].map(({ label }) => label);
  }
  deepEqual(await find(), []);
  probe.learn(a, QUIET_PAGE);
  deepEqual(await find(), []);
  deepEqual(asked, []);
  probe.learn(b, QUIET_PAGE);
  probe.learn(c, { isEmpty: true, tookMs: 10_000 });
  deepEqual(await find(), ["a", "b"]);
  probe.learn(c, QUIET_PAGE);
  deepEqual(await find(), ["a", "b", "c"]);
  probe.learn(b, { isEmpty: false, tookMs: 1 });
  deepEqual(await find(), ["a", "c"]);
  deepEqual(asked, [
    "changes of a, b",
    "changes of a, b, c",
    "changes of a, c",
  ]);
});

Deno.test("findQuiet() stays on the index where most rows are of the range and none is new", async () => {
  await using database = await openDatabase();
  for (const name of ["a", "b"]) {
    await database.query(
      `create table ${name} (id int primary key, at timestamptz not null default now(), text text);
       create index on ${name} (at, id);
       insert into ${name} select n, now(), repeat('x', 200) from generate_series(1, 5000) n;
       analyze ${name}`,
    );
  }
  await using source = openQuickSource(database.options);
  const plans: string[] = [];
  const explaining: Source = {
    ...source,
    async query(statement, options) {
      const rows = await database.query(
        `explain ${statement.sql}`,
        options.values,
      );
      plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
      return await source.query(statement, options);
    },
  };
  const looks = ["a", "b"].map((name) => ({
    table: tablePlan(name, INSTANT),
    range: { ...RANGE, seen: "2000000000" },
  }));
  const probe = openChangeProbe();
  for (const { table } of looks) probe.learn(table, QUIET_PAGE);
  const quiet = await probe.findQuiet(explaining, looks, { signal: NEVER });
  equal(quiet.size, 2);
  equal(plans.length, 1);
  doesNotMatch(plans.join("\n"), /Seq Scan/);
});

const RANGE: ChangeRange = {
  from: "2026-11-23 05:00:00.000000+00",
  lookbackMs: 0,
  high: undefined,
  seen: undefined,
};

function tablePlan(name: string, stamp: StampColumn): TablePlan {
  const key = [{ name: "id", type: "integer" }];
  return { label: name, from: name, stamp, key };
}

/** A source in which nothing has changed. */
function recordLabels(labels: string[]): Source {
  return {
    ...openQuickSource({
      host: "127.0.0.1",
      port: 1,
      database: "none",
      user: "nobody",
      ssl: false,
      connectTimeoutMs: 1,
      statementTimeoutMs: 1,
    }),
    query({ label }) {
      labels.push(label);
      return Promise.resolve([]);
    },
  };
}
