import { metrics as exported } from "@opentelemetry/api";
import { Counter, Gauge, type Registry } from "prom-client";
import { SCOPE } from "./instruments.ts";
import { type Observed, READ_METRICS } from "./metric_table.ts";

/** What `/metrics` answers. */
export interface Metrics {
  readonly contentType: string;
  /** All metrics as they are now, in Prometheus' text format 0.0.4. */
  format(): Promise<string>;
}

/** Opens the metrics of an agent, those of `registry` among them; OpenTelemetry gets the same where it is on. */
export function openMetrics(
  { registry, observe }: {
    registry: Registry;
    observe: () => Promise<Observed>;
  },
): Metrics {
  const read = Object.entries(READ_METRICS).map(([name, metric]) => {
    const { type, help, labels } = metric;
    const options = { name, help, labelNames: [...labels] };
    const registers = [registry];
    if (type === "counter") {
      const counter = new Counter({ ...options, registers });
      return (observed: Observed) => {
        counter.reset();
        for (const sample of metric.read(observed)) {
          counter.inc({ ...sample.labels }, sample.value);
        }
      };
    }
    const gauge = new Gauge({ ...options, registers });
    return (observed: Observed) => {
      gauge.reset();
      // without labels it is 0 then, and not absent
      if (labels.length === 0) gauge.remove();
      for (const sample of metric.read(observed)) {
        gauge.set({ ...sample.labels }, sample.value);
      }
    };
  });
  exportMetrics(observe);
  return {
    contentType: registry.contentType,
    async format() {
      const observed = await observe();
      for (const take of read) take(observed);
      return await registry.metrics();
    },
  };
}

/** Has OpenTelemetry read them each time it sends them; without it nobody asks. */
function exportMetrics(observe: () => Promise<Observed>): void {
  const meter = exported.getMeter(SCOPE);
  for (const [name, { type, help, read }] of Object.entries(READ_METRICS)) {
    const options = { description: help };
    const instrument = type === "counter"
      ? meter.createObservableCounter(name, options)
      : meter.createObservableGauge(name, options);
    instrument.addCallback(async (result) => {
      for (const { value, labels } of read(await observe())) {
        result.observe(value, { ...labels });
      }
    });
  }
}
