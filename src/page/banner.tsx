import type { JSX } from "preact";
import { Icon, SIGNS } from "./icon.tsx";
import { Advice, Remedy } from "./problem_list.tsx";
import type { Verdict } from "./verdict.ts";
import { showInvisible } from "./words.ts";

/** Whether all is well; where it is not, what is wrong first, and what to do. `at` is the moment of the report. */
export function Banner(
  { verdict: { mood, headline, detail, advice, problem }, at }: {
    verdict: Verdict;
    at: string | undefined;
  },
): JSX.Element {
  return (
    <section class="banner" data-mood={mood} aria-labelledby="verdict">
      <Icon sign={SIGNS[mood]} />
      <div>
        {/* said again by a screen reader when it changes, and then only */}
        <h2 id="verdict">
          <span role="status">{showInvisible(headline)}</span>
        </h2>
        {problem !== undefined && at !== undefined && (
          <Remedy problem={problem} at={at} />
        )}
        {detail !== undefined && <p>{showInvisible(detail)}</p>}
        {advice !== undefined && <Advice text={advice} />}
      </div>
    </section>
  );
}
