import { equal, match, ok } from "node:assert/strict";
import {
  describeFailure,
  EtlError,
  type Failure,
  recovers,
  RECOVERY,
} from "../src/failure.ts";

const FAILURES: { [Kind in Failure["kind"]]: Failure & { kind: Kind } } = {
  "config-invalid": {
    kind: "config-invalid",
    faults: ["a.yaml:1:1: x", "a.yaml:2:1: y"],
  },
  "server-unavailable": {
    kind: "server-unavailable",
    server: "PostgreSQL",
    code: "ECONNREFUSED",
  },
  "server-refused": {
    kind: "server-refused",
    server: "Elasticsearch",
    code: "401",
    hint: "Check the password",
  },
  "query-failed": { kind: "query-failed", query: "document", code: "42703" },
  "document-failed": {
    kind: "document-failed",
    query: "document",
    code: "22012",
  },
  "statement-timeout": { kind: "statement-timeout", query: "document" },
  "sink-busy": { kind: "sink-busy", index: "movies", type: "rejected" },
  "request-refused": {
    kind: "request-refused",
    index: "movies",
    status: 400,
    type: "mapper_parsing_exception",
    reason: "no handler for type",
  },
  "index-blocked": {
    kind: "index-blocked",
    index: "movies",
    type: "cluster_block_exception",
  },
  "index-missing": { kind: "index-missing", index: "movies" },
  "index-unusable": {
    kind: "index-unusable",
    index: "movies",
    detail: "it is two",
  },
  "source-replaced": {
    kind: "source-replaced",
    index: "movies",
    system: "7300000000000000001",
  },
  "answer-invalid": {
    kind: "answer-invalid",
    server: "Elasticsearch",
    detail: "it is HTML",
  },
  "checkpoint-invalid": {
    kind: "checkpoint-invalid",
    file: "state.yaml",
    detail: "it is cut off",
  },
  "checkpoint-unwritable": {
    kind: "checkpoint-unwritable",
    file: "state.yaml",
    code: "ENOSPC",
  },
  "dead-letters-invalid": {
    kind: "dead-letters-invalid",
    file: "dead_letters.jsonl",
    detail: "line 3 is no dead letter",
  },
  "dead-letters-unwritable": {
    kind: "dead-letters-unwritable",
    file: "dead_letters.jsonl",
    code: "ENOSPC",
  },
  "rejections-exceeded": {
    kind: "rejections-exceeded",
    index: "films",
    count: 1001,
    type: "document_parsing_exception",
    field: "rating",
  },
  "lock-lost": { kind: "lock-lost", code: "ETIMEDOUT" },
};

Deno.test("describeFailure() says of every kind what failed and each thing known of it", () => {
  for (const failure of Object.values(FAILURES)) {
    const text = describeFailure(failure);
    if (failure.kind !== "config-invalid") match(text, /^Cannot [a-z]+ /);
    for (const [name, value] of Object.entries(failure)) {
      if (name === "kind") continue;
      for (const told of [value].flat()) {
        ok(text.includes(String(told)), `${failure.kind}: ${name} in ${text}`);
      }
    }
  }
});

Deno.test("EtlError carries the failure, its words and its cause", () => {
  const failure = FAILURES["index-missing"];
  const cause = new Error("404");
  const error = new EtlError(failure, { cause });
  equal(error.failure, failure);
  equal(error.message, describeFailure(failure));
  equal(error.cause, cause);
  equal(error.name, "EtlError");
});

Deno.test("recovers() goes by the kind of an EtlError, and knows no other error", () => {
  for (const failure of Object.values(FAILURES)) {
    const error = new EtlError(failure);
    for (const recovery of Object.values(RECOVERY)) {
      equal(recovers(error, recovery), RECOVERY[failure.kind] === recovery);
    }
  }
  equal(recovers(new Error("unknown"), "retry"), false);
  equal(recovers({ failure: FAILURES["sink-busy"] }, "retry"), false);
});
