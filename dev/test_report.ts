/** How many tests ended how. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const SUITE = /<testsuite .*?<\/testsuite>/gs;
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

/** Whether a name is that of a test before it, with the names of its steps behind. */
function isStep(name: string, tests: ReadonlySet<string>): boolean {
  const words = name.split(" &gt; ");
  return words.some((_, index) =>
    index > 0 && tests.has(words.slice(0, index).join(" &gt; "))
  );
}
