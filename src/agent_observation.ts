import { Registry } from "prom-client";
import { openAgentRecord } from "./agent_record.ts";
import type { Config, LoadedConfig } from "./config.ts";
import { openDeadLetterView } from "./dead_letter_view.ts";
import { judgeHealth, judgeReadiness } from "./health.ts";
import { jsonPage, openHttpServer, type Pages } from "./http_server.ts";
import { openInstruments } from "./instruments.ts";
import { createRedactor } from "./log_line.ts";
import type { Log } from "./logging.ts";
import { openMetrics } from "./metrics.ts";
import type { WatchLimits } from "./progress_watch.ts";
import { openScope } from "./scope.ts";
import { buildStatus } from "./status_builder.ts";
import { STATUS_PAGE } from "./status_page.ts";
import { NO_TELEMETRY, type Telemetry } from "./telemetry.ts";

/** What observes a running agent; disposing of it ends its answers. */
export interface Observation extends AsyncDisposable {
  /** What the agent tells it by. */
  readonly telemetry: Telemetry;
}

/** A connection that answers nothing is given up so long after the timeout of its statement. */
const GIVE_UP_MS = 5_000;

/** Half of each delay is random, and the timer may be late. */
const DELAY_FACTOR = 1.5;

/**
 * Opens what the configuration wants: answers by HTTP, where it has `http`, and what OpenTelemetry sends, where that is on.
 * Where neither is, nobody is told anything, and nothing is counted.
 * @throws {EtlError} `config-invalid` when the address for HTTP is not to be had.
 */
export function openObservation(
  { config, secrets, locate }: LoadedConfig,
  { version, log, isTracing }: {
    version: string;
    log: Log;
    /** Whether OpenTelemetry is on. */
    isTracing: boolean;
  },
): Observation {
  const { http } = config;
  if (http === undefined && !isTracing) {
    return {
      telemetry: NO_TELEMETRY,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const scope = openScope();
  const registry = new Registry();
  const redact = createRedactor(secrets);
  const record = scope.add(openAgentRecord({
    names: config.indexes.filter(({ enabled }) => enabled)
      .map(({ name }) => name),
    redact,
    limits: limitsOf(config),
    instruments: openInstruments({ registry, isTracing }),
  }));
  const deadLetters = openDeadLetterView(config.rejections.file, {
    showsDocuments: http?.showsDocuments ?? false,
  });
  const metrics = openMetrics({
    registry,
    observe: async () => ({
      record,
      version,
      deadLetterCounts: await deadLetters.count(),
    }),
  });
  const pages: Pages = {
    "/": STATUS_PAGE,
    "/healthz": () => verdictPage(judgeHealth(record)),
    "/readyz": () => verdictPage(judgeReadiness(record)),
    "/metrics": async () => ({
      body: await metrics.format(),
      contentType: metrics.contentType,
    }),
    "/status": async () =>
      jsonPage(await buildStatus({ record, deadLetters, version, redact })),
  };
  try {
    if (http !== undefined) {
      scope.add(openHttpServer(http, { pages, locate, log }));
    }
  } catch (error) {
    record[Symbol.dispose]();
    throw error;
  }
  return {
    telemetry: record.telemetry,
    [Symbol.asyncDispose]: () => scope.close(),
  };
}

function verdictPage(verdict: ReturnType<typeof judgeHealth>) {
  return jsonPage(verdict, verdict.ok ? 200 : 503);
}

function limitsOf(
  { http, fetchDelayMs, retry, postgres, elasticsearch }: Config,
): WatchLimits {
  const hostCount = 1 + (postgres.otherHosts?.length ?? 0);
  const connectMs = hostCount * postgres.connectTimeoutMs;
  const longestTryMs = Math.max(
    connectMs + postgres.statementTimeoutMs + GIVE_UP_MS,
    elasticsearch.requestTimeoutMs,
  );
  return {
    stalledAfterMs: http?.stalledAfterMs ?? Infinity,
    restMs: fetchDelayMs,
    retryMs: DELAY_FACTOR * retry.maxDelayMs + longestTryMs,
  };
}
