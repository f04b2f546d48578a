import {
  Command,
  CommanderError,
  InvalidArgumentError,
  Option,
} from "commander";
import manifest from "./deno.json" with { type: "json" };
import {
  checkConfig,
  formatReport,
  hasErrors,
  reportJson,
} from "./src/check.ts";
import { loadConfig } from "./src/config.ts";
import { duration } from "./src/config_scalars.ts";
import { EtlError } from "./src/failure.ts";
import { refresh, replay, verify } from "./src/hand_commands.ts";
import { health } from "./src/health_command.ts";
import { init } from "./src/init.ts";
import { isOpenTelemetryOn } from "./src/open_telemetry.ts";
import { pause, resume } from "./src/pause_commands.ts";
import { reindex, type ReindexArguments } from "./src/reindex.ts";
import { run } from "./src/run_command.ts";
import { openScope } from "./src/scope.ts";
import { status } from "./src/status_commands.ts";
import { listenForTermination } from "./src/termination.ts";

/** Told before anything was started: the command line or the configuration is wrong. */
const EXIT_TOLD = 2;
const EXIT_FAILED = 1;

async function check(
  { config: file, json }: { config: string; json: boolean },
): Promise<void> {
  const loaded = await loadConfig(file, Deno.env.toObject());
  const scope = openScope();
  const { signal } = scope.add(listenForTermination());
  try {
    const report = await checkConfig(loaded, signal);
    const format = json ? reportJson : formatReport;
    const text = new Blob([format(report, loaded.locate)]);
    await text.stream().pipeTo(Deno.stdout.writable, { preventClose: true });
    if (hasErrors(report)) Deno.exitCode = EXIT_FAILED;
  } catch (error) {
    if (!signal.aborted) throw error;
    Deno.exitCode = EXIT_FAILED; // it was told to stop, and knows nothing
  } finally {
    await scope.close();
  }
}

async function makeAnew(given: ReindexArguments): Promise<void> {
  const scope = openScope();
  try {
    const { signal } = scope.add(listenForTermination());
    tellStatus(await reindex(given, signal));
  } finally {
    await scope.close();
  }
}

