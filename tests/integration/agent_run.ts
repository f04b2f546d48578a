import { z } from "zod";
import { runAgent } from "../../src/agent.ts";
import { loadConfig } from "../../src/config.ts";
import type { LogFields } from "../../src/log_line.ts";
import type { Log, LogLevel } from "../../src/logging.ts";
import type { Summary } from "../../src/pipeline.ts";
import type { Stop } from "../../src/stop.ts";
import type { Telemetry } from "../../src/telemetry.ts";
import type { World } from "./world.ts";

/** A line of the log, as data. */
export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** What one run of the agent told. */
export interface AgentRun {
  readonly records: readonly LogRecord[];
  /** What the pass of `index` did; of the first index without it. */
  summary(index?: string): Summary;
}

/** A log that keeps its lines in `records`. */
export function recordLog(
  onRecord: (record: LogRecord) => void,
  fields: LogFields = {},
): Log {
  const write = (level: LogLevel) => (message: string, own: LogFields = {}) =>
    onRecord({ level, message, fields: { ...fields, ...own } });
  return {
    debug: write("debug"),
    info: write("info"),
    warning: write("warning"),
    error: write("error"),
    with: (own) => recordLog(onRecord, { ...fields, ...own }),
  };
}

const PassFinished = z.object({
  kind: z.enum(["load", "follow"]),
  written: z.int(),
  superseded: z.int(),
  rejected: z.int(),
  finished: z.boolean(),
});

/**
 * One pass of the agent over a world, in this process. Waits first until what was written is older than every open
 * transaction, so that it is read once; with `isUnsettled` it does not.
 */
export async function runPass(
  world: World,
  { drain, isUnsettled = false, force = false, telemetry }: {
    drain?: AbortSignal;
    isUnsettled?: boolean;
    force?: boolean;
    telemetry?: Telemetry;
  } = {},
): Promise<AgentRun> {
  if (!isUnsettled) await world.settle();
  const records: LogRecord[] = [];
  const log = recordLog((record) => records.push(record));
  const stop: Stop = {
    drain: drain ?? new AbortController().signal,
    kill: new AbortController().signal,
  };
  const loaded = await loadConfig(world.configFile, {});
  await runAgent(loaded, {
    ...{ log, stop, force },
    once: true,
    ...(telemetry === undefined ? {} : { telemetry }),
  });
  return {
    records,
    summary(index) {
      const record = records.find(({ message, fields }) =>
        message === "pass finished" &&
        fields["index"] === world.indexName(index)
      );
      return PassFinished.parse(record?.fields);
    },
  };
}

/** An agent that follows a world in this process. Disposing of it stops it as SIGTERM does, and throws what it failed with. */
export interface RunningAgent extends AsyncDisposable {
  /** The next line with this message and these fields, counted from the last one that was waited for. */
  untilLogged(message: string, fields?: LogFields): Promise<LogRecord>;
}

/** Far longer than any line takes to come: a test fails, and does not hang. */
const DEADLINE_MS = 60_000;

/** Starts the agent over a world, in this process. */
export function startAgent(world: World): RunningAgent {
  const records: LogRecord[] = [];
  let written = Promise.withResolvers<void>();
  const log = recordLog((record) => {
    records.push(record);
    written.resolve();
    written = Promise.withResolvers();
  });
  const drain = new AbortController();
  const stop: Stop = {
    drain: drain.signal,
    kill: new AbortController().signal,
  };
  let hasEnded = false;
  const running = loadConfig(world.configFile, {})
    .then((loaded) => runAgent(loaded, { log, stop, once: false }))
    .finally(() => {
      hasEnded = true;
      written.resolve();
    });
  running.catch(() => {}); // thrown when it is disposed of

  return {
    async untilLogged(message, fields = {}) {
      const isMeant = (record: LogRecord) =>
        record.message === message &&
        Object.entries(fields).every(([name, value]) =>
          record.fields[name] === value
        );
      let isLate = false;
      const deadline = setTimeout(() => {
        isLate = true;
        written.resolve();
      }, DEADLINE_MS);
      using _cleared = { [Symbol.dispose]: () => clearTimeout(deadline) };
      for (;;) {
        const place = records.findIndex(isMeant);
        const [record] = records.splice(0, place + 1).slice(-1);
        if (record !== undefined) return record;
        if (hasEnded || isLate) {
          const state = hasEnded ? "the agent has ended" : "it never came";
          throw new Error(`Cannot find "${message}" in the log: ${state}`);
        }
        await written.promise;
      }
    },
    async [Symbol.asyncDispose]() {
      drain.abort();
      await running;
    },
  };
}
