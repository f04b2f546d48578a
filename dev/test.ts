import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { fileExists } from "./command.ts";
import { runProgram, tell } from "./progress.ts";
import { removeServers, startServers } from "./servers.ts";
import { untilStopped } from "./stop_signal.ts";
import {
  countResults,
  describeFailures,
  type TestCounts,
} from "./test_report.ts";

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Several times what all the tests take on a machine with nothing else to do; one that waits for ever would hold up a machine that nobody watches. */
const LIMIT_MS = 60 * 60_000;
const EVERYTHING = ["main.ts", "src", "dev", "db", "bench", "tests"];

/**
 * Runs `deno test` with both servers up; the last line on standard output counts the tests. Other servers are named by
 * variables, as in `PG2ES_DEV_SEARCH="opensearch 3.8.0" PG2ES_DEV_POSTGRES=13`. What failed is also added to the file that
 * `PG2ES_TEST_FAILURES` names.
 */
async function main(args: readonly string[]): Promise<void> {
  const folder = join(PROJECT, ".servers/test");
  await removeServers(folder);
  const counts = await testWithServers(folder, args);
  await removeServers(folder);
  const { passed, failed, skipped } = counts;
  if (failed > 0 || passed === 0) Deno.exitCode = 1;
  const rest = skipped > 0 ? `, ${skipped} skipped` : "";
  tell(`${passed} passed, ${failed} failed${rest}`);
}

async function testWithServers(
  folder: string,
  args: readonly string[],
): Promise<TestCounts> {
  using stopped = untilStopped();
  await using servers = await startServers({ folder });
  await Deno.mkdir(folder, { recursive: true });
  const report = join(folder, "report.xml");
  await Deno.remove(report).catch(() => {}); // of an earlier run
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      ...["--allow-all", "--doc", "--shuffle", `--junit-path=${report}`],
      ...await withPaths(args),
    ],
    cwd: PROJECT,
    env: {
      PG2ES_TEST_POSTGRES: servers.postgres.url,
      PG2ES_TEST_ELASTICSEARCH: servers.elasticsearch.url,
    },
  }).spawn();
  stopped.promise.then(() => child.kill("SIGTERM"));
  const limit = setTimeout(() => {
    tell(`Cannot finish the tests: ${LIMIT_MS / 60_000} minutes are over`);
    child.kill("SIGTERM");
  }, LIMIT_MS);
  const { success } = await child.status;
  clearTimeout(limit);
  const results = await Deno.readTextFile(report).catch(() => "");
  const counts = countResults(results);
  const failuresPath = Deno.env.get("PG2ES_TEST_FAILURES");
  if (failuresPath) {
    const failures = describeFailures(results);
    await Deno.writeTextFile(failuresPath, failures, { append: true });
  }
  // what does not compile, or fails outside of every test, is in no report
  const silent = !success && counts.failed === 0 ? 1 : 0;
  return { ...counts, failed: counts.failed + silent };
}

/** The arguments, with all the tests where they name none. */
async function withPaths(args: readonly string[]): Promise<string[]> {
  const own = args[0] === "--" ? args.slice(1) : args;
  const paths: string[] = [];
  const named = await Promise.all(own.map(isPath));
  if (named.includes(true)) return [...own];
  for (const path of EVERYTHING) if (await isPath(path)) paths.push(path);
  return [...own, ...paths];
}

function isPath(arg: string): Promise<boolean> {
  return fileExists(join(PROJECT, arg));
}

if (import.meta.main) await runProgram(() => main(Deno.args));
