import type { ComponentChildren, JSX } from "preact";
import type {
  ServerReport,
  SlotReport,
  StatusReport,
} from "../status_report.ts";
import { Icon, SIGNS } from "./icon.tsx";
import type { Mood } from "./verdict.ts";
import {
  formatDuration,
  formatMoment,
  formatSize,
  secondsBetween,
} from "./words.ts";

const SERVER_STATES: Readonly<
  Record<ServerReport["state"], { mood: Mood; word: string }>
> = {
  unknown: { mood: "idle", word: "Not asked yet" },
  reached: { mood: "good", word: "Answers" },
  lost: { mood: "bad", word: "Does not answer" },
};

const ROLES: Readonly<
  Record<StatusReport["role"], { mood: Mood; word: string }>
> = {
  starting: { mood: "busy", word: "Is starting" },
  standby: { mood: "idle", word: "Waits as a standby" },
  writer: { mood: "good", word: "Writes" },
  stopping: { mood: "idle", word: "Is stopping" },
  none: { mood: "idle", word: "Does not run" },
};

/** Both servers and the agent between them, in the order in which documents go. */
export function ServerCards(
  { report, isLost }: { report: StatusReport; isLost: boolean },
): JSX.Element {
  const { servers, at, role, since, startedAt, version } = report;
  const { oldestTransactionSeconds, slot } = servers.postgresql;
  const { mood, word } = isLost
    ? { mood: "bad" as const, word: "Does not answer" }
    : ROLES[role];
  return (
    <section aria-labelledby="servers">
      <h2 id="servers" class="unseen">Servers</h2>
      <ul class="servers">
        <ServerCard name="PostgreSQL" server={servers.postgresql} at={at}>
          {oldestTransactionSeconds !== undefined && (
            <p>
              Oldest open transaction:{" "}
              {formatDuration(oldestTransactionSeconds)}
            </p>
          )}
          {slot !== undefined && <p>{tellSlot(slot)}</p>}
        </ServerCard>
        <Card
          name="pg2es"
          mood={mood}
          word={word}
          since={isLost ? undefined : since}
          at={at}
        >
          <p>
            Version {version}
            {startedAt !== undefined && (
              <>
                , up {formatDuration(Math.round(secondsBetween(startedAt, at)))}
              </>
            )}
          </p>
        </Card>
        <ServerCard
          name="Elasticsearch"
          server={servers.elasticsearch}
          at={at}
        />
      </ul>
    </section>
  );
}

function tellSlot({ name, keptBytes, maxBytes, lagBytes }: SlotReport): string {
  return `Log kept for the slot ${name}: ${formatSize(keptBytes)}, ${
    formatSize(maxBytes)
  } at most; ${formatSize(lagBytes)} not confirmed`;
}

function ServerCard(
  { name, server: { state, since, lastError }, at, children }: {
    name: string;
    server: ServerReport;
    at: string;
    children?: ComponentChildren;
  },
): JSX.Element {
  const { mood, word } = SERVER_STATES[state];
  const isOver = state === "reached" && lastError !== undefined;
  return (
    <Card name={name} mood={mood} word={word} since={since} at={at}>
      {children}
      {isOver && <p>Last failure at {formatMoment(lastError.lastAt, at)}</p>}
    </Card>
  );
}

function Card(
  { name, mood, word, since, at, children }: {
    name: string;
    mood: Mood;
    word: string;
    since: string | undefined;
    at: string;
    children?: ComponentChildren;
  },
): JSX.Element {
  return (
    <li class="card" data-mood={mood}>
      <header>
        <h3>{name}</h3>
        <p class="state">
          <Icon sign={SIGNS[mood]} /> {word}
        </p>
      </header>
      {since !== undefined && (
        <p>
          For {formatDuration(Math.round(secondsBetween(since, at)))}, since
          {" "}
          {formatMoment(since, at)}
        </p>
      )}
      {children}
    </li>
  );
}
