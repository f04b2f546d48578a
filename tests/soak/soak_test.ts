import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { join } from "node:path";
import { seedRandom } from "../../db/random.ts";
import { startHttpProxy } from "./http_proxy.ts";
import { findLeaks } from "./leaks.ts";
import { parseOptions } from "./options.ts";
import {
  type FaultKind,
  FAULTS,
  planFaults,
  type PlannedFault,
  shapeOf,
} from "./schedule.ts";
import { countFaults, summaryLines } from "./summary.ts";
import { planTransactions } from "./transactions.ts";

const KINDS = [
  "http: 429",
  "index: closed",
  "postgres: delayed",
] as const satisfies readonly FaultKind[];

function plan(seed: number, count: number): PlannedFault[] {
  const kinds = KINDS;
  return planFaults(seedRandom(seed), { kinds, afterMs: [100, 200] })
    .take(count).toArray();
}

Deno.test("parseOptions() takes a seed, or makes one, and refuses other words", () => {
  const makeSeed = () => 7;
  deepEqual(parseOptions([], makeSeed), {
    minutes: 10,
    seed: 7,
    follow: "polling",
  });
  const written = ["--seed", "0", "--minutes", "0.5", "--follow", "wal"];
  deepEqual(parseOptions(written, makeSeed), {
    minutes: 0.5,
    seed: 0,
    follow: "wal",
  });
  for (
    const words of [
      ["--minutes", "0"],
      ["--seed", "x"],
      ["--follow", "log"],
      ["--sed", "1"],
      ["1"],
    ]
  ) {
    throws(
      () => parseOptions(words, makeSeed),
      /^Error: Cannot read .*; write deno task soak \[--minutes N\] \[--seed S\] \[--follow wal\]$/,
    );
  }
});

Deno.test("planFaults() depends on the seed alone and stays within the shapes", () => {
  const planned = plan(1, 300);
  deepEqual(planned, plan(1, 300));
  ok(JSON.stringify(planned) !== JSON.stringify(plan(2, 300)));
  deepEqual([...new Set(planned.map(({ kind }) => kind))].sort(), [...KINDS]);
  for (const { afterMs, kind, lastsMs, amount } of planned) {
    const shape = shapeOf(kind);
    const within = (value: number, [from, to]: readonly [number, number]) =>
      ok(value >= from && value <= to, `${kind}: ${value}`);
    within(afterMs, [100, 200]);
    within(lastsMs, shape.lastsMs);
    within(amount, shape.amount ?? [0, 0]);
  }
});

Deno.test("FAULTS undo what lasts before a check would wait for it", () => {
  for (const { lastsMs: [from, to] } of Object.values(FAULTS)) {
    ok(from <= to && to <= 20_000);
  }
});

Deno.test("planTransactions() depends on the seed alone and marks every text that it writes", () => {
  const take = (seed: number) =>
    planTransactions(seedRandom(seed), "marked").take(500).toArray();
  const planned = take(1);
  deepEqual(planned, take(1));
  ok(JSON.stringify(planned) !== JSON.stringify(take(2)));
  const uuid = /^[0-9a-f-]{36}$/;
  for (const { values } of planned.flatMap(({ steps }) => steps)) {
    for (const value of values) {
      if (typeof value === "string" && !uuid.test(value)) {
        match(value, /^marked /);
      }
    }
  }
  deepEqual([...new Set(planned.map(({ end }) => end))].sort(), [
    "commit",
    "prepare and commit",
    "prepare and roll back",
    "rollback",
  ]);
});

Deno.test("findLeaks() tells file and line, and not all of the secret", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "a.log");
    await Deno.writeTextFile(file, "fine\nthe secret-of-all is here\n");
    deepEqual(await findLeaks(folder, ["secret-of-all", "other"]), [
      { file, line: 2, what: "secret…" },
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("countFaults() and summaryLines() count faults by kind, and kills among them", () => {
  const faults = new Map<FaultKind, number>([
    ["agent: SIGKILL", 2],
    ["agent: SIGTERM", 1],
    ["http: 429", 4],
  ]);
  deepEqual(countFaults(faults), { faults: 7, kills: 3 });
  const lines = summaryLines({
    seed: 5,
    minutes: 1,
    faults,
    struck: 9,
    checks: 2,
    refused: 0,
    tally: { committed: 1, rolledBack: 0, prepared: 0, failed: 0, rows: 3 },
    rssBytes: 1e6,
    files: 20,
  });
  for (
    const line of [
      /^ +4 {2}http: 429$/,
      /^ +7 {2}faults in all$/,
      /^ +3 {2}kills among them$/,
      /^ +5 {2}seed$/,
    ]
  ) {
    equal(lines.filter((text) => line.test(text)).length, 1, String(line));
  }
});

/** A server that takes every operation, and says what it got. */
function startBulkServer() {
  const bodies: string[] = [];
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, async (request) => {
    const text = await request.text();
    bodies.push(text);
    const count = text.split('{"index"').length - 1;
    const items = Array.from({ length: count }, () => ({
      index: { status: 200 },
    }));
    return Response.json({ items });
  });
  return {
    bodies,
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const BULK = ["a", "b", "c"]
  .map((id) => `{"index":{"_id":"${id}"}}\n{"x":1}\n`);

async function post(port: number): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/films/_bulk`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson", connection: "close" },
    body: BULK.join(""),
  });
  return { status: response.status, text: await response.text() };
}

Deno.test("startHttpProxy() keeps operations from the server that it refuses", async () => {
  await using server = startBulkServer();
  await using proxy = await startHttpProxy(server.url);
  {
    using _fault = proxy.inject("refused-items");
    const { items } = JSON.parse((await post(proxy.port)).text);
    deepEqual(
      items.map(({ index }: { index: { status: number } }) => index.status),
      [429, 200, 429],
    );
    deepEqual(server.bodies, [BULK[1]]);
  }
  equal(JSON.parse((await post(proxy.port)).text).items.length, 3);
  equal(proxy.struck, 1);
});

Deno.test("startHttpProxy() drops, cuts, loses and replaces answers", async () => {
  await using server = startBulkServer();
  await using proxy = await startHttpProxy(server.url);
  const strike = async (fault: Parameters<typeof proxy.inject>[0]) => {
    using _fault = proxy.inject(fault);
    return await post(proxy.port).catch(() => undefined);
  };
  equal(
    JSON.parse((await strike("dropped-items"))?.text ?? "").items.length,
    2,
  );
  equal(await strike("cut"), undefined);
  equal((await strike("lost"))?.status, 502);
  equal(server.bodies.length, 3, "all of these came to the server");
  equal((await strike("429"))?.status, 429);
  equal((await strike("503"))?.status, 503);
  equal((await strike("413"))?.status, 200, "it is a small request");
  match((await strike("html"))?.text ?? "", /^<html>/);
});
