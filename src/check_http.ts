import { type Observation, warn } from "./check_finding.ts";
import type { Config } from "./config.ts";

/**
 * What is wrong with how health is told: a call that may take longer than nothing may move looks like an agent that stands
 * still.
 */
export function checkHttp(
  { http, postgres, elasticsearch }: Config,
): readonly Observation[] {
  if (http === undefined) return [];
  const timeouts = {
    "postgres.statement_timeout": postgres.statementTimeoutMs,
    "elasticsearch.request_timeout": elasticsearch.requestTimeoutMs,
  };
  const longer = Object.entries(timeouts)
    .filter(([, ms]) => ms >= http.stalledAfterMs)
    .map(([key]) => key);
  if (longer.length === 0) return [];
  return [
    warn(
      `it is not longer than ${longer.join(" and ")}: a slow call looks ` +
        "like an agent that stands still",
      "Write more than twice as long, or delete the key",
    ),
  ];
}
