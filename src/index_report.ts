import type { AgentRecord } from "./agent_record.ts";
import { type DatabaseClock, isoOf, secondsOf } from "./database_clock.ts";
import type { DeadLetterSummary } from "./dead_letter_view.ts";
import { describeFailure } from "./failure.ts";
import type { IndexRecord } from "./index_record.ts";
import { entryOf } from "./position.ts";
import { measureLoad } from "./progress.ts";
import { round } from "./rate_history.ts";
import type { IndexReport, LoadReport, TableReport } from "./status_report.ts";
import type { WayNotice } from "./telemetry.ts";

/** What is told of an index. */
export function reportIndex(
  index: IndexRecord,
  { record, deadLetters, redact }: {
    record: AgentRecord;
    deadLetters: DeadLetterSummary;
    redact: (text: string) => string;
  },
): IndexReport {
  const { name, position, counts, lastPass, pausedSince } = index;
  const { state, reason } = stateOf(index, record);
  const lagSeconds = index.lagSeconds();
  const load = reportLoad(index);
  return {
    name,
    ...(position === undefined ? {} : {
      physicalIndex: position.index.name,
      physicalUuid: position.index.uuid,
    }),
    state,
    ...(reason === undefined ? {} : { reason: redact(reason) }),
    ...(pausedSince === undefined ? {} : { pausedSince }),
    documents: { ...counts },
    perSecond: index.history.perSecond(
      counts.written + counts.superseded + counts.rejected,
    ),
    ...(lagSeconds === undefined ? {} : { lagSeconds: round(lagSeconds) }),
    ...(load === undefined ? {} : { load }),
    passes: { started: index.startedCount, caughtUp: index.caughtUpCount },
    ...(lastPass === undefined
      ? {}
      : { lastPass: { ...lastPass, seconds: round(lastPass.seconds) } }),
    tables: reportTables(index, record.clock),
    ...(index.way === undefined
      ? {}
      : { follow: reportWay(index.way, redact) }),
    errors: index.errors.list(),
    deadLetters: {
      count: deadLetters.count,
      newest: [...deadLetters.newest],
    },
    history: index.history.report(),
    generations: [...index.beside],
  };
}

function reportWay(
  { way, reason }: WayNotice,
  redact: (text: string) => string,
): NonNullable<IndexReport["follow"]> {
  return reason === undefined ? { way } : { way, reason: redact(reason) };
}

/** What an index does now, and why where it waits or has failed. */
export function stateOf(
  { endedBy, pausedSince, passKind, faults, lastPass, position }: IndexRecord,
  { role, servers }: AgentRecord,
): { state: IndexReport["state"]; reason?: string } {
  if (endedBy !== undefined) return { state: "failed", reason: endedBy };
  if (role === "standby") {
    return { state: "waiting", reason: "another agent writes" };
  }
  if (pausedSince !== undefined) return { state: "paused" };
  for (const [server, { state, errors }] of Object.entries(servers)) {
    if (state !== "lost") continue;
    const [error] = errors.list();
    const reason = error?.message ?? `${server} is lost`;
    return { state: "waiting", reason };
  }
  const [fault] = faults.values();
  if (fault !== undefined) {
    return { state: "waiting", reason: describeFailure(fault) };
  }
  if (passKind === "load") return { state: "loading" };
  if (passKind === "follow") return { state: "following" };
  if (lastPass === undefined) {
    return { state: "waiting", reason: "it has not begun yet" };
  }
  return { state: position?.load === undefined ? "following" : "loading" };
}

/** How far a load is, where one is under way. */
export function reportLoad(
  { load }: Pick<IndexRecord, "load">,
): LoadReport | undefined {
  if (load === undefined) return undefined;
  const { startedAt, startedMs, documentCount, totalCount } = load;
  const tookMs = performance.now() - startedMs;
  return {
    startedAt,
    ...measureLoad({ documents: documentCount, total: totalCount, tookMs }),
  };
}

/** Up to where each watched table is in the index; nothing during a load. */
export function reportTables(
  { position, caughtUpTo, covers }: Pick<
    IndexRecord,
    "position" | "caughtUpTo" | "covers"
  >,
  clock: DatabaseClock,
): TableReport[] {
  if (position === undefined || position.load !== undefined) return [];
  const { seen, high, scan } = position;
  const names = new Set(
    [...Object.keys(seen), ...Object.keys(scan?.tables ?? {})],
  );
  return [...names].map((name) => {
    const number = entryOf(high, name);
    if (number !== undefined) return { name, watermark: number };
    const table = entryOf(scan?.tables, name);
    const reached = table?.done ? covers : table?.after?.[0];
    const time = later(caughtUpTo, reached);
    const watermark = time === undefined ? undefined : isoOf(time);
    const lagSeconds = time === undefined ? undefined : clock.ageSeconds(time);
    return {
      name,
      ...(watermark === undefined ? {} : { watermark }),
      ...(lagSeconds === undefined ? {} : { lagSeconds: round(lagSeconds) }),
    };
  });
}

/** The later one of two times, either of which may be none, or no time. */
function later(
  one: string | undefined,
  other: string | undefined,
): string | undefined {
  const oneSeconds = one === undefined ? undefined : secondsOf(one);
  const otherSeconds = other === undefined ? undefined : secondsOf(other);
  if (oneSeconds === undefined) {
    return otherSeconds === undefined ? undefined : other;
  }
  if (otherSeconds === undefined) return one;
  return otherSeconds > oneSeconds ? other : one;
}
