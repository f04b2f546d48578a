import type {
  GenerationReport,
  IndexReport,
  StatusReport,
} from "../status_report.ts";
import type { Problem } from "./problems.ts";
import {
  countOf,
  formatCount,
  formatDuration,
  formatMoment,
  formatShare,
} from "./words.ts";

/** What is known of the agent by now. */
export interface Feed {
  /** Its last answer; none before the first. */
  readonly report?: StatusReport;
  /** There while it does not answer. */
  readonly loss?: Loss;
}

/** The agent does not answer, or not in a way that can be understood. */
export interface Loss {
  /** What comes in place of an answer, as the end of a sentence. */
  readonly reason: string;
  /** How long ago the last answer came, or the page was opened. */
  readonly seconds: number;
}

/** How it is, in a colour and a sign: `busy` gets there by itself, `idle` waits for somebody. */
export type Mood = "good" | "busy" | "idle" | "warn" | "bad";

/** Whether all is well, at a glance. */
export interface Verdict {
  readonly mood: Mood;
  readonly headline: string;
  readonly detail?: string;
  /** What a person does about it, where that is in no problem. */
  readonly advice?: string;
  /** What it is about, where it is about something that is not as it is to be. */
  readonly problem?: Problem;
}

/** The verdict on what is known of the agent, where these are its problems. */
export function judge(
  { report, loss }: Feed,
  problems: readonly Problem[],
): Verdict {
  if (loss !== undefined) return wordLoss(loss, report);
  if (report === undefined) {
    return { mood: "busy", headline: "Asking the agent" };
  }
  const [worst] = problems;
  if (worst?.severity === "bad") {
    return { mood: "bad", headline: worst.title, problem: worst };
  }
  return judgeRole(report) ?? judgeLoads(report.indexes) ??
    judgeRest(report, worst);
}

function wordLoss(
  { reason, seconds }: Loss,
  report: StatusReport | undefined,
): Verdict {
  const ago = `${formatDuration(Math.round(seconds))} ago`;
  const last = report === undefined
    ? `It has not answered since this page was opened, ${ago}`
    : `It answered last at ${formatMoment(report.at, report.at)} UTC, ${ago}`;
  return {
    mood: "bad",
    headline: "The agent does not answer",
    detail: `${last}. Now ${reason}.`,
    advice:
      "Look whether its process runs, and at the end of its log. This page goes on asking",
  };
}

function judgeRole({ role }: StatusReport): Verdict | undefined {
  switch (role) {
    case "standby":
      return {
        mood: "idle",
        headline: "Standby: another agent writes",
        detail:
          "This one takes over within seconds of the other's end. Nothing is to be done.",
      };
    case "starting":
      return { mood: "busy", headline: "The agent is starting" };
    case "stopping":
      return {
        mood: "idle",
        headline: "The agent is stopping",
        detail: "It finishes what is in flight, and saves where it is.",
      };
    case "none":
      return { mood: "idle", headline: "No agent writes" };
    case "writer":
      return undefined;
  }
}

function judgeLoads(indexes: readonly IndexReport[]): Verdict | undefined {
  const loading = indexes.filter(({ state }) => state === "loading");
  const [first] = loading;
  if (first === undefined) return undefined;
  const headline = loading.length === 1
    ? `Loading ${first.name}`
    : `Loading ${countOf(loading.length, "index", "indexes")}`;
  const detail = loading.length === 1 ? tellLoad(first) : undefined;
  return { mood: "busy", headline, ...(detail && { detail }) };
}

/** How far the load of an index is, in a sentence. */
export function tellLoad(
  { load }: { readonly load?: GenerationReport["load"] },
): string | undefined {
  if (load === undefined) return undefined;
  const { documents, total, share, leftSeconds } = load;
  if (total === undefined || share === undefined) {
    return `${countOf(documents, "document")} so far.`;
  }
  const left = leftSeconds === undefined
    ? ""
    : `, about ${formatDuration(Math.ceil(leftSeconds))} left`;
  return `${formatShare(share)} of about ${
    formatCount(total)
  } documents${left}.`;
}

function judgeRest(
  { indexes, readiness }: StatusReport,
  worst: Problem | undefined,
): Verdict {
  const detail = tellLag(indexes);
  if (worst !== undefined) {
    const mood = worst.severity === "warn" ? "warn" : "idle";
    return { mood, headline: worst.title, ...detail, problem: worst };
  }
  const [reason] = readiness.reasons;
  if (reason !== undefined) {
    return {
      mood: "busy",
      headline: "The agent is not ready yet",
      detail: `${reason}.`,
    };
  }
  return { mood: "good", headline: "All is well", ...detail };
}

/** What the lag of the indexes that are followed means. */
function tellLag(
  indexes: readonly IndexReport[],
): { detail: string } | undefined {
  const followed = indexes.filter(({ state }) => state === "following");
  const lags = followed.map(({ lagSeconds }) => lagSeconds)
    .filter((lag) => lag !== undefined);
  if (lags.length === 0 || lags.length < followed.length) return undefined;
  const where = followed.length === 1
    ? `in ${followed[0]?.name}`
    : `in all ${followed.length} followed indexes`;
  const lag = formatDuration(Math.max(1, Math.ceil(Math.max(...lags))));
  return {
    detail: `Whatever was committed more than ${lag} ago is ${where}.`,
  };
}
