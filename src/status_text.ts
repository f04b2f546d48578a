import { escapeUnsafe } from "./log_line.ts";
import { formatSeconds } from "./progress.ts";
import type {
  ErrorReport,
  IndexReport,
  LoadReport,
  ServerReport,
  SlotReport,
  StatusReport,
} from "./status_report.ts";

/** How a text is made to stand out; it stays as it is where there are no colours. */
export type Paint = (text: string, tone: "good" | "warn" | "bad") => string;

/** Leaves texts as they are. */
export function leavePlain(text: string): string {
  return text;
}

const CODES = { good: "\x1b[32m", warn: "\x1b[33m", bad: "\x1b[31m" };

/** Paints for a terminal. */
export function paintColours(text: string, tone: keyof typeof CODES): string {
  return `${CODES[tone]}${text}\x1b[0m`;
}

const STATE_TONES = {
  waiting: "warn",
  loading: "good",
  following: "good",
  paused: "warn",
  failed: "bad",
} as const satisfies Record<IndexReport["state"], string>;

/** The status as lines for people. */
export function formatStatus(
  report: StatusReport,
  paint: Paint = leavePlain,
): readonly string[] {
  const { version, role, since, from, servers, indexes } = report;
  const known = from === "agent"
    ? `pg2es ${version}, ${role}${formatSince(since)}`
    : `pg2es ${version}, told by the state file and the servers; ` +
      (role === "none" ? "no agent is seen to write" : "an agent writes");
  return [
    known,
    ...formatVerdict("health", report, paint),
    ...formatVerdict("readiness", report, paint),
    ...formatServer("PostgreSQL", servers.postgresql, paint),
    ...formatSlot(servers.postgresql.slot, paint),
    ...formatServer("Elasticsearch", servers.elasticsearch, paint),
    ...indexes.flatMap((index) => ["", ...formatIndex(index, report, paint)]),
  ];
}

function formatVerdict(
  which: "health" | "readiness",
  report: StatusReport,
  paint: Paint,
): string[] {
  const { ok, reasons } = report[which];
  const good = which === "health" ? "healthy" : "ready";
  if (ok) return [paint(good, "good")];
  return [
    paint(`not ${good}`, "bad"),
    ...reasons.map((reason) => `  ${escapeUnsafe(reason)}`),
  ];
}

function formatSlot(slot: SlotReport | undefined, paint: Paint): string[] {
  if (slot === undefined) return [];
  const { name, keptBytes, lagBytes, maxBytes } = slot;
  const kept = `${formatBytes(keptBytes)} of ${formatBytes(maxBytes)} kept`;
  const isMuch = keptBytes > WARNING_SHARE * maxBytes;
  return [
    `  slot ${name}: ${isMuch ? paint(kept, "warn") : kept}, ` +
    `${formatBytes(lagBytes)} not confirmed`,
  ];
}

/** As the agent itself warns. */
const WARNING_SHARE = 0.8;

/**
 * A size for people.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { formatBytes } from "./status_text.ts";
 * deepEqual([900, 16_777_216, 1e9].map(formatBytes), ["900 B", "16.8 MB", "1.0 GB"]);
 * ```
 */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(
    Math.floor(Math.log10(Math.max(bytes, 1)) / 3),
    units.length - 1,
  );
  const size = bytes / 1000 ** power;
  return `${power === 0 ? size : size.toFixed(1)} ${units[power]}`;
}

function formatServer(
  name: string,
  { state, since, lastError }: ServerReport,
  paint: Paint,
): string[] {
  const tone = state === "reached" ? "good" : "bad";
  const line = `${name}: ${paint(state, tone)}${formatSince(since)}`;
  const isCurrent = state === "lost" && lastError !== undefined;
  return [line, ...(isCurrent ? formatError(lastError) : [])];
}

