import { deepEqual, equal, rejects } from "node:assert/strict";
import { EtlError, type Failure } from "../src/failure.ts";
import { openPressure } from "../src/pressure.ts";
import { recordLog } from "./recorded_log.ts";

const LIMITS = { concurrency: 4, maxBytes: 512_000 };

const BUSY: Failure = {
  kind: "sink-busy",
  index: "movies",
  type: "es_rejected_execution_exception",
};

/** Pressure, and what it says after each request that ends so. */
function open() {
  const pressure = openPressure(LIMITS, recordLog().log);
  async function send(failure?: Failure, bytes = 1_000) {
    const sent = pressure.carry(
      () =>
        failure === undefined
          ? Promise.resolve()
          : Promise.reject(new EtlError(failure)),
      { bytes },
    );
    await (failure === undefined ? sent : rejects(sent));
    return state();
  }
  const state = () => [pressure.concurrency, pressure.maxBytes];
  return { pressure, send, state };
}

Deno.test("carry() gives way under overload: first fewer requests, then smaller ones", async () => {
  const { send } = open();
  const states = [];
  for (let round = 0; round < 7; round++) states.push(await send(BUSY));
  deepEqual(states, [
    [2, 512_000],
    [1, 512_000],
    [1, 256_000],
    [1, 128_000],
    [1, 64_000],
    [1, 64_000],
    [1, 64_000],
  ]);
});

Deno.test("carry() takes back what it gave way, size first, and no more", async () => {
  const { send } = open();
  for (let round = 0; round < 9; round++) await send(BUSY);
  const states = [];
  for (let round = 0; round < 14; round++) states.push(await send());
  deepEqual(states[0], [1, 96_000]);
  deepEqual(states.at(-1), [1, 512_000]);
  for (let round = 0; round < 9; round++) states.push(await send());
  deepEqual(states.at(-1), [4, 512_000]);
  equal(new Set(states.map(String)).size, 17);
});

Deno.test("carry() gives way once for requests that were out together", async () => {
  const { pressure, state } = open();
  const failing = Promise.withResolvers<never>();
  const sent = Array.from(
    { length: 4 },
    () => pressure.carry(() => failing.promise, { bytes: 1 }).catch(() => {}),
  );
  await Promise.resolve();
  failing.reject(new EtlError(BUSY));
  await Promise.all(sent);
  equal(state()[0], 2);
});

Deno.test("carry() keeps to what it gave way", async () => {
  const { pressure, send } = open();
  await send(BUSY);
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  let begunCount = 0;
  const sent = gates.map(({ promise }) =>
    pressure.carry(() => {
      begunCount++;
      return promise;
    }, { bytes: 1 })
  );
  await new Promise((resolve) => setTimeout(resolve, 0));
  equal(begunCount, 2);
  for (const { resolve } of gates) resolve();
  await Promise.all(sent);
});

Deno.test("carry() tells an overload by parts of an answer too", async () => {
  const { pressure, state } = open();
  const failuresIn = (failures: Failure[]) => failures;
  await pressure.carry(() => Promise.resolve([BUSY]), { bytes: 1, failuresIn });
  equal(state()[0], 2);
});

Deno.test("carry() takes what no load explains for no overload", async () => {
  const { pressure, send, state } = open();
  const server = "Elasticsearch";
  const others: Failure[] = [
    { kind: "server-unavailable", server, code: "ECONNREFUSED" },
    { kind: "index-blocked", index: "movies", type: "cluster_block_exception" },
    { kind: "index-missing", index: "movies" },
    { kind: "request-refused", index: "movies", status: 400, type: "x" },
  ];
  for (const failure of others) await send(failure);
  const aborted = pressure.carry(() => Promise.reject(new Error("killed")), {
    bytes: 1,
  });
  await rejects(aborted, /killed/);
  deepEqual(state(), [4, 512_000]);
  for (const code of ["timeout", "503", "ECONNRESET", "connection closed"]) {
    const eased = open();
    await eased.send({ kind: "server-unavailable", server, code });
    deepEqual(eased.state(), [2, 512_000], code);
  }
});

Deno.test("carry() never tries a size again that is too large", async () => {
  const { send } = open();
  const tooLarge: Failure = {
    kind: "request-refused",
    index: "movies",
    status: 413,
    type: "content_too_large",
  };
  deepEqual(await send(tooLarge, 2_000_000), [4, 512_000]);
  deepEqual(await send(tooLarge, 500_000), [4, 250_000]);
  for (let round = 0; round < 30; round++) await send();
  deepEqual(await send(), [4, 250_000]);
  deepEqual(await send(tooLarge, 10), [4, 64_000]);
});
