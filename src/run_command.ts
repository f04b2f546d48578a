import { runAgent } from "./agent.ts";
import { openObservation } from "./agent_observation.ts";
import { loadConfig, type LoadedConfig } from "./config.ts";
import { configureLogging, createLog, type Log } from "./logging.ts";
import { isOpenTelemetryOn } from "./open_telemetry.ts";
import { pauseFileOf } from "./pause_file.ts";
import { listenForPauses } from "./pause_signals.ts";
import { openScope } from "./scope.ts";
import { stopAfter } from "./stop.ts";
import type { Telemetry } from "./telemetry.ts";
import { listenForTermination } from "./termination.ts";

/** What `pg2es run` is told. */
export interface RunArguments {
  readonly config: string;
  readonly once: boolean;
  readonly force: boolean;
  readonly reload: boolean;
}

/**
 * `pg2es run`: follows the configuration until it is told to stop, with logs, metrics and status as configured.
 * @throws {EtlError} what ends it otherwise.
 */
export async function run(
  { config: file, once, force, reload }: RunArguments,
  { version }: { version: string },
): Promise<void> {
  const loaded = await loadConfig(file, Deno.env.toObject());
  const { config, secrets } = loaded;
  const scope = openScope();
  try {
    scope.add(await configureLogging(config.logging, { secrets }));
    const log = createLog();
    const isTracing = isOpenTelemetryOn(Deno.env.toObject());
    // a pass beside a running agent leaves the address to that
    const observed = once ? withoutHttp(loaded) : loaded;
    const options = { version, log, isTracing };
    const { telemetry } = scope.add(openObservation(observed, options));
    const { signal } = scope.add(listenForTermination());
    const names = config.indexes.map(({ name }) => name);
    const pauses = pauseFileOf(config.stateFile);
    scope.add(listenForPauses(pauses, { names, log }));
    log.info("agent started", { version, config: file });
    signal.addEventListener("abort", () => {
      log.info("stopping, finishing what is in flight");
    }, { once: true });
    const told = { once, force, reload };
    await follow(loaded, { ...told, log, telemetry, drain: signal });
    log.info("agent stopped");
  } finally {
    await scope.close();
  }
}

async function follow(
  loaded: LoadedConfig,
  { log, telemetry, once, force, reload, drain }: {
    log: Log;
    telemetry: Telemetry;
    once: boolean;
    force: boolean;
    reload: boolean;
    drain: AbortSignal;
  },
): Promise<void> {
  const stop = stopAfter(drain, loaded.config.gracePeriodMs);
  try {
    const told = { once, force, reload };
    await runAgent(loaded, { ...told, log, telemetry, stop });
  } catch (error) {
    if (!drain.aborted) throw error;
    // what was not settled is found by the next run
    log.info("work was cut short by the stop", { error });
  }
}

function withoutHttp({ config, ...loaded }: LoadedConfig): LoadedConfig {
  const { http: _, ...others } = config;
  return { ...loaded, config: others };
}
