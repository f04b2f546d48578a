import { deepEqual, equal, match } from "node:assert/strict";
import { judgePrivileges, judgeVersion } from "../src/check_cluster.ts";

const ALL = { manage: true, write: true, read: true };

Deno.test("judgeVersion() refuses what is older than 7.14", () => {
  for (const number of ["6.8.23", "7.13.4"]) {
    equal(judgeVersion(number)[0]?.level, "error", number);
  }
  for (const number of ["7.14.0", "8.19.21", "9.5.3", "unknown"]) {
    deepEqual(judgeVersion(number), [], number);
  }
});

Deno.test("judgePrivileges() says nothing of a user that may do what the agent does", () => {
  const cluster = { all: false };
  deepEqual(judgePrivileges({ cluster, index: { movies: ALL } }), []);
});

Deno.test("judgePrivileges() names each privilege that is missing, and one too many", () => {
  const [missing] = judgePrivileges({
    cluster: { all: false },
    index: { movies: ALL, "movies-*": { ...ALL, manage: false } },
  });
  equal(missing?.level, "error");
  match(missing?.text ?? "", /lacks manage on movies-\*$/);
  const [tooMuch] = judgePrivileges({
    cluster: { all: true },
    index: { movies: ALL },
  });
  equal(tooMuch?.level, "warning");
});
