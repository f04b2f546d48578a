import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { openFlight } from "../src/flight.ts";
import { NEVER } from "./servers.ts";

const FAILURE = new Error("the server is gone");

/** Lets everything run that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Something on its way that lands when it is told to. */
function hold<Result>() {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  return { send: () => promise, resolve, reject };
}

Deno.test("openFlight() lands pages in their order, each once all it sent has landed", async () => {
  await using flight = openFlight(100, NEVER);
  const [first, second, third] = [hold(), hold(), hold()];
  const landings: unknown[] = [];
  const land = (results: unknown[]) => {
    landings.push(results);
    return Promise.resolve();
  };
  flight.close({
    keys: [],
    sent: [flight.carry(1, first.send), flight.carry(1, second.send)],
  }, land);
  flight.close({ keys: [], sent: [flight.carry(1, third.send)] }, land);
  third.resolve("c");
  second.resolve("b");
  await turn();
  deepEqual(landings, []);
  first.resolve("a");
  await flight.landed();
  deepEqual(landings, [["a", "b"], ["c"]]);
});

Deno.test("openFlight() waits for one page to land before it lands the next", async () => {
  await using flight = openFlight(100, NEVER);
  const saving = hold<void>();
  const landings: string[] = [];
  flight.close({ keys: [], sent: [] }, saving.send);
  flight.close({ keys: [], sent: [] }, () => {
    landings.push("second");
    return Promise.resolve();
  });
  await turn();
  deepEqual(landings, []);
  saving.resolve();
  await flight.landed();
  deepEqual(landings, ["second"]);
});

Deno.test("makeRoom() waits while the bytes on their way are at the limit", async () => {
  await using flight = openFlight(100, NEVER);
  const [first, second] = [hold(), hold()];
  flight.carry(99, first.send);
  await flight.makeRoom();
  flight.carry(50, second.send);
  let hasRoom = false;
  const waiting = flight.makeRoom().then(() => {
    hasRoom = true;
  });
  await turn();
  equal(hasRoom, false);
  second.resolve(undefined);
  await waiting;
  first.resolve(undefined);
});

Deno.test("makeRoom() lets a page that is larger than the limit go alone", async () => {
  await using flight = openFlight(100, NEVER);
  await flight.makeRoom();
  const large = hold();
  flight.carry(1_000, large.send);
  let hasRoom = false;
  const waiting = flight.makeRoom().then(() => {
    hasRoom = true;
  });
  await turn();
  equal(hasRoom, false);
  large.resolve(undefined);
  await waiting;
});

Deno.test("keepApart() waits for a document that is on its way, and for no other", async () => {
  await using flight = openFlight(100, NEVER);
  const first = hold();
  await flight.keepApart(["a", "b"]);
  flight.close({
    keys: ["a", "b"],
    sent: [flight.carry(1, first.send)],
  }, () => Promise.resolve());
  await flight.keepApart(["c"]);
  flight.close({ keys: ["c"], sent: [] }, () => Promise.resolve());
  let isApart = false;
  const waiting = flight.keepApart(["d", "b"]).then(() => {
    isApart = true;
  });
  await turn();
  equal(isApart, false);
  first.resolve(undefined);
  await waiting;
});

Deno.test("openFlight() throws the first failure from every method, and lands nothing after it", async () => {
  await using flight = openFlight(100, NEVER);
  const [first, second] = [hold(), hold()];
  const landings: string[] = [];
  const landAs = (name: string) => () => {
    landings.push(name);
    return Promise.resolve();
  };
  await flight.keepApart(["a"]);
  const sent = [flight.carry(100, first.send)];
  flight.close({ keys: ["a"], sent }, landAs("first"));
  const next = [flight.carry(100, second.send)];
  flight.close({ keys: ["b"], sent: next }, landAs("second"));
  const waiting = [flight.makeRoom(), flight.keepApart(["a"]), flight.landed()];
  const ended = Promise.allSettled(waiting);
  second.resolve("b");
  first.reject(FAILURE);
  for (const result of await ended) {
    equal(result.status === "rejected" && result.reason, FAILURE);
  }
  await rejects(flight.makeRoom(), FAILURE);
  await rejects(flight.keepApart(["z"]), FAILURE);
  await rejects(flight.landed(), FAILURE);
  throws(() => flight.carry(1, () => Promise.resolve()), FAILURE);
  throws(() => flight.close({ keys: [], sent: [] }, landAs("third")), FAILURE);
  deepEqual(landings, []);
});

Deno.test("openFlight() lands nothing after a landing that failed", async () => {
  await using flight = openFlight(100, NEVER);
  const landings: string[] = [];
  flight.close({ keys: [], sent: [] }, () => Promise.reject(FAILURE));
  flight.close({ keys: [], sent: [] }, () => {
    landings.push("second");
    return Promise.resolve();
  });
  await rejects(flight.landed(), FAILURE);
  deepEqual(landings, []);
});

Deno.test("dispose cuts what is on its way, and waits until it is down", async () => {
  const flight = openFlight(100, NEVER);
  let isDown = false;
  const sent = flight.carry(1, async () => {
    const { promise, reject } = Promise.withResolvers<void>();
    flight.signal.addEventListener("abort", () => {
      reject(flight.signal.reason);
    });
    try {
      await promise;
    } finally {
      await turn();
      isDown = true;
    }
  });
  const landings: string[] = [];
  flight.close({ keys: [], sent: [sent] }, () => {
    landings.push("never");
    return Promise.resolve();
  });
  await flight[Symbol.asyncDispose]();
  equal(isDown, true);
  deepEqual(landings, []);
});

Deno.test("dispose cuts nothing where everything has landed", async () => {
  const flight = openFlight(100, NEVER);
  const sent = [flight.carry(1, () => Promise.resolve("a"))];
  flight.close({ keys: [], sent }, () => Promise.resolve());
  await flight.landed();
  await flight[Symbol.asyncDispose]();
  equal(flight.signal.aborted, false);
});

Deno.test("openFlight() is cut by the kill it was given", () => {
  const killing = new AbortController();
  const flight = openFlight(100, killing.signal);
  equal(flight.signal.aborted, false);
  killing.abort(FAILURE);
  equal(flight.signal.reason, FAILURE);
});
