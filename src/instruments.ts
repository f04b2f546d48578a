import {
  type Attributes,
  metrics,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { Histogram, type Registry } from "prom-client";
import type { PassSummary, ServerCall } from "./telemetry.ts";

/** Times passes and calls: for whoever asks for metrics, and, where OpenTelemetry is on, as its metrics and spans. */
export interface Instruments {
  /** Runs a call; a failed one is not counted. `index` is none where it is of no index. */
  timeCall<Result>(
    call: ServerCall & { readonly index: string | undefined },
    action: () => Promise<Result>,
  ): Promise<Result>;
  /** Runs a pass. */
  timePass<Summary extends PassSummary>(
    pass: { readonly index: string; readonly kind: PassSummary["kind"] },
    action: () => Promise<Summary>,
  ): Promise<Summary>;
}

/** A metric that durations in seconds are added to as they come. */
export interface TimedMetric {
  readonly type: "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets: readonly number[];
}

const CALL_BUCKETS = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 30, 60],
];

/** From an idle pass to a load of hours. */
const PASS_BUCKETS = [
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ...[60, 300, 900, 3_600, 14_400],
];

/** Durations, by the name of their metric. */
export const TIMED_METRICS = {
  "pg2es_pass_duration_seconds": {
    type: "histogram",
    help: "How long passes took, however they ended",
    labels: ["index", "kind"],
    buckets: PASS_BUCKETS,
  },
  "pg2es_postgres_statement_duration_seconds": {
    type: "histogram",
    help:
      "How long answers of PostgreSQL took, the wait for a connection and failed tries included",
    labels: ["index"],
    buckets: CALL_BUCKETS,
  },
  "pg2es_elasticsearch_request_duration_seconds": {
    type: "histogram",
    help:
      "How long answers of Elasticsearch took: of a bulk request the one try, else failed tries included",
    labels: ["index", "operation"],
    buckets: CALL_BUCKETS,
  },
} as const satisfies Readonly<Record<string, TimedMetric>>;

/** The name that OpenTelemetry shows for what is measured here. */
export const SCOPE = "pg2es";

/** Opens instruments that add to `registry`; spans are made where `isTracing`. */
export function openInstruments(
  { registry, isTracing }: { registry: Registry; isTracing: boolean },
): Instruments {
  const tracer = trace.getTracer(SCOPE);
  const passSeconds = openTimer("pg2es_pass_duration_seconds", registry);
  const statementSeconds = openTimer(
    "pg2es_postgres_statement_duration_seconds",
    registry,
  );
  const requestSeconds = openTimer(
    "pg2es_elasticsearch_request_duration_seconds",
    registry,
  );

  async function span<Result>(
    name: string,
    attributes: Attributes,
    action: () => Promise<Result>,
  ): Promise<Result> {
    if (!isTracing) return await action();
    return await tracer.startActiveSpan(name, { attributes }, async (span) => {
      try {
        const result = await action();
        if (isSummary(result)) span.setAttributes(attributesOf(result));
        return result;
      } catch (error) {
        // the kind alone: a message of a server's may quote what it is about
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        span.end();
      }
    });
  }

  return {
    async timeCall({ server, operation, index = "" }, action) {
      const startedMs = performance.now();
      const isStatement = server === "PostgreSQL";
      // Deno makes spans of HTTP requests by itself
      const result = isStatement
        ? await span("postgresql statement", { "pg2es.index": index }, action)
        : await action();
      const seconds = (performance.now() - startedMs) / 1000;
      if (isStatement) statementSeconds({ index }, seconds);
      else requestSeconds({ index, operation }, seconds);
      return result;
    },
    async timePass({ index, kind }, action) {
      const startedMs = performance.now();
      try {
        const attributes = { "pg2es.index": index, "pg2es.pass.kind": kind };
        return await span("pass", attributes, action);
      } finally {
        passSeconds({ index, kind }, (performance.now() - startedMs) / 1000);
      }
    },
  };
}

/** What adds durations to a metric of {@linkcode TIMED_METRICS}. */
function openTimer(
  name: keyof typeof TIMED_METRICS,
  registry: Registry,
): (labels: Record<string, string>, seconds: number) => void {
  const { help, labels, buckets } = TIMED_METRICS[name];
  const histogram = new Histogram({
    ...{ name, help, labelNames: [...labels], buckets: [...buckets] },
    registers: [registry],
  });
  const exported = metrics.getMeter(SCOPE).createHistogram(name, {
    description: help,
    unit: "s",
    advice: { explicitBucketBoundaries: [...buckets] },
  });
  return (labels, seconds) => {
    histogram.observe(labels, seconds);
    exported.record(seconds, labels);
  };
}

function isSummary(result: unknown): result is PassSummary {
  return typeof result === "object" && result !== null && "finished" in result;
}

function attributesOf(
  { written, superseded, rejected, finished }: PassSummary,
): Attributes {
  return {
    "pg2es.documents.written": written,
    "pg2es.documents.superseded": superseded,
    "pg2es.documents.rejected": rejected,
    "pg2es.pass.finished": finished,
  };
}
