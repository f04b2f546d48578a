import type { HttpConfig } from "./config_http.ts";
import { fetchStatus } from "./status_client.ts";
import type { IndexReport } from "./status_report.ts";
import type { Testimony, Witness } from "./witness.ts";

/**
 * Calls the running agent, where it writes and tells by HTTP.
 *
 * Passes are numbered. One with a higher number than any that had begun by the call began to look after it, so it saw all that
 * was committed before; once it has come to its end, all of that is settled. No clock is needed.
 */
export async function callAgent(
  http: HttpConfig,
): Promise<Witness | undefined> {
  const called = await fetchStatus(http);
  if (called?.role !== "writer") return undefined;
  const { startedAt } = called;
  const started = new Map(
    called.indexes.map(({ name, passes }) => [name, passes.started]),
  );
  return {
    async testify(names) {
      const now = await fetchStatus(http);
      // another one counts anew
      if (now?.role !== "writer" || now.startedAt !== startedAt) {
        return undefined;
      }
      const reports = new Map(now.indexes.map((index) => [index.name, index]));
      return new Map(
        names.map((name) =>
          [name, judge(reports.get(name), started.get(name))] as const
        ),
      );
    },
  };
}

function judge(
  report: IndexReport | undefined,
  startedCount: number | undefined,
): Testimony {
  if (report === undefined || startedCount === undefined) {
    return { reason: "the agent does not follow it" };
  }
  const { passes, physicalIndex: name, physicalUuid: uuid } = report;
  if (
    passes.caughtUp > startedCount && name !== undefined && uuid !== undefined
  ) {
    return { index: { name, uuid } };
  }
  const { state, reason, pausedSince } = report;
  if (pausedSince !== undefined) {
    return { reason: `it is paused since ${pausedSince}` };
  }
  const why = reason === undefined ? "" : `: ${reason}`;
  return {
    reason: `no pass that began since the call has ended, it is ${state}${why}`,
  };
}
