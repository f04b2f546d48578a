import { getRotatingFileSink } from "@logtape/file";
import {
  configure,
  getLogger,
  type Logger,
  type LogRecord,
  reset,
  type Sink,
} from "@logtape/logtape";
import { EtlError } from "./failure.ts";
import {
  createRedactor,
  formatJson,
  formatText,
  type LogFields,
  toPlain,
} from "./log_line.ts";
import { hasConsoleReplaced } from "./open_telemetry.ts";
import { writeLine } from "./terminal.ts";

/** How much is logged; each level includes those after it. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** Where the log goes, and in which form. */
export interface LoggingConfig {
  readonly level: LogLevel;
  /** `text` for people, `json` for machines: one object a line. */
  readonly format: "text" | "json";
  /** Whether the log goes to standard error; standard output is left to the results of commands. */
  readonly console: boolean;
  /** A file that is renamed to `path.1` when it is full; the oldest beyond `maxFiles` is overwritten. */
  readonly file?: {
    readonly path: string;
    readonly maxBytes: number;
    readonly maxFiles: number;
  };
}

/** Tells what the agent does; a message is a constant lower-case phrase, what varies goes into the fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose every line has these fields too. */
  with(fields: LogFields): Log;
}

const CATEGORY = "pg2es";

/** What the logging library tells of itself, e.g. that the file cannot be written. */
const META_CATEGORY = ["logtape", "meta"];

/** Of the library's own fields the others are functions and whole records. */
const META_FIELDS = ["error", "path"];

// the console is how Deno takes lines for OpenTelemetry's collector, each with a severity
const { debug, info, warn, error } = console;

/** What has the collector, and it alone, take a line of this level. */
const CONSOLE: Readonly<Record<LogRecord["level"], (line: string) => void>> = {
  trace: debug,
  debug,
  info,
  warning: warn,
  error,
  fatal: error,
};

/** A log file is for the agent's user alone. */
const PRIVATE_MODE = 0o600;

/**
 * Makes the process log as configured until what it returns is disposed of, which writes what is pending.
 * An occurrence of one of the `secrets`, which may grow, in a message or a field is shown as `***`.
 * @throws {EtlError} `config-invalid` if the log file cannot be opened.
 */
export async function configureLogging(
  logging: LoggingConfig,
  { secrets }: { secrets: ReadonlySet<string> },
): Promise<AsyncDisposable> {
  const redact = createRedactor(secrets);
  const format = logging.format === "json" ? formatJson : formatText;
  const withStack = logging.level === "debug";

  function render(record: LogRecord, colors: boolean): string {
    const fields = toPlain(toFields(record), { redact, withStack });
    const line = format({
      timestampMs: record.timestamp,
      level: record.level,
      message: redact(String(record.rawMessage)),
      fields,
    }, { colors });
    return `${line}\n`;
  }

  const sinks: Record<string, Sink> = {};
  if (logging.console) {
    const colors = Deno.stderr.isTerminal() && !Deno.noColor;
    sinks["console"] = (record) => writeLine(render(record, colors));
  }
  if (hasConsoleReplaced(Deno.env.toObject())) {
    sinks["collector"] = (record) =>
      CONSOLE[record.level](render(record, false).trimEnd());
  }
  if (logging.file !== undefined) {
    sinks["file"] = openFileSink(
      logging.file,
      (record) => render(record, false),
    );
  }
  const ids = Object.keys(sinks);
  await configure({
    sinks,
    loggers: [
      { category: CATEGORY, lowestLevel: logging.level, sinks: ids },
      { category: META_CATEGORY, lowestLevel: "warning", sinks: ids },
    ],
  });
  return { [Symbol.asyncDispose]: reset };
}

/** A log that goes where {@linkcode configureLogging} says; silent before. The field `index` is set before the message. */
export function createLog(fields: LogFields = {}): Log {
  return wrapLogger(getLogger(CATEGORY).with(fields));
}

function wrapLogger(logger: Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(message, { ...fields }),
    info: (message, fields = {}) => logger.info(message, { ...fields }),
    warning: (message, fields = {}) => logger.warning(message, { ...fields }),
    error: (message, fields = {}) => logger.error(message, { ...fields }),
    with: (fields) => wrapLogger(logger.with({ ...fields })),
  };
}

function toFields({ category, properties }: LogRecord): LogFields {
  if (category[0] === CATEGORY) return properties;
  const known = Object.entries(properties)
    .filter(([name]) => META_FIELDS.includes(name));
  return Object.fromEntries(known);
}

function openFileSink(
  { path, maxBytes, maxFiles }: NonNullable<LoggingConfig["file"]>,
  formatter: (record: LogRecord) => string,
): Sink {
  try {
    const options = { create: true, append: true, mode: PRIVATE_MODE };
    Deno.openSync(path, options).close();
    const keepPrivate = watchRotation(path);
    const encoder = new TextEncoder();
    return getRotatingFileSink(path, {
      maxSize: maxBytes,
      maxFiles,
      formatter,
      // written at once, synced beside; lines that come during a sync are written together
      nonBlocking: true,
      bufferSize: 0,
      encoder: {
        encode(text) {
          // what is encoded is written next, and in between the file is rotated, all without a pause
          queueMicrotask(keepPrivate);
          return encoder.encode(text);
        },
      },
    });
  } catch (cause) {
    const fault = `Cannot write log file ${path}: ${nameError(cause)}. ` +
      "Make its folder, and let the agent write to it";
    throw new EtlError({ kind: "config-invalid", faults: [fault] }, { cause });
  }
}

/**
 * Gives a file that a rotation made the mode of the first: the library has no option for it, and to change the umask the
 * agent would need every `sys` permission.
 */
function watchRotation(path: string): () => void {
  let { ino } = Deno.statSync(path);
  return () => {
    try {
      const now = Deno.statSync(path).ino;
      if (now === ino) return;
      Deno.chmodSync(path, PRIVATE_MODE);
      ino = now;
    } catch {
      // moved away by somebody else: the next line tries again
    }
  };
}

function nameError(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  return "code" in error ? `code is ${error.code}` : error.name;
}
