import type { BulkItem } from "./elasticsearch.ts";
import type { Failure } from "./failure.ts";

/** What is to be done about one operation. */
export type Verdict =
  | "written"
  | "superseded"
  | {
    readonly refused: {
      readonly type: string;
      readonly field?: string;
      readonly reason?: string;
    };
  }
  | { readonly again: Failure };

/**
 * What an item's answer means, by the type of its error and not by its status alone.
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { judgeItem } from "./item_verdict.ts";
 * equal(judgeItem({ status: 201 }, "movies"), "written");
 * equal(judgeItem({ status: 404 }, "movies"), "written"); // a delete of what is not there
 * equal(judgeItem({ status: 409, error: { type: "version_conflict_engine_exception" } }, "movies"), "superseded");
 * deepEqual(
 *   judgeItem({ status: 400, error: { type: "document_parsing_exception", reason: "failed to parse field [rating]" } }, "movies"),
 *   { refused: { type: "document_parsing_exception", field: "rating", reason: "failed to parse field [rating]" } },
 * );
 * ```
 */
export function judgeItem({ status, error }: BulkItem, index: string): Verdict {
  if (error === undefined) {
    if (status < 300 || status === 404) return "written";
    return {
      again: {
        kind: "server-unavailable",
        server: "Elasticsearch",
        code: String(status),
      },
    };
  }
  const { type } = error;
  switch (type) {
    case "version_conflict_engine_exception":
      return "superseded";
    case "index_not_found_exception":
      return { again: { kind: "index-missing", index } };
    case "index_closed_exception":
    case "cluster_block_exception":
      return { again: { kind: "index-blocked", index, type } };
    case "es_rejected_execution_exception":
    case "rejected_execution_exception":
    case "circuit_breaking_exception":
      return { again: { kind: "sink-busy", index, type } };
  }
  // not the document's fault, and it would be that of every one
  if (/^pipeline with id \[.*\] does not exist/.test(error.reason ?? "")) {
    return {
      again: { kind: "index-blocked", index, type: "pipeline_missing" },
    };
  }
  if (status === 429) return { again: { kind: "sink-busy", index, type } };
  if (status >= 500) {
    return {
      again: {
        kind: "server-unavailable",
        server: "Elasticsearch",
        code: type,
      },
    };
  }
  const field = fieldOf(error);
  const reason = reasonOf(error);
  return {
    refused: {
      type,
      ...(field === undefined ? {} : { field }),
      ...(reason === "" ? {} : { reason }),
    },
  };
}

/** Why operations have to be sent again. */
export function* failuresIn(
  items: readonly BulkItem[],
  index: string,
): Generator<Failure> {
  for (const item of items) {
    if (item.status < 300) continue; // most are
    const verdict = judgeItem(item, index);
    if (typeof verdict === "object" && "again" in verdict) yield verdict.again;
  }
}

/** The field that an error is about: the first name in brackets behind one of the words that Elasticsearch uses for it. */
function fieldOf(
  { reason, caused_by: cause }: NonNullable<BulkItem["error"]>,
): string | undefined {
  const text = `${reason ?? ""} ${cause?.reason ?? ""}`;
  return /\b(?:field|fields|introduction of|object mapping for) \[([^\]]+)\]/
    .exec(text)?.[1];
}

function reasonOf(
  { reason, caused_by: cause }: NonNullable<BulkItem["error"]>,
): string {
  return [reason, cause?.reason].filter((text) => text).join(": ");
}
