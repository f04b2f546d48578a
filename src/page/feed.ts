import type { StatusReport } from "../status_report.ts";
import type { Feed } from "./verdict.ts";

/** What the page shows is that old at most, where the agent answers. */
const PERIOD_MS = 2_000;
/** Far longer than an answer takes, and short enough to be told of in time. */
const LIMIT_MS = 5_000;

/**
 * Asks for the status again and again, and hands on what is known after each answer. While nobody sees the page it asks
 * for nothing; seen again, it asks at once.
 */
export function followStatus(onFeed: (feed: Feed) => void): void {
  let report: StatusReport | undefined;
  let answeredMs = Date.now();
  let timer: number | undefined;
  let isAsking = false;

  async function ask(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    const startedMs = Date.now();
    try {
      report = await fetchStatus();
      answeredMs = Date.now();
      onFeed({ report });
    } catch (error) {
      const seconds = (Date.now() - answeredMs) / 1_000;
      const loss = { reason: wordLoss(error), seconds };
      onFeed(report === undefined ? { loss } : { report, loss });
    }
    isAsking = false;
    schedule(Math.max(0, startedMs + PERIOD_MS - Date.now()));
  }
  function schedule(delayMs: number): void {
    clearTimeout(timer);
    if (document.visibilityState === "hidden") return;
    timer = setTimeout(ask, delayMs);
  }

  document.addEventListener("visibilitychange", () => schedule(0));
  schedule(0);
}

/** The agent answered something else. */
class AnswerError extends Error {}

async function fetchStatus(): Promise<StatusReport> {
  const response = await fetch("status", {
    cache: "no-store",
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  if (!response.ok) throw new AnswerError(`it answers ${response.status}`);
  const text = await response.text();
  const report = parseReport(text);
  if (report !== undefined) return report;
  throw new AnswerError("something else answers there");
}

/**
 * The report in an answer; none where the answer is something else, as of a proxy. Its fields are not looked at: it is of
 * the program that this page is a part of, and was made by the schema there.
 */
function parseReport(text: string): StatusReport | undefined {
  try {
    const report: StatusReport | null = JSON.parse(text);
    return typeof report?.version === "string" ? report : undefined;
  } catch {
    return undefined;
  }
}

function wordLoss(error: unknown): string {
  if (error instanceof AnswerError) return error.message;
  const isLate = error instanceof DOMException && error.name === "TimeoutError";
  return isLate
    ? `nothing comes within ${LIMIT_MS / 1_000} seconds`
    : "no connection can be made";
}