function createProgram(): Command {
  const program = new Command("pg2es")
    .description("Keeps Elasticsearch indexes equal to PostgreSQL queries.")
    .version(manifest.version)
    .exitOverride();
  program.command("run", { isDefault: true })
    .description(
      "load what was never loaded, then follow changes until stopped",
    )
    .option(
      "--once",
      "one pass of every index: a full load where none is finished, else what changed; then exit. Waits while another agent writes",
      false,
    )
    .option(
      "--force",
      "delete an index that another database was read into, where it has the plain name",
      false,
    )
    .option(
      "--reload",
      "load every index from the beginning, whatever was saved; the indexes are searched meanwhile",
      false,
    )
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .action((given) => run(given, manifest));
  program.command("init")
    .description(
      "write a configuration to begin with, from what PostgreSQL says of a table; reads no row, writes over no file",
    )
    .requiredOption("--table <name>", "the table of the documents, as in SQL")
    .option(
      "--url <address>",
      "postgres://USER:PASSWORD@HOST:PORT/DATABASE; DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD without it",
    )
    .option("--name <name>", "the name of the index; the table's without it")
    .option("--out <folder>", "the folder to write to", ".")
    .action(init);
  program.command("check")
    .description(
      "tell what stands in the way of the configuration, before the first row",
    )
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .option("--json", "one line of JSON", false)
    .action(check);
  program.command("verify")
    .description(
      "compare indexes with their queries; exit 0 equal, 1 different",
    )
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .option("--index <name>", "one index of the configuration")
    .option("--ids <id...>", "these documents, field by field")
    .option(
      "--repair",
      "index what is missing or different, delete what is extra",
      false,
    )
    .option("--force", "with --repair: delete more than max_delete", false)
    .option("--json", "one line of JSON", false)
    .option(
      "--show <count>",
      "how many ids of each kind are told",
      parseCount,
      10,
    )
    .action(async (given) => tellStatus(await verify(given)));
  program.command("refresh")
    .description(
      "read documents again and settle them, whether or not they changed",
    )
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .requiredOption("--index <name>", "the index of the configuration")
    .option("--ids <id...>", "these documents")
    .option(
      "--where <condition>",
      "the documents of these rows of the root table, in SQL",
    )
    .option("--json", "one line of JSON", false)
    .action(async (given) => tellStatus(await refresh(given)));
  program.command("replay")
    .description(
      "read documents that were refused again and settle them; exit 0 none is left, 1 some are",
    )
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .option("--index <name>", "one index of the configuration")
    .option("--ids <id...>", "these documents")
    .option("--json", "one line of JSON", false)
    .action(async (given) => tellStatus(await replay(given)));
  program.command("reindex")
    .description(
      "make another index beside the one that is searched, and have it searched in its place; by the agent that writes, or, where none does, by this command. exit 0 done, 1 not",
    )
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .requiredOption("--index <name>", "the index of the configuration")
    .option(
      "--rollback",
      "go back to the index that was searched before, while that is kept",
      false,
    )
    .option(
      "--force",
      "where the name is an index and not an alias, delete that index when the alias takes its place",
      false,
    )
    .option("--json", "one line of JSON", false)
    .action(makeAnew);
  program.command("status")
    .description(
      "tell what the running agent does, or, without one, what it left",
    )
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .option("--index <name>", "one index of the configuration")
    .option("--json", "one line of JSON", false)
    .option(
      "--caught-up",
      "wait until all that was committed before the call is in the indexes, and found by a search; exit 0 it is, 1 not in time",
      false,
    )
    .addOption(
      new Option("--wait <duration>", "for how long").argParser(parseDuration)
        .default(60_000, "60s"),
    )
    .action(async (given) => tellStatus(await status(given, manifest)));
  program.command("health")
    .description(
      "ask the running agent whether it moves, at the address of http; exit 0 it does, 1 not",
    )
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .action(async (given) => tellStatus(await health(given)));
  program.command("pause")
    .description("leave indexes as they are, until they are resumed")
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .option("--index <name>", "one index of the configuration")
    .action(pause);
  program.command("resume")
    .description("go on with indexes that are paused, where they are")
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .option("--index <name>", "one index of the configuration")
    .action(resume);
  return program;
}

function parseCount(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Write a whole number.");
}

function parseDuration(text: string): number {
  const { success, data } = duration({ from: "0s", to: "1d" }).safeParse(text);
  if (success) return data;
  throw new InvalidArgumentError("Write a duration such as 60s, up to 1d.");
}

function tellStatus(isWell: boolean): void {
  if (!isWell) Deno.exitCode = EXIT_FAILED;
}

/** Tells `error` to a person, and gives the exit status that goes with it. */
function report(error: unknown): number {
  const write = (text: string) =>
    Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
  if (error instanceof CommanderError) {
    return error.exitCode === 0 ? 0 : EXIT_TOLD; // it has told already
  }
  if (error instanceof EtlError) {
    write(error.message);
    return error.failure.kind === "config-invalid" ? EXIT_TOLD : EXIT_FAILED;
  }
  write(`Cannot go on: ${error instanceof Error ? error.stack : error}`);
  return EXIT_FAILED;
}

if (import.meta.main) {
  try {
    await createProgram().parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    Deno.exitCode = report(error);
  }
  // all is closed: what a runtime leaves of it, such as the timer of a refused connection, must not hold up the end; but
  // with OpenTelemetry exit() may wait for metrics that are gathered just then, and these for this thread: with 10 of them
  // a second 9 of 77 processes never ended, and of 60 that end by themselves each did
  if (!isOpenTelemetryOn(Deno.env.toObject())) Deno.exit();
}
