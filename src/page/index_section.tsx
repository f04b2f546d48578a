import type { JSX } from "preact";
import type { IndexReport, PassReport } from "../status_report.ts";
import { Chart } from "./chart.tsx";
import { Id } from "./id.tsx";
import { Icon, type Sign } from "./icon.tsx";
import {
  DeadLetterTable,
  ErrorTable,
  GenerationTable,
  WatchedTables,
} from "./index_tables.tsx";
import { roundUp, roundUpSeconds } from "./plot.ts";
import { type Mood, tellLoad } from "./verdict.ts";
import {
  formatCount,
  formatDuration,
  formatMoment,
  formatRate,
  showInvisible,
} from "./words.ts";

/** What each state of an index is called. */
export const INDEX_STATES: Readonly<
  Record<IndexReport["state"], { mood: Mood; sign: Sign; word: string }>
> = {
  waiting: { mood: "idle", sign: "clock", word: "Waits" },
  loading: { mood: "busy", sign: "load", word: "Loads" },
  following: { mood: "good", sign: "check", word: "Follows" },
  paused: { mood: "idle", sign: "pause", word: "Paused" },
  failed: { mood: "bad", sign: "cross", word: "Failed" },
};

/** All that is known of one index; `id` is its anchor. */
export function IndexSection(
  { index, id, at }: { index: IndexReport; id: string; at: string },
): JSX.Element {
  const { name, physicalIndex, state, reason, history, lastPass } = index;
  const { mood, sign, word } = INDEX_STATES[state];
  const { periodSeconds, endedAt } = history;
  const charted = { periodSeconds, endedAt };
  return (
    <section class="index" id={id} aria-labelledby={`${id}-name`}>
      <header>
        <h3 id={`${id}-name`}>
          <bdi>{showInvisible(name)}</bdi>
        </h3>
        <p class="state" data-mood={mood}>
          <Icon sign={sign} /> {word}
        </p>
        {physicalIndex !== undefined && physicalIndex !== name && (
          <p class="quiet">
            as <Id text={physicalIndex} />
          </p>
        )}
      </header>
      {reason !== undefined && <p>{showInvisible(reason)}</p>}
      <LoadProgress index={index} at={at} />
      <Figures index={index} />
      <div class="charts">
        <Chart
          {...charted}
          title="Documents a second"
          values={history.perSecond}
          leastTop={1}
          format={formatRate}
          roundUp={roundUp}
        />
        <Chart
          {...charted}
          title="Lag"
          values={history.lagSeconds}
          leastTop={1}
          format={formatDuration}
          roundUp={roundUpSeconds}
        />
      </div>
      <DeadLetterTable deadLetters={index.deadLetters} at={at} />
      <ErrorTable errors={index.errors} at={at} />
      <GenerationTable generations={index.generations} at={at} />
      {lastPass !== undefined && (
        <>
          <h4>Last pass</h4>
          <p>{tellPass(lastPass, at)}</p>
        </>
      )}
      <WatchedTables tables={index.tables} at={at} />
    </section>
  );
}

function LoadProgress(
  { index, at }: { index: IndexReport; at: string },
): JSX.Element | null {
  const { load, name } = index;
  if (load === undefined) return null;
  const { documents, share, perSecond, startedAt } = load;
  return (
    <div class="load">
      <progress
        aria-label={`Full load of ${name}`}
        {...(share === undefined ? {} : { value: share })}
      />
      <p>
        Full load: {tellLoad(index)}{" "}
        <span class="quiet">
          {formatCount(documents)} done since {formatMoment(startedAt, at)},
          {" "}
          {formatRate(perSecond)}
        </span>
      </p>
    </div>
  );
}

/** The figures that are looked at first. */
function Figures({ index }: { index: IndexReport }): JSX.Element {
  const { lagSeconds, perSecond, documents, deadLetters, follow } = index;
  const { written, superseded } = documents;
  return (
    <dl class="figures">
      <Figure
        name="Lag"
        value={lagSeconds === undefined
          ? "not known"
          : formatDuration(lagSeconds)}
      />
      {follow !== undefined && (
        <Figure
          name="Changes come"
          value={follow.way === "wal" ? "by the log" : "by polling"}
          isWarning={follow.way === "polling"}
        />
      )}
      <Figure name="Rate, last minute" value={formatRate(perSecond)} />
      <Figure name="Written" value={formatCount(written)} />
      <Figure name="Superseded" value={formatCount(superseded)} />
      <Figure
        name="Dead letters"
        value={formatCount(deadLetters.count)}
        isWarning={deadLetters.count > 0}
      />
    </dl>
  );
}

function Figure(
  { name, value, isWarning = false }: {
    name: string;
    value: string;
    isWarning?: boolean;
  },
): JSX.Element {
  return (
    <div class={isWarning ? "figure warning" : "figure"}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function tellPass(
  { kind, startedAt, seconds, written, superseded, rejected, finished }:
    PassReport,
  at: string,
): string {
  const what = kind === "load" ? "A full load" : "Changes";
  const end = finished ? "" : ", cut short";
  return `${what} at ${formatMoment(startedAt, at)}, in ${
    formatDuration(seconds)
  }${end}: ${formatCount(written)} written, ${
    formatCount(superseded)
  } superseded, ${formatCount(rejected)} refused.`;
}
