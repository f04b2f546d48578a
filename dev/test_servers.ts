import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runProgram, seconds, tell, tellHeading } from "./progress.ts";
import { untilStopped } from "./stop_signal.ts";

const PROJECT = dirname(dirname(fileURLToPath(import.meta.url)));

/** What people run, each search server with another PostgreSQL: the variables of `deno task test`. */
export const SERVERS = [
  { search: "elasticsearch 7.15.2", postgres: "13" },
  { search: "elasticsearch 7.17.29", postgres: "14" },
  { search: "elasticsearch 8.19.21", postgres: "16" },
  { search: "elasticsearch 9.5.3", postgres: "18" },
  { search: "opensearch 2.19.1", postgres: "17" },
  { search: "opensearch 3.8.0", postgres: "18" },
] as const; // the literal words are named on the command line

/** The tests whose outcome may depend on what server there is. */
const WHOLE = ["tests/integration", ...onServers()];

/** Of these the ones that take every request that the agent makes, for where minutes count. */
const FEW = [
  ...onServers(),
  ...[
    "field_types",
    "follow",
    "index_changes",
    "load",
    "load_tuning",
    "rejection",
    "reload",
    "shapes",
    "sweep",
    "values",
    "verify",
    "versions",
  ].map((name) => `tests/integration/${name}_test.ts`),
];

function onServers(): string[] {
  return [
    "elasticsearch",
    "index_adaptation",
    "index_changes",
    "index_lifecycle",
    "indexed_documents",
    "load_tuning",
    "sink_cluster",
  ].map((name) => `tests/${name}_test.ts`);
}

const COUNTS = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/m;

/**
 * Runs the tests that need servers on each kind that the agent meets, one after the other; the last line counts the tests.
 *
 *     deno task test:servers [--few] [elasticsearch-7.15.2 ...]
 */
async function main(args: readonly string[]): Promise<void> {
  const { values: { few = false }, positionals } = parseArgs({
    args: args[0] === "--" ? args.slice(1) : [...args],
    options: { few: { type: "boolean" } },
    allowPositionals: true,
  });
  const known = SERVERS.map(({ search }) => search.replace(" ", "-"));
  const unknown = positionals.find((name) =>
    !known.some((other) => other === name)
  );
  if (unknown !== undefined) {
    throw new Error(
      `Cannot test on ${unknown}: write one of ${known.join(", ")}`,
    );
  }
  const asked = SERVERS.filter(({ search }) =>
    positionals.length === 0 || positionals.includes(search.replace(" ", "-"))
  );
  const total = { passed: 0, failed: 0, skipped: 0 };
  const rows: string[] = [];
  for (const servers of asked) {
    const startedMs = performance.now();
    const counts = await testOn(servers, few ? FEW : WHOLE);
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    const { passed, failed, skipped } = counts;
    rows.push(
      `${servers.search} with PostgreSQL ${servers.postgres}: ${passed} passed, ` +
        `${failed} failed, ${skipped} skipped in ${seconds(startedMs)}`,
    );
  }
  tellHeading("Servers");
  for (const row of rows) tell(row);
  if (total.failed > 0 || total.passed === 0) Deno.exitCode = 1;
  const rest = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  tell(`${total.passed} passed, ${total.failed} failed${rest}`);
}

async function testOn(
  { search, postgres }: typeof SERVERS[number],
  paths: readonly string[],
): Promise<{ passed: number; failed: number; skipped: number }> {
  tellHeading(`${search} with PostgreSQL ${postgres}`);
  using stopped = untilStopped();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "dev/test.ts", ...paths],
    cwd: PROJECT,
    env: { PG2ES_DEV_SEARCH: search, PG2ES_DEV_POSTGRES: postgres },
    stdout: "piped",
  }).spawn();
  stopped.promise.then(() => child.kill("SIGTERM"));
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    Deno.stdout.writeSync(new TextEncoder().encode(part));
    // the last line is what counts
    text = `${text}${part}`.slice(-10_000);
  }
  const { success } = await child.status;
  const [last = ""] = text.trimEnd().split("\n").slice(-1);
  const [, passed, failed, skipped] = COUNTS.exec(last) ?? [];
  const counts = {
    passed: Number(passed ?? 0),
    failed: Number(failed ?? 0),
    skipped: Number(skipped ?? 0),
  };
  const silent = !success && counts.failed === 0 ? 1 : 0;
  return { ...counts, failed: counts.failed + silent };
}

if (import.meta.main) await runProgram(() => main(Deno.args));
