import { deepEqual, equal, match, throws } from "node:assert/strict";
import { parseOptions } from "../bench/options.ts";
import {
  parseStat,
  readPeakBytes,
  readTreeCpuMs,
  sumTree,
} from "../bench/process_cost.ts";
import {
  formatNumber,
  formatTable,
  median,
  openResults,
  percentile,
  summarize,
} from "../bench/statistics.ts";

Deno.test("median() is the middle, in whatever order the values come", () => {
  equal(median([5]), 5);
  equal(median([3, 1, 2]), 2);
  equal(median([40, 10, 30, 20]), 25);
  // by number, not by text
  equal(median([9, 10, 100]), 10);
});

Deno.test("median() leaves its values as they are, and refuses none", () => {
  const values = [3, 1, 2];
  median(values);
  deepEqual(values, [3, 1, 2]);
  throws(() => median([]), RangeError);
});

Deno.test("percentile() is a value that was measured", () => {
  const values = Array.from({ length: 1_000 }, (_, n) => n + 1);
  equal(percentile(values, 0), 1);
  equal(percentile(values, 0.5), 501);
  equal(percentile(values, 0.99), 991);
  equal(percentile(values, 1), 1_000);
});

Deno.test("summarize() has the distance of the extremes as a share of the median", () => {
  deepEqual(summarize([8, 10, 14]), {
    median: 10,
    min: 8,
    max: 14,
    spread: 0.6,
  });
  equal(summarize([0, 0]).spread, 0);
});

Deno.test("formatNumber() has three digits that count", () => {
  const told = [0.0012345, 0.5, 1.0049, 99.96, 12_345.6, -2.5];
  deepEqual(told.map(formatNumber), [
    "0.001",
    "0.500",
    "1.00",
    "100.0",
    "12346",
    "-2.50",
  ]);
});

Deno.test("openResults() gathers the rounds of each measure, in the order of the first", () => {
  const results = openResults();
  results.add("load", "s", 3);
  results.add("memory", "MiB", 90);
  results.add("load", "s", 2);
  deepEqual(results.list(), [
    { name: "load", unit: "s", values: [3, 2] },
    { name: "memory", unit: "MiB", values: [90] },
  ]);
});

Deno.test("formatTable() has a line for each measure, with a spread where there are rounds", () => {
  const table = formatTable([
    { name: "Load", unit: "s", values: [10, 11, 12] },
    { name: "Memory of all", unit: "MiB", values: [90] },
  ]);
  deepEqual(table.split("\n"), [
    "Measure        Unit  Median   Min   Max  Spread  Runs",
    "Load           s       11.0  10.0  12.0    18 %     3",
    "Memory of all  MiB     90.0  90.0  90.0             1",
  ]);
});

Deno.test("sumTree() counts what is below a process, however deep, and nothing beside it", () => {
  const stats = new Map([
    [1, { parentPid: 0, cpuMs: 1 }],
    [20, { parentPid: 1, cpuMs: 10 }],
    [3, { parentPid: 20, cpuMs: 100 }],
    [4, { parentPid: 1, cpuMs: 1_000 }],
  ]);
  equal(sumTree(stats, 20), 110);
  equal(sumTree(stats, 5), 0);
});

Deno.test("parseStat() refuses what is no state of a process", () => {
  throws(() => parseStat("7 (a) S 3"), RangeError);
});

Deno.test({
  name: "readTreeCpuMs() and readPeakBytes() read this very process",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const before = await readTreeCpuMs(Deno.pid);
    const untilMs = performance.now() + 60;
    while (performance.now() < untilMs); // takes CPU
    const after = await readTreeCpuMs(Deno.pid);
    equal(after > before, true, `${before} ms, then ${after} ms`);
    equal((await readPeakBytes(Deno.pid) ?? 0) > 10 * 2 ** 20, true);
    equal(await readPeakBytes(2 ** 30), undefined);
  },
});

Deno.test("parseOptions() has a default for everything", () => {
  const options = parseOptions([]);
  equal(options.films, 200_000);
  equal(options.only.length, 7);
  equal(options.transactionFilms, 200_000);
  deepEqual(options.growthSizes, [10_000, 100_000]);
  equal(options.connections, undefined);
});

Deno.test("parseOptions() takes what is written, behind deno task's own -- too", () => {
  const options = parseOptions([
    ...["--", "--films", "2000", "--repeat", "2", "--only", "idle,growth"],
    ...["--full", "--set", "postgres.page_size=500", "--set", "a=b=c"],
  ]);
  equal(options.films, 2_000);
  deepEqual(options.only, ["idle", "growth"]);
  deepEqual(options.idleSizes, [1_000, 100_000, 1_000_000]);
  equal(options.transactionFilms, 1_000_000);
  deepEqual(options.settings, { "postgres.page_size": "500", a: "b=c" });
});

Deno.test("parseOptions() names the option that is wrong", () => {
  const faults: [string[], RegExp][] = [
    [["--films", "many"], /--films is wrong: write a whole number/],
    [["--repeat", "0"], /--repeat is wrong/],
    [["--only", "load,lode"], /--only is wrong/],
    [["--set", "page_size"], /--set is wrong: write KEY=VALUE/],
    [["--film", "2"], /Unknown option '--film'/],
    [["2000"], /Cannot measure: /],
  ];
  for (const [args, message] of faults) {
    throws(() => parseOptions(args), (error) => {
      match(String(error), message);
      return true;
    });
  }
});
