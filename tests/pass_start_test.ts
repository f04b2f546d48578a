import { deepEqual, equal, rejects } from "node:assert/strict";
import { openChangeProbe } from "../src/change_probe.ts";
import type { Position } from "../src/position.ts";
import { EtlError } from "../src/failure.ts";
import type { Notice } from "../src/horizon.ts";
import {
  type Following,
  type PassStart,
  startPass,
} from "../src/pass_start.ts";
import { NO_INDEX_TELEMETRY } from "../src/telemetry.ts";
import { openVersions } from "../src/versions.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, openQuickSource } from "./servers.ts";

const HOUR = "2026-11-23 05:00:00.000000+00";
const LATER = "2026-11-23 05:00:10.000000+00";

const SAVED: Position = {
  source: { system: "7", database: "films" },
  index: { name: "films-1", uuid: "u" },
  low: HOUR,
  seen: { film: "90" },
  "document_version": version(1, 500),
  "source_version": version(1, 500),
  swept: { ids: HOUR, content: HOUR },
};

const KEY = [{ name: "id", type: "integer" }];
const ROOT = {
  label: "film",
  from: "film",
  key: KEY,
  stamp: {
    name: "updated_at",
    type: "timestamp with time zone",
    kind: "instant",
    timeZone: "UTC",
  },
} as const;

Deno.test("startPass() begins where the horizon says, with the transactions that had ended by then", async () => {
  const { started, lines } = await start({});
  deepEqual(started.scan, {
    from: HOUR,
    low: LATER,
    tables: { film: { seen: "100" } },
  });
  equal(started.position, SAVED);
  deepEqual(lines, []);
});

Deno.test("startPass() goes on with a scan that was interrupted", async () => {
  const scan = { from: HOUR, low: HOUR, tables: { film: { done: true } } };
  const { started } = await start({}, { ...SAVED, scan });
  deepEqual(started.scan, scan);
});

/** What PostgreSQL may show after something rare, and how often it is told. */
const RARE: readonly (readonly [string, Partial<Notice>, number])[] = [
  ["a lower position", { version: version(1, 499) }, 1],
  ["a higher timeline", { version: version(2, 501) }, 1],
  ["a lower timeline", { version: version(0, 900) }, 1],
  ["an earlier clock", { now: "2026-11-23 04:59:59.999999+00" }, 1],
  ["the same position", { version: version(1, 500) }, 0],
];

for (const [name, notice, told] of RARE) {
  Deno.test(`startPass() ${told === 1 ? "steps back" : "goes on"} on ${name}`, async () => {
    const scan = { from: HOUR, low: HOUR, tables: { film: { done: true } } };
    const saved = told === 1 ? { ...SAVED, scan } : SAVED;
    const { started, lines } = await start(notice, saved);
    equal(lines.length, told);
    if (told === 0) return;
    const { position } = started;
    equal(started.scan.from <= "2026-11-23 04:00:00.000000+00", true);
    deepEqual(position.seen, {});
    deepEqual(position.swept, { ids: HOUR });
    equal(started.scan.tables["film"]?.done, undefined);
  });
}

Deno.test("startPass() refuses another cluster", async () => {
  await rejects(
    start({ system: "8" }),
    (error) =>
      error instanceof EtlError && error.failure.kind === "source-replaced",
  );
});

Deno.test("startPass() looks back five minutes where sessions are hidden, or by lookback where that is longer", async () => {
  const blindness = { reason: "standby" } as const;
  equal((await start({})).started.lookbackMs, 1_000);
  equal((await start({ blindness })).started.lookbackMs, 300_000);
});

function version(timeline: number, units: number): string {
  return String((BigInt(timeline) << 51n) | BigInt(units));
}

/** What a pass begins with when this is noticed. */
async function start(
  notice: Partial<Notice>,
  saved = SAVED,
): Promise<
  { started: PassStart; lines: ReturnType<typeof recordLog>["lines"] }
> {
  const { log, lines } = recordLog();
  const noticed: Notice = {
    now: LATER,
    from: HOUR,
    low: LATER,
    oldestStart: undefined,
    seen: "100",
    blindness: undefined,
    system: "7",
    version: version(1, 600),
    complete: () => {},
    ...notice,
  };
  const following: Following = {
    source: openQuickSource({
      host: "127.0.0.1",
      port: 1,
      database: "none",
      user: "nobody",
      ssl: false,
      connectTimeoutMs: 1,
      statementTimeoutMs: 1,
    }),
    plan: {
      name: "films",
      document: {
        sql: "",
        label: "",
        key: KEY,
        fields: [],
        agentColumns: new Set(),
      },
      root: ROOT,
      tables: [ROOT],
      lookbackMs: 1_000,
      pageSize: 10,
    },
    horizon: { note: () => Promise.resolve(noticed) },
    probe: openChangeProbe(),
    versions: openVersions(),
    telemetry: NO_INDEX_TELEMETRY,
    log,
    drain: NEVER,
    kill: NEVER,
  };
  return { started: await startPass(following, saved), lines };
}
