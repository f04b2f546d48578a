import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { openCheckpoint } from "../src/checkpoint.ts";
import type { Documents } from "../src/documents.ts";
import type { Key } from "../src/keys.ts";
import type { Operations } from "../src/operations.ts";
import type { Page } from "../src/plan.ts";
import type { Position } from "../src/position.ts";
import { type Rate, UNLIMITED } from "../src/rate.ts";
import { settlePages, type SettlingStages } from "../src/settlement.ts";
import type { Sink } from "../src/sink.ts";
import { NO_INDEX_TELEMETRY } from "../src/telemetry.ts";
import { NEVER, quickPersister } from "./servers.ts";

const STOP = { drain: NEVER, kill: NEVER };

Deno.test("settlePages() saves nothing of a lane past a page that was drained in its middle", async () => {
  const saved: string[] = [];
  await using world = await openStages((low) => saved.push(low));
  let turnCount = 0;
  const rate: Rate = {
    // the three pages begin, and then it is drained
    take: (wanted) => Promise.resolve(++turnCount > 3 ? 0 : wanted),
  };
  const allBegun = Promise.withResolvers<void>();
  const documents = reading(
    (keys) => keys.includes("a2") ? ["a2"] : [],
    async (keys) => {
      if (keys.includes("c")) allBegun.resolve();
      await allBegun.promise;
    },
  );
  const pages = paginate([
    { keys: ["a1", "a2"], next: () => at("1") },
    { keys: ["b"], next: () => at("2") },
    { keys: ["c"], lane: 1, next: () => at("3") },
  ]);
  const stages = { ...world.stages, documents, rate };
  await settlePages(stages, { pages, stop: STOP });
  deepEqual(saved, ["3"]);
});

Deno.test("settlePages() moves each lane on by itself, and each in its order", async () => {
  const saved: string[] = [];
  await using world = await openStages((low) => saved.push(low));
  const slow = Promise.withResolvers<void>();
  const documents = reading(() => [], async (keys) => {
    if (keys.includes("slow")) await slow.promise;
  });
  const pages = paginate([
    { keys: ["slow"], next: () => at("a1") },
    { keys: ["a"], next: () => at("a2") },
    { keys: ["b"], lane: 1, next: () => at("b1") },
    { keys: ["c"], lane: 1, next: () => at("b2") },
  ], (count) => {
    if (count === 4) setTimeout(slow.resolve, 50);
  });
  await settlePages({ ...world.stages, documents }, { pages, stop: STOP });
  deepEqual(saved, ["b1", "b2", "a1", "a2"]);
});

Deno.test("settlePages() saves the position of a load once a period, and at the end", async () => {
  const saved: string[] = [];
  await using world = await openStages((low) => saved.push(low));
  const pages = paginate(["1", "2", "3", "4"].map((place) => ({
    keys: [place],
    next: () => at(place),
  })));
  const stages = { ...world.stages, loadSavePeriodMs: 3_600_000 };
  await settlePages(stages, { pages, stop: STOP });
  deepEqual(saved, ["4"]);
});

Deno.test("settlePages() saves what a load has settled when a later page fails", async () => {
  const saved: string[] = [];
  await using world = await openStages((low) => saved.push(low));
  const failure = new Error("the server is gone");
  const settled = Promise.withResolvers<void>();
  const documents = reading(() => [], async (keys) => {
    if (!keys.includes("3")) return;
    await settled.promise;
    throw failure;
  });
  const { checkpoint } = world.stages;
  const noticing = {
    ...checkpoint,
    async keep(...args: Parameters<typeof checkpoint.keep>) {
      const isSaved = await checkpoint.keep(...args);
      if (args[1].low === "2") settled.resolve();
      return isSaved;
    },
  };
  const pages = paginate(["1", "2", "3"].map((place) => ({
    keys: [place],
    next: () => at(place),
  })));
  const stages = {
    ...world.stages,
    documents,
    checkpoint: noticing,
    loadSavePeriodMs: 3_600_000,
  };
  await rejects(settlePages(stages, { pages, stop: STOP }), failure);
  deepEqual(saved, ["2"]);
});

Deno.test("settlePages() reads so many pages at once, and no more", async () => {
  await using world = await openStages(() => {});
  let readerCount = 0;
  let mostReaders = 0;
  const documents = reading(() => [], async () => {
    readerCount++;
    mostReaders = Math.max(mostReaders, readerCount);
    await new Promise((resolve) => setTimeout(resolve, 5));
    readerCount--;
  });
  const keys = Array.from({ length: 9 }, (_, n) => [String(n)]);
  const pages = paginate(
    keys.map((keys, n) => ({ keys, next: () => at(String(n)) })),
  );
  await settlePages({ ...world.stages, documents }, { pages, stop: STOP });
  equal(mostReaders, 3);
  equal(world.saved(), "8");
});

