/** How many tests ended how. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const SUITE = /<testsuite .*?<\/testsuite>/gs;
const FAILURE = /<failure [^>]*>(.*?)<\/failure>/s;
/** Of one failure: what differs in a whole document is told in fewer. */
const MAX_LINES = 60;
const ENTITIES = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
  ["amp", "&"],
]);
const TEST = /<testcase name="([^"]*)"([^>]*)>(.*?)<\/testcase>/gs;

/**
 * Counts the tests of a report by `deno test --junit-path`; steps belong to their test.
 * What a filter left out is not counted.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { countResults } from "./test_report.ts";
 * const report = `<testsuite name="a_test.ts">
 *   <testcase name="a" time="0.001"></testcase>
 *   <testcase name="a &gt; step" time="0.001"></testcase>
 *   <testcase name="b" time="0.001"><failure message="no"></failure></testcase>
 *   <testcase name="c" time="0.000"><skipped/></testcase>
 *   <testcase name="left out"><skipped/></testcase>
 * </testsuite>`;
 * deepEqual(countResults(report), { passed: 1, failed: 1, skipped: 1 });
 * ```
 */
export function countResults(report: string): TestCounts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [suite] of report.matchAll(SUITE)) {
    const names = new Set<string>();
    for (
      const [, name = "", attributes = "", body = ""] of suite.matchAll(TEST)
    ) {
      const ran = attributes.includes(" time=");
      if (!ran || isStep(name, names)) continue;
      names.add(name);
      if (body.includes("<failure")) counts.failed += 1;
      else if (body.includes("<skipped")) counts.skipped += 1;
      else counts.passed += 1;
    }
  }
  return counts;
}

/**
 * Tells of each failed test of such a report where it is, its name and what was thrown, in paragraphs; the empty text where none failed.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { describeFailures } from "./test_report.ts";
 * const report = `<testsuite name="./a_test.ts">
 *   <testcase name="a &gt; b" time="0.001" line="7"><failure message="no">Error: 1 &lt; 2
 *     at file:///a_test.ts:8:3</failure></testcase>
 * </testsuite>`;
 * equal(describeFailures(report), "./a_test.ts:7 a > b\nError: 1 < 2\n    at file:///a_test.ts:8:3\n");
 * ```
 */
export function describeFailures(report: string): string {
  const paragraphs: string[] = [];
  for (const [suite] of report.matchAll(SUITE)) {
    const [, file = ""] = /^<testsuite name="([^"]*)"/.exec(suite) ?? [];
    for (
      const [, name = "", attributes = "", body = ""] of suite.matchAll(TEST)
    ) {
      const [, thrown] = FAILURE.exec(body) ?? [];
      if (thrown === undefined) continue;
      const [, line = "?"] = / line="(\d+)"/.exec(attributes) ?? [];
      const lines = fromXml(thrown).split("\n").slice(0, MAX_LINES);
      paragraphs.push(
        [`${fromXml(file)}:${line} ${fromXml(name)}`, ...lines, ""].join("\n"),
      );
    }
  }
  return paragraphs.join("\n");
}

function fromXml(text: string): string {
  return text.replace(
    /&(lt|gt|quot|apos|amp);/g,
    (whole, name: string) => ENTITIES.get(name) ?? whole,
  );
}

/** Whether a name is that of a test before it, with the names of its steps behind. */
function isStep(name: string, tests: ReadonlySet<string>): boolean {
  const words = name.split(" &gt; ");
  return words.some((_, index) =>
    index > 0 && tests.has(words.slice(0, index).join(" &gt; "))
  );
}