function formatIndex(
  index: IndexReport,
  { from }: StatusReport,
  paint: Paint,
): string[] {
  const { name, physicalIndex, state, reason, pausedSince, lagSeconds } = index;
  const { load, lastPass, deadLetters, errors, generations = [] } = index;
  const title = physicalIndex === undefined || physicalIndex === name
    ? name
    : `${name} (${physicalIndex})`;
  const why = reason === undefined ? "" : `: ${escapeUnsafe(reason)}`;
  const lines = [
    `${title}: ${paint(state, STATE_TONES[state])}${
      formatSince(pausedSince)
    }${why}`,
    ...(lagSeconds === undefined ? [] : [`  lag ${formatLag(lagSeconds)}`]),
    ...formatWay(index, paint),
  ];
  if (from === "agent") {
    const { written, superseded, rejected } = index.documents;
    lines.push(
      `  documents ${written} written, ${superseded} superseded, ` +
        `${rejected} rejected; ${index.perSecond}/s over the last minute`,
    );
  }
  if (load !== undefined) lines.push(`  load ${formatLoad(load)}`);
  if (lastPass !== undefined) {
    const { kind, written, superseded, rejected, seconds, startedAt } =
      lastPass;
    const end = lastPass.finished ? "" : ", not to its end";
    lines.push(
      `  last pass ${kind} at ${startedAt}: ${written} written, ` +
        `${superseded} superseded, ${rejected} rejected in ${seconds} s${end}`,
    );
  }
  for (const table of index.tables) {
    const lag = table.lagSeconds === undefined
      ? ""
      : `, lag ${formatLag(table.lagSeconds)}`;
    lines.push(`  table ${table.name} up to ${table.watermark ?? "?"}${lag}`);
  }
  if (deadLetters.count > 0) {
    lines.push(paint(`  dead letters ${deadLetters.count}`, "warn"));
    for (const { id, type, field, at, document } of deadLetters.newest) {
      const of = field === undefined ? "" : ` in field ${field}`;
      lines.push(escapeUnsafe(`    ${id}: ${type}${of} at ${at}`));
      if (document !== undefined) lines.push(`      ${escapeUnsafe(document)}`);
    }
  }
  for (const error of errors) {
    lines.push(...formatError(error).map((line) => `  ${line}`));
  }
  for (const generation of generations) {
    const { name, role, since, load } = generation;
    const how = load === undefined ? "" : `, ${formatLoad(load)}`;
    lines.push(`  also ${name}: ${role}${formatSince(since)}${how}`);
  }
  return lines;
}

function formatWay({ follow }: IndexReport, paint: Paint): string[] {
  if (follow === undefined) return [];
  const { way, reason } = follow;
  if (way === "wal") return ["  changes come by PostgreSQL's log"];
  const why = reason === undefined ? "" : `: ${escapeUnsafe(reason)}`;
  return [paint(`  changes are looked for by polling for now${why}`, "warn")];
}

function formatError(
  { message, advice, count, lastAt }: ErrorReport,
): string[] {
  const times = count === 1 ? "" : `, ${count} times`;
  const what = escapeUnsafe(message);
  return [`  ${what} (at ${lastAt}${times})`, `    ${advice}`];
}

function formatSince(since: string | undefined): string {
  return since === undefined ? "" : ` since ${since}`;
}

/**
 * A lag for people: below a minute with one digit behind the point.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { formatLag } from "./status_text.ts";
 * deepEqual([0.04, 7.25, 65].map(formatLag), ["0.0s", "7.3s", "1m05s"]);
 * ```
 */
export function formatLag(seconds: number): string {
  return seconds < 60 ? `${seconds.toFixed(1)}s` : formatSeconds(seconds);
}

function formatLoad(
  { documents, total, share, perSecond, leftSeconds }: Omit<
    LoadReport,
    "startedAt"
  >,
): string {
  const about = total === undefined ? "" : ` of about ${total}`;
  const percent = share === undefined ? "" : ` (${Math.floor(share * 100)}%)`;
  const left = leftSeconds === undefined
    ? ""
    : `, ${formatSeconds(leftSeconds)} left`;
  return `${documents}${about}${percent}, ${perSecond}/s${left}`;
}