Deno.test("settlePages() ends what is read when a page cannot be read", async () => {
  await using world = await openStages(() => {});
  const failure = new Error("the server is gone");
  let isCut = false;
  const documents = reading(() => [], async (keys, signal) => {
    if (keys.includes("b")) throw failure;
    const { promise, reject } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => reject(signal.reason));
    await promise.finally(() => isCut = true);
  });
  const pages = paginate([
    { keys: ["a"], next: () => at("1") },
    { keys: ["b"], next: () => at("2") },
  ]);
  const stages = { ...world.stages, documents };
  await rejects(settlePages(stages, { pages, stop: STOP }), failure);
  ok(isCut);
  equal(world.saved(), undefined);
});

Deno.test("settlePages() reads a full page at once, and in parts what a look has found", async () => {
  await using world = await openStages(() => {});
  const { plan } = world.stages;
  const counts: number[] = [];
  const documents = reading(() => [], (keys) => {
    counts.push(keys.length);
    return Promise.resolve();
  });
  const stages = {
    ...world.stages,
    documents,
    plan: { ...plan, pageSize: 200 },
    maxReaders: 1,
  };
  const pages = paginate([200, 190, 60, 2].map((count) => ({
    keys: Array.from({ length: count }, (_, n) => `${count} ${n}`),
    next: () => at(String(count)),
  })));
  await settlePages(stages, { pages, stop: STOP });
  deepEqual(counts, [200, 48, 48, 48, 46, 25, 25, 10, 2]);
});

Deno.test("settlePages() sends the first part of a page before the next one is read", async () => {
  await using world = await openStages(() => {});
  const events: string[] = [];
  const request: Operations = {
    buffer: new Uint8Array(1),
    entries: [{ key: "0", start: 0, end: 1 }],
  };
  const documents: Documents = {
    read(keys) {
      events.push(`read ${keys.length}`);
      const requests = keys.includes("0") ? [request] : [];
      return Promise.resolve({ requests, rejections: [], rest: [] });
    },
    recycle() {},
  };
  const { sink } = world.stages;
  const noticing: Sink = {
    ...sink,
    settle(...args) {
      events.push("sent");
      return sink.settle(...args);
    },
  };
  const { plan } = world.stages;
  const stages = {
    ...world.stages,
    documents,
    sink: noticing,
    plan: { ...plan, pageSize: 100 },
  };
  const keys = Array.from({ length: 50 }, (_, n) => String(n));
  const pages = paginate([{ keys, next: () => at("1") }]);
  await settlePages(stages, { pages, stop: STOP });
  deepEqual(events, ["read 25", "sent", "read 25"]);
  equal(world.saved(), "1");
});

/** The position of a load at a place. */
function at(low: string): Position {
  return {
    source: { system: "1", database: "d" },
    index: { name: "items", uuid: "u" },
    low,
    seen: {},
    load: { after: [low] },
  };
}

async function* paginate(
  pages: readonly Page<Position>[],
  onPage: (count: number) => void = () => {},
): AsyncGenerator<Page<Position>> {
  for (const [place, page] of pages.entries()) {
    onPage(place + 1);
    yield await Promise.resolve(page);
  }
}

/** Documents that PostgreSQL does not have, and so are nothing to send; `rest` of them are left out. */
function reading(
  rest: (keys: readonly Key[]) => readonly Key[],
  wait: (keys: readonly Key[], signal: AbortSignal) => Promise<void> = () =>
    Promise.resolve(),
): Documents {
  return {
    async read(keys, signal) {
      await wait(keys, signal);
      return { requests: [], rejections: [], rest: rest(keys) };
    },
    recycle() {},
  };
}

/** Stages with a state file of their own; three pages are read at once. */
async function openStages(onSave: (low: string) => void) {
  const folder = await Deno.makeTempDir({ prefix: "pg2es_" });
  const persister = quickPersister("Elasticsearch");
  const checkpoint = await openCheckpoint(
    join(folder, "state.yaml"),
    persister,
  );
  const nothing = { written: 0, superseded: 0, rejections: [] };
  const stages: SettlingStages = {
    plan: {
      name: "items",
      document: {
        sql: "",
        label: "",
        key: [],
        fields: [],
        agentColumns: new Set(),
      },
      root: {
        label: "",
        from: "",
        key: [],
        stamp: { name: "", type: "", kind: "instant", timeZone: "UTC" },
      },
      tables: [],
      lookbackMs: 0,
      pageSize: 10,
    },
    telemetry: NO_INDEX_TELEMETRY,
    checkpoint: {
      ...checkpoint,
      async save(index, position, signal) {
        onSave(position.low);
        await checkpoint.save(index, position, signal);
      },
      async keep(index, position, options) {
        if (options.maxAgeMs === 0) onSave(position.low);
        return await checkpoint.keep(index, position, options);
      },
    },
    documents: reading(() => []),
    sink: {
      settle: () => Promise.resolve(nothing),
      record: () => Promise.resolve(nothing),
    },
    versions: {
      last: "7",
      latest: "7",
      observe() {},
      next: () => Promise.resolve("7"),
    },
    rate: UNLIMITED,
    maxBytesInFlight: 1_000,
    maxReaders: 3,
    loadSavePeriodMs: 0,
  };
  return {
    stages,
    saved: () => checkpoint.load("items")?.low,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
