import type { JSX } from "preact";
import { Icon, SIGNS } from "./icon.tsx";
import type { Problem } from "./problems.ts";
import type { Mood } from "./verdict.ts";
import {
  formatDuration,
  formatMoment,
  secondsBetween,
  showInvisible,
} from "./words.ts";

const MOODS: Readonly<Record<Problem["severity"], Mood>> = {
  bad: "bad",
  warn: "warn",
  info: "idle",
};

/** What else is not as it is to be, beside what the banner says. */
export function ProblemList(
  { problems, at }: { problems: readonly Problem[]; at: string },
): JSX.Element | null {
  if (problems.length === 0) return null;
  return (
    <section aria-labelledby="problems">
      <h2 id="problems">Also to look at</h2>
      <ul class="problems">
        {problems.map((problem) => {
          const mood = MOODS[problem.severity];
          return (
            <li key={problem.title} class="problem" data-mood={mood}>
              <Icon sign={SIGNS[mood]} />
              <div>
                <h3>{showInvisible(problem.title)}</h3>
                <Remedy problem={problem} at={at} />
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Since when a problem is there, what was told of it, and what a person does about it. */
export function Remedy(
  { problem: { detail, advice, command, since }, at }: {
    problem: Problem;
    at: string;
  },
): JSX.Element {
  return (
    <>
      {since !== undefined && (
        <p class="quiet">
          Since {formatMoment(since, at)}, for{" "}
          {formatDuration(Math.round(secondsBetween(since, at)))}
        </p>
      )}
      {detail !== undefined && <p>{showInvisible(detail)}</p>}
      {advice !== undefined && <Advice text={advice} />}
      {command !== undefined && (
        <p>
          <code>{showInvisible(command)}</code>
        </p>
      )}
    </>
  );
}

/** What a person does about it. */
export function Advice({ text }: { text: string }): JSX.Element {
  return (
    <p>
      <strong>What to do:</strong> {showInvisible(text)}
    </p>
  );
}
