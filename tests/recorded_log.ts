import type { LogFields } from "../src/log_line.ts";
import type { Log } from "../src/logging.ts";

/** One line of a log, before it is made text. */
export interface RecordedLine {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

/** A log that keeps its lines. */
export function recordLog(): { log: Log; lines: RecordedLine[] } {
  const lines: RecordedLine[] = [];
  function create(common: LogFields): Log {
    const at = (level: RecordedLine["level"]) =>
    (
      message: string,
      fields: LogFields = {},
    ): void => {
      lines.push({ level, message, fields: { ...common, ...fields } });
    };
    return {
      debug: at("debug"),
      info: at("info"),
      warning: at("warning"),
      error: at("error"),
      with: (fields) => create({ ...common, ...fields }),
    };
  }
  return { log: create({}), lines };
}
