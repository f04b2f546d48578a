import { Command, CommanderError } from "commander";
import manifest from "./deno.json" with { type: "json" };
import { runAgent } from "./src/agent.ts";
import { loadConfig, type LoadedConfig } from "./src/config.ts";
import { EtlError } from "./src/failure.ts";
import { configureLogging, createLog, type Log } from "./src/logging.ts";
import { openScope } from "./src/scope.ts";
import { listSecrets } from "./src/secrets.ts";
import { stopAfter } from "./src/stop.ts";

/** Told before anything was started: the command line or the configuration is wrong. */
const EXIT_TOLD = 2;
const EXIT_FAILED = 1;

async function run(
  { config: file, once }: { config: string; once: boolean },
): Promise<void> {
  const loaded = await loadConfig(file, Deno.env.toObject());
  const { config } = loaded;
  const scope = openScope();
  try {
    const secrets = listSecrets(config);
    scope.add(await configureLogging(config.logging, { secrets }));
    const log = createLog();
    const { signal } = scope.add(listenForTermination());
    log.info("agent started", { version: manifest.version, config: file });
    signal.addEventListener("abort", () => {
      log.info("stopping, finishing what is in flight");
    }, { once: true });
    await follow(loaded, { log, once, drain: signal });
    log.info("agent stopped");
  } finally {
    await scope.close();
  }
}

async function follow(
  loaded: LoadedConfig,
  { log, once, drain }: { log: Log; once: boolean; drain: AbortSignal },
): Promise<void> {
  const stop = stopAfter(drain, loaded.config.gracePeriodMs);
  try {
    await runAgent(loaded, { log, stop, once });
  } catch (error) {
    if (!drain.aborted) throw error;
    // what was not settled is found by the next run
    log.info("work was cut short by the stop", { error });
  }
}

/** SIGTERM or SIGINT aborts the signal; the next one ends the process at once, as it does by default. */
function listenForTermination(): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const names: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT", "SIGBREAK"]
    : ["SIGINT", "SIGTERM"];
  function terminate(): void {
    forget();
    controller.abort();
  }
  function forget(): void {
    for (const name of names) Deno.removeSignalListener(name, terminate);
  }
  for (const name of names) Deno.addSignalListener(name, terminate);
  return { signal: controller.signal, [Symbol.dispose]: forget };
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
      "one pass of every index: a full load where none is finished, else what changed; then exit",
      false,
    )
    .option("-c, --config <file>", "the configuration", "config.yaml")
    .action(run);
  return program;
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
}
