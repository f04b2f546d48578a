import { deepEqual, equal, ok } from "node:assert/strict";
import { openErrorHistory } from "../src/error_history.ts";
import type { Failure } from "../src/failure.ts";

function lost(code: string): Failure {
  return { kind: "server-unavailable", server: "PostgreSQL", code };
}

Deno.test("openErrorHistory() has each error once, the newest first, with what to do", () => {
  const errors = openErrorHistory({ maxErrors: 10, redact: (text) => text });
  errors.add(lost("a"));
  errors.add(lost("b"));
  errors.add(lost("a"));
  const [first, second, ...others] = errors.list();
  deepEqual(others, []);
  equal(first?.message, "Cannot reach PostgreSQL: code is a");
  equal(first.count, 2);
  equal(first.kind, "server-unavailable");
  equal(first.recovery, "retry");
  ok(first.advice.startsWith("Start the server"));
  ok(first.firstAt <= first.lastAt);
  equal(second?.count, 1);
});

Deno.test("openErrorHistory() keeps the newest, and shows no secret", () => {
  const errors = openErrorHistory({
    maxErrors: 3,
    redact: (text) => text.replaceAll("hunter2", "***"),
  });
  for (const code of ["a", "b", "c", "d", "hunter2"]) errors.add(lost(code));
  deepEqual(errors.list().map(({ message }) => message.split(" ").at(-1)), [
    "***",
    "d",
    "c",
  ]);
});
