import { render } from "preact";
import { App } from "./app.tsx";
import { followStatus } from "./feed.ts";
import { iconUrl } from "./icon.tsx";
import { findProblems } from "./problems.ts";
import { type Feed, judge } from "./verdict.ts";
import { showInvisible } from "./words.ts";

const root = document.querySelector("#root");
const icon = document.querySelector("link[rel=icon]");
let version: string | undefined;

function show(feed: Feed): void {
  const { report } = feed;
  if (report !== undefined) {
    // an agent of another version has another page
    if (version !== undefined && version !== report.version) {
      location.reload();
      return;
    }
    version = report.version;
  }
  const problems = report === undefined ? [] : findProblems(report);
  const verdict = judge(feed, problems);
  document.title = `${showInvisible(verdict.headline)} – pg2es`;
  icon?.setAttribute("href", iconUrl(verdict.mood));
  if (root !== null) {
    render(<App feed={feed} verdict={verdict} problems={problems} />, root);
  }
}

show({});
followStatus(show);
