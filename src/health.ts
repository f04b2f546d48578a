import type { AgentRecord } from "./agent_record.ts";
import type { Verdict } from "./status_report.ts";

/**
 * Whether the agent moves where it should; what a restart may mend.
 *
 * It does while it gets answers, of whatever kind, and while it waits for what a restart would not bring: a pause, the writer
 * lock, the next pass, a server that is away and is tried again.
 */
export function judgeHealth(
  { role, watch, indexes }: Pick<AgentRecord, "role" | "watch" | "indexes">,
): Verdict {
  const reasons: string[] = [];
  const waitedMs = watch.stalledMs();
  if (waitedMs !== undefined) {
    const what = role === "standby"
      ? "waits for the writer lock"
      : "is starting";
    reasons.push(
      `the agent ${what}, and no server has answered for ${formatMs(waitedMs)}`,
    );
  }
  for (const { name, watch, passKind } of indexes) {
    const stalledMs = watch.stalledMs();
    if (stalledMs === undefined) continue;
    const where = passKind === undefined
      ? "between two passes"
      : `in a pass (${passKind})`;
    reasons.push(
      `index ${name}: nothing has moved ${where} for ${formatMs(stalledMs)}`,
    );
  }
  return { ok: reasons.length === 0, reasons };
}

/**
 * Whether both servers answered when they were asked last, and every index is loaded. Of a standby the servers alone count:
 * it is ready to take over.
 */
export function judgeReadiness(
  { role, servers, indexes }: Pick<
    AgentRecord,
    "role" | "servers" | "indexes"
  >,
): Verdict {
  const reasons: string[] = [];
  for (const [server, { state, errors }] of Object.entries(servers)) {
    if (state === "reached") continue;
    const [error] = errors.list();
    reasons.push(
      state === "lost" && error !== undefined
        ? error.message
        : `${server} has not answered yet`,
    );
  }
  if (role === "starting" || role === "stopping") {
    reasons.push(`the agent is ${role}`);
  }
  if (role === "writer") {
    for (const { name, endedBy, position, caughtUpTo } of indexes) {
      if (endedBy !== undefined) {
        reasons.push(`index ${name} has failed: ${endedBy}`);
      } else if (position?.load !== undefined || caughtUpTo === undefined) {
        reasons.push(`index ${name} is not loaded yet`);
      }
    }
  }
  return { ok: reasons.length === 0, reasons };
}

function formatMs(ms: number): string {
  return `${Math.floor(ms / 1000)} s`;
}
