import type { JSX } from "preact";
import type { StatusReport } from "../status_report.ts";
import { Banner } from "./banner.tsx";
import { IndexSection } from "./index_section.tsx";
import { Overview } from "./overview.tsx";
import { ProblemList } from "./problem_list.tsx";
import type { Problem } from "./problems.ts";
import { ServerCards } from "./server_cards.tsx";
import type { Feed, Verdict } from "./verdict.ts";
import { formatMoment } from "./words.ts";

/** The whole page, for what is known of the agent by now. */
export function App(
  { feed: { report, loss }, verdict, problems }: {
    feed: Feed;
    verdict: Verdict;
    problems: readonly Problem[];
  },
): JSX.Element {
  const isLost = loss !== undefined;
  return (
    <>
      <header class="top">
        <h1>pg2es</h1>
        {report !== undefined && (
          <p class="quiet">
            {isLost ? "As it was at" : "As of"}{" "}
            <time datetime={report.at}>
              {formatMoment(report.at, report.at)} UTC
            </time>
          </p>
        )}
      </header>
      <main>
        <Banner verdict={verdict} at={report?.at} />
        {report !== undefined && (
          <div class={isLost ? "report stale" : "report"}>
            <ProblemList
              problems={problems.filter((one) =>
                one !== verdict.problem
              )}
              at={report.at}
            />
            <ServerCards report={report} isLost={isLost} />
            <Indexes report={report} />
          </div>
        )}
      </main>
      <footer>
        <p>
          All times are UTC, by the agent's clock. This page asks the agent
          every two seconds, and changes nothing. What it asks for:{" "}
          <a href="status">status</a>. For Prometheus:{" "}
          <a href="metrics">metrics</a>.
        </p>
      </footer>
    </>
  );
}

function Indexes({ report }: { report: StatusReport }): JSX.Element {
  const { indexes, at } = report;
  return (
    <section aria-labelledby="indexes">
      <h2 id="indexes" class={indexes.length > 1 ? "" : "unseen"}>Indexes</h2>
      {indexes.length > 1 && <Overview indexes={indexes} anchorOf={anchorOf} />}
      {indexes.map((index, place) => (
        <IndexSection
          key={index.name}
          index={index}
          id={anchorOf(place)}
          at={at}
        />
      ))}
    </section>
  );
}

function anchorOf(place: number): string {
  return `index-${place + 1}`;
}
