import type {
  ErrorReport,
  IndexReport,
  ServerReport,
  SlotReport,
  StatusReport,
} from "../status_report.ts";
import { countOf, formatSize } from "./words.ts";

/** Something that somebody should know; `bad` holds up documents, `warn` does not. */
export interface Problem {
  readonly severity: "bad" | "warn" | "info";
  readonly title: string;
  /** What was told of it. */
  readonly detail?: string;
  /** What a person does about it. */
  readonly advice?: string;
  /** What a person may run. */
  readonly command?: string;
  /** A moment of ISO 8601. */
  readonly since?: string;
}

/** An open transaction of that age is told of in the log as well. */
const LONG_TRANSACTION_SECONDS = 300;

/** Of what the slot may keep: the log warns as well. */
const MUCH_KEPT_SHARE = 0.8;

/** As the alert on `pg2es_index_lag_seconds`. */
const LARGE_LAG_SECONDS = 60;

/** What is not as it is to be, the worst first. */
export function findProblems(report: StatusReport): Problem[] {
  const { servers, indexes, health } = report;
  const problems = [
    ...findServerProblems("PostgreSQL", servers.postgresql),
    ...findServerProblems("Elasticsearch", servers.elasticsearch),
    ...indexes.flatMap(findIndexProblems),
    ...findTransactionProblems(servers.postgresql.oldestTransactionSeconds),
    ...findSlotProblems(servers.postgresql.slot),
  ];
  // what the agent says of itself, where nothing above says it better
  if (!health.ok && !problems.some(({ severity }) => severity === "bad")) {
    problems.push(...health.reasons.map((title): Problem => ({
      severity: "bad",
      title,
      advice: "Restart the agent: it goes on where it was. Its log says more",
    })));
  }
  return problems.toSorted((a, b) => rank(a) - rank(b));
}

function rank({ severity }: Problem): number {
  return ["bad", "warn", "info"].indexOf(severity);
}

function findServerProblems(
  name: string,
  { state, since, lastError }: ServerReport,
): Problem[] {
  if (state !== "lost") return [];
  const isRefused = lastError?.kind === "server-refused";
  const told = lastError && { detail: lastError.message };
  return [{
    severity: "bad",
    title: isRefused ? `${name} refuses the agent` : `${name} does not answer`,
    ...told,
    advice: lastError?.advice ??
      "Start the server, or mend the network; the agent goes on by itself",
    since,
  }];
}

function findTransactionProblems(seconds = 0): Problem[] {
  if (seconds < LONG_TRANSACTION_SECONDS) return [];
  return [{
    severity: "warn",
    title: "A transaction in PostgreSQL stays open",
    detail: "What it changes is found when it ends; nothing is lost.",
    advice:
      "Look at pg_stat_activity, and end the transaction where nobody needs it",
  }];
}

function findSlotProblems(slot: SlotReport | undefined): Problem[] {
  if (slot === undefined) return [];
  const { name, keptBytes, maxBytes } = slot;
  if (keptBytes <= MUCH_KEPT_SHARE * maxBytes) return [];
  return [{
    severity: "warn",
    title: "PostgreSQL keeps much of its log for the agent",
    detail: `${formatSize(keptBytes)} for the slot ${name}. At ${
      formatSize(maxBytes)
    } the agent drops it, polls, and compares everything; nothing is lost.`,
    advice:
      "Look at what is slow or held up: Elasticsearch, or a transaction that stays open",
  }];
}

function findIndexProblems(index: IndexReport): Problem[] {
  const { name, state, pausedSince, deadLetters, lagSeconds = 0, follow } =
    index;
  const problems: Problem[] = [];
  if (state === "failed" || state === "waiting") {
    problems.push(...findHindrance(index, state));
  }
  if (state === "following" && lagSeconds > LARGE_LAG_SECONDS) {
    problems.push({
      severity: "warn",
      title: `${name} is behind`,
      detail: "Changes wait for others that are on their way.",
      advice:
        "Nothing while its lag falls, as after an outage; else look at what is slow: both servers, and the query of a document. " +
        "With a fetch_delay of a minute and more it is as it is to be",
    });
  }
  if (follow?.way === "polling" && state === "following") {
    const { reason } = follow;
    problems.push({
      severity: "warn",
      title: `${name} is followed by polling for now`,
      detail: reason === undefined
        ? "Changes come later than by the log; nothing is lost."
        : reason,
      advice:
        "Nothing, where it passes: the agent joins the log by itself as soon as it can. Else `pg2es check` says what to set",
    });
  }
  if (deadLetters.count > 0) {
    problems.push(wordLetters(deadLetters.count, name));
  }
  if (state === "paused") {
    problems.push({
      severity: "info",
      title: `${name} is paused`,
      detail: "It stays as it is until it is resumed.",
      command: `pg2es resume --index ${quoteWord(name)}`,
      ...(pausedSince === undefined ? {} : { since: pausedSince }),
    });
  }
  return problems;
}

/** What an index waits for, or has failed by, where that is an error of its own: a lost server is told of by itself. */
function findHindrance(
  { name, reason, errors }: IndexReport,
  state: "failed" | "waiting",
): Problem[] {
  const error = errors.find(({ message }) => message === reason);
  if (state === "failed") {
    return [{
      severity: "bad",
      title: `${name} has failed, and the agent ends`,
      ...(reason === undefined ? {} : { detail: reason }),
      advice: error?.advice ?? "Look at the last lines of the agent's log",
    }];
  }
  if (error === undefined || isOfServer(error)) return [];
  const { kind, message, advice, firstAt } = error;
  // the agent gives way by itself
  const isBusy = kind === "sink-busy";
  return [{
    severity: isBusy ? "warn" : "bad",
    title: isBusy ? `${name} is held up` : `${name} stands still`,
    detail: message,
    advice,
    since: firstAt,
  }];
}

function isOfServer({ kind }: ErrorReport): boolean {
  return kind === "server-unavailable" || kind === "server-refused";
}

function wordLetters(count: number, name: string): Problem {
  return {
    severity: "warn",
    title: `${countOf(count, "document")} of ${name} ${
      count === 1 ? "is" : "are"
    } refused`,
    detail: "They are dead letters: all other documents go on.",
    advice: "Mend the mapping, the query or the rows, then take them up again",
    command: `pg2es replay --index ${quoteWord(name)}`,
  };
}

/**
 * A word of a command line as a shell takes it.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { quoteWord } from "./problems.ts";
 * deepEqual(["movies-2", "a'b;"].map(quoteWord), ["movies-2", "'a'\\''b;'"]);
 * ```
 */
export function quoteWord(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
