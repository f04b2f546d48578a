import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { retry, RetryError, type RetryOptions } from "@std/async/retry";
import { parse, stringify } from "@std/yaml";

/** A function that fails `failures` times and then returns "done", and how often it was called. */
function failing(failures: number, thrown: unknown = new Error("not yet")) {
  const seen = { calls: 0 };
  function call(): string {
    seen.calls += 1;
    if (seen.calls <= failures) throw thrown;
    return "done";
  }
  return { call, seen };
}

Deno.test("parse() knows the types of YAML's core schema, timestamps, merges", () => {
  const text = [
    "# a comment",
    "text: &a {one: 1, hex: 0x1F, float: .5, none: ~, yes: yes, flag: true}",
    "merged: {<<: *a, one: 2}",
    "at: 2026-11-23T05:00:00Z",
    "block: |",
    "  select 1",
    "    from t",
    "",
  ].join("\n");
  const one = {
    one: 1,
    hex: 31,
    float: 0.5,
    none: null,
    yes: "yes",
    flag: true,
  };
  deepEqual(parse(text), {
    text: one,
    merged: { ...one, one: 2 },
    at: new Date("2026-11-23T05:00:00Z"),
    block: "select 1\n  from t\n",
  });
});

Deno.test("parse() gives null for an empty document", () => {
  for (const text of ["", "\n", "# nothing here\n", "---\n", "~"]) {
    equal(parse(text), null);
  }
});

Deno.test("parse() throws a SyntaxError for what is not one document", () => {
  const faulty = [
    "a: [1",
    "a: 1\na: 2",
    "a: 1\n---\nb: 2",
    "a: !unknown 1",
    "a: *nowhere",
    '"open',
    "a: 1\n b: 2",
  ];
  for (const text of faulty) throws(() => parse(text), SyntaxError, text);
});

Deno.test("stringify() writes what parse() reads back", () => {
  const data = {
    plain: "text",
    likeBoolean: "true",
    likeNumber: "12",
    likeDate: "2026-11-23",
    empty: "",
    lines: "one\ntwo\n",
    cyrillic: "Сталкер: 'зона' 🎬",
    long: "word ".repeat(60),
    list: [1, -2.5, null, false, [], {}],
    nested: { deep: { deeper: ["a", { b: 1 }] } },
  };
  deepEqual(parse(stringify(data)), data);
  equal(
    stringify({ id: 1, tags: ["a", "b"] }),
    "id: 1\ntags:\n  - a\n  - b\n",
  );
});

Deno.test("stringify() throws a TypeError for what YAML has no type for", () => {
  for (const value of [undefined, () => 1, Symbol("s")]) {
    throws(() => stringify(value), TypeError);
    throws(() => stringify({ list: [{ value }] }), TypeError);
  }
});

Deno.test("retry() calls again until the function returns", async () => {
  const { call, seen } = failing(3);
  equal(await retry(call, { minTimeout: 0 }), "done");
  equal(seen.calls, 4);
});

Deno.test("retry() tries again after whatever is thrown", async () => {
  for (const thrown of [new TypeError("own"), "text", undefined, null, 0]) {
    const { call } = failing(1, thrown);
    equal(await retry(call, { minTimeout: 0 }), "done");
  }
});

Deno.test("retry() throws RetryError with the cause after the last attempt", async () => {
  const thrown = new TypeError("broken");
  const { call, seen } = failing(9, thrown);
  await rejects(retry(call, { minTimeout: 0, maxAttempts: 3 }), (error) => {
    ok(error instanceof RetryError);
    equal(error.name, "RetryError");
    equal(error.message, "Retrying exceeded the maxAttempts (3).");
    equal(error.cause, thrown);
    return true;
  });
  equal(seen.calls, 3);
});

Deno.test("retry() throws what is not retriable as it is, also at the last attempt", async () => {
  for (const maxAttempts of [1, 5]) {
    const thrown = { reason: "not an Error" };
    const { call, seen } = failing(9, thrown);
    const isRetriable = () => false;
    await rejects(
      retry(call, { maxAttempts, isRetriable }),
      (error) => error === thrown,
    );
    equal(seen.calls, 1);
  }
});

Deno.test("retry() waits at least as long as it says", async () => {
  const { call } = failing(3);
  const before = performance.now();
  await retry(call, { minTimeout: 20, maxTimeout: 30, jitter: 0 });
  ok(performance.now() - before >= 20 + 30 + 30 - 3); // timers may fire a little early
});

Deno.test("retry() does not start once its signal is aborted", async () => {
  const reason = { why: "stopped" };
  const { call, seen } = failing(0);
  const signal = AbortSignal.abort(reason);
  await rejects(retry(call, { signal }), (error) => error === reason);
  equal(seen.calls, 0);
});

Deno.test("retry() ends a wait with the signal's reason", async () => {
  const reason = new Error("stopped");
  const control = new AbortController();
  const { call, seen } = failing(9);
  const result = retry(call, {
    minTimeout: 60_000,
    signal: control.signal,
    isRetriable() {
      queueMicrotask(() => setTimeout(() => control.abort(reason)));
      return true;
    },
  });
  await rejects(result, (error) => error === reason);
  equal(seen.calls, 1);
});

Deno.test("retry() leaves an attempt under way to itself", async () => {
  const control = new AbortController();
  function finish(): Promise<string> {
    control.abort();
    return Promise.resolve("done");
  }
  equal(await retry(finish, { signal: control.signal }), "done");
});

Deno.test("retry() refuses options out of their range", async () => {
  const wrong: [RetryOptions, string][] = [
    [
      { maxAttempts: 0 },
      "'maxAttempts' must be a positive integer: current value is 0",
    ],
    [
      { maxAttempts: 1.5 },
      "'maxAttempts' must be a positive integer: current value is 1.5",
    ],
    [
      { multiplier: 0.5 },
      "'multiplier' must be a finite number >= 1: current value is 0.5",
    ],
    [
      { maxTimeout: 0 },
      "'maxTimeout' must be a positive number: current value is 0",
    ],
    [{ minTimeout: -1 }, "'minTimeout' must be >= 0: current value is -1"],
    [
      { minTimeout: 2, maxTimeout: 1 },
      "'minTimeout' must be <= 'maxTimeout': current values 'minTimeout=2', 'maxTimeout=1'",
    ],
    [
      { jitter: NaN },
      "'jitter' must be between 0 and 1: current value is NaN",
    ],
  ];
  for (const [options, text] of wrong) {
    const { call, seen } = failing(0);
    const message = `Cannot retry as ${text}`;
    await rejects(retry(call, options), { name: "RangeError", message });
    equal(seen.calls, 0);
  }
});
