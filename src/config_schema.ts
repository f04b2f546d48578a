import { dirname, resolve } from "node:path";
import { completeWal, type WalConfig, walSchema } from "./config_wal.ts";
import type { z } from "zod";
import {
  type ElasticsearchConfig,
  elasticsearchSchema,
} from "./config_elasticsearch.ts";
import { isFolder } from "./config_files.ts";
import { completeHttp, type HttpConfig, httpSchema } from "./config_http.ts";
import {
  type Folder,
  FOLLOW,
  type IndexDefinition,
  indexesSchema,
} from "./config_indexes.ts";
import {
  isWritten,
  type PostgresConfig,
  postgresSchema,
} from "./config_postgres.ts";
import {
  byteSize,
  choice,
  decimal,
  duration,
  present,
  section,
  text,
  toggle,
  wholeNumber,
  wholeNumberOrOff,
} from "./config_scalars.ts";

/** The delays between tries: `minDelayMs`, then each time `multiplier` times as long, up to `maxDelayMs`. */
export interface RetryConfig {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly multiplier: number;
}

/** What the agent takes of the servers at most. */
export interface LimitConfig {
  /** Documents that are read and sent in a second, over all indexes; absent is no limit. */
  readonly documentsPerSecond?: number;
  /** Connections to PostgreSQL, that of the writer lock among them. */
  readonly postgresConnections: number;
}

/** What is logged, how and where to. */
export interface LoggingConfig {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly format: "text" | "json";
  /** Whether lines go to the terminal. */
  readonly console: boolean;
  /** The rotating file, its path absolute; `maxBytes` is of each file, `maxFiles` counts all that are kept. */
  readonly file?: {
    readonly path: string;
    readonly maxBytes: number;
    readonly maxFiles: number;
  };
}

/** Where documents go that are refused for good, and how many may be. */
export interface RejectionsConfig {
  /** The file, its path absolute. */
  readonly file: string;
  /** The size at which a new file is begun. */
  readonly maxBytes: number;
  /** How many documents of an index may be refused; any number without it. */
  readonly stopAfter: number | undefined;
}

/** The whole configuration: every default filled in, every file read. */
export interface Settings {
  /** The pause between two looks at PostgreSQL. */
  readonly fetchDelayMs: number;
  /** What a drain may take before requests are cut. */
  readonly gracePeriodMs: number;
  /** The file of the position, as an absolute path. */
  readonly stateFile: string;
  /** How often a load saves its position at most. */
  readonly loadSavePeriodMs: number;
  /** How often a line says that all is well. */
  readonly logStatusPeriodMs: number;
  readonly postgres: PostgresConfig;
  readonly elasticsearch: ElasticsearchConfig;
  readonly retry: RetryConfig;
  readonly logging: LoggingConfig;
  readonly limit: LimitConfig;
  readonly rejections: RejectionsConfig;
  /** Absent where nothing is told by HTTP. */
  readonly http?: HttpConfig;
  readonly wal: WalConfig;
  /** At least one. */
  readonly indexes: readonly IndexDefinition[];
}

/** For the writer lock and the stream one each, and two for what is read. */
const WAL_CONNECTIONS = 4;

/** Schema of config.yaml, whose scalars are strings; relative files are found from `place`, and read while parsing. */
export function configSchema(place: Folder): z.ZodType<Settings> {
  const { folder } = place;
  return section({
    fetch_delay: duration({ from: "10ms", to: "1d" }).prefault("1s")
      .describe(
        "How often PostgreSQL is looked at; a look that takes longer is followed by the next",
      ),
    grace_period: duration({ from: "0s", to: "1h" }).prefault("20s").describe(
      "What the agent may take to finish what is in flight once it is told to stop",
    ),
    state_file_name: writtenFile(folder).prefault("state.yaml")
      .describe("The file of the position; a restart goes on from it"),
    load_save_period: duration({ from: "0s", to: "1h" }).prefault("500ms")
      .describe(
        "How often a load saves its position at most; what came since is sent again after a crash",
      ),
    log_status_period: duration({ from: "100ms", to: "7d" }).prefault("3m")
      .describe("How often a line of log says that all is well"),
    postgres: postgresSchema(folder).describe("How to reach PostgreSQL"),
    elasticsearch: elasticsearchSchema(folder)
      .describe("How to reach Elasticsearch"),
    retry: retrySchema().prefault({}).describe("The delays between tries"),
    logging: loggingSchema(folder).prefault({})
      .describe("What is logged, how and where to"),
    rejections: rejectionsSchema(folder).prefault({})
      .describe("Where refused documents go, and how many may be"),
    limit: limitSchema().prefault({})
      .describe("What the agent takes of the servers at most"),
    http: httpSchema().optional().describe(
      "Where health, metrics and status are told; nowhere without it",
    ),
    follow: choice(FOLLOW).prefault("polling").describe(
      "Where changes come from, for indexes that do not say: tables that are looked at, or PostgreSQL's log",
    ),
    wal: walSchema().prefault({})
      .describe("How PostgreSQL's log is followed, where an index says so"),
    indexes: indexesSchema(place)
      .describe("The list of indexes, side by side in one agent"),
  }).superRefine(({ follow, limit, indexes }, context) => {
    const isByWal = indexes.some((index) => (index.follow ?? follow) === "wal");
    if (!isByWal || limit.postgresConnections >= WAL_CONNECTIONS) return;
    context.addIssue({
      code: "custom",
      path: ["limit", "postgres_connections"],
      message: "is too few for follow: wal, whose stream takes one, " +
        `write ${WAL_CONNECTIONS} or more`,
    });
  }).transform((written) => ({
    fetchDelayMs: written.fetch_delay,
    gracePeriodMs: written.grace_period,
    stateFile: written.state_file_name,
    loadSavePeriodMs: written.load_save_period,
    logStatusPeriodMs: written.log_status_period,
    postgres: written.postgres,
    elasticsearch: written.elasticsearch,
    retry: written.retry,
    logging: written.logging,
    rejections: written.rejections,
    limit: written.limit,
    ...(written.http === undefined ? {} : {
      http: completeHttp(written.http, [
        written.postgres.statementTimeoutMs,
        written.elasticsearch.requestTimeoutMs,
      ]),
    }),
    wal: completeWal(written.wal, written.postgres.database),
    indexes: written.indexes.map((index) => ({
      ...index,
      follow: index.follow ?? written.follow,
    })),
  }));
}

/** A file that the agent writes: its folder must be there. */
function writtenFile(folder: string): z.ZodType<string, string> {
  const remedy = "write the path of a file in a folder that is there";
  const facts = { bounds: "its folder is there" };
  return text(remedy).meta(facts).transform(async (path, context) => {
    const file = resolve(folder, path);
    if (!await isFolder(dirname(file))) {
      context.addIssue(`is in a folder that is not there, ${remedy}`);
    } else if (await isFolder(file)) {
      context.addIssue(`is a folder, ${remedy}`);
    }
    return file;
  });
}

function retrySchema() {
  return section({
    min_delay: duration({ from: "1ms", to: "1h" }).prefault("100ms")
      .describe("The first delay"),
    max_delay: duration({ from: "1ms", to: "1d" }).prefault("30s").meta({
      description: "The longest delay",
      bounds: "1ms to 1d, `min_delay` or more",
    }),
    multiplier: decimal({ from: "1", to: "100" }).prefault("2")
      .describe("How much longer each delay is"),
  }).superRefine(({ min_delay, max_delay }, context) => {
    if (!(max_delay < min_delay)) return;
    const message = "is less than min_delay, write a longer one";
    context.addIssue({ code: "custom", path: ["max_delay"], message });
  }, { when: isWritten }).transform((written) => ({
    minDelayMs: written.min_delay,
    maxDelayMs: written.max_delay,
    multiplier: written.multiplier,
  }));
}

function limitSchema() {
  return section({
    documents_per_second: wholeNumber({ from: "1", to: "1000000" }).optional()
      .meta({
        description:
          "How many documents are read and sent in a second, over all indexes",
        preset: "none",
      }),
    postgres_connections: wholeNumber({ from: "3", to: "100" }).prefault("5")
      .describe(
        "Connections to PostgreSQL at most, those of the writer lock and the stream of changes among them",
      ),
  }).transform(({ documents_per_second, postgres_connections }) => ({
    ...present({ documentsPerSecond: documents_per_second }),
    postgresConnections: postgres_connections,
  }));
}

function loggingSchema(folder: string) {
  const file = section({
    path: writtenFile(folder).describe("The file; required"),
    max_size: byteSize({ from: "1KB", to: "10GB" }).prefault("10MB")
      .describe("The size at which a new file is begun"),
    max_files: wholeNumber({ from: "1", to: "1000" }).prefault("5")
      .describe("How many files are kept"),
  }).transform((written) => ({
    path: written.path,
    maxBytes: written.max_size,
    maxFiles: written.max_files,
  }));
  return section({
    level: choice(["debug", "info", "warning", "error"]).prefault("info")
      .describe("The least level that is logged"),
    format: choice(["text", "json"]).prefault("text")
      .describe("`text` for people, `json` for machines"),
    console: toggle().prefault("true")
      .describe("Whether lines go to the terminal"),
    file: file.optional()
      .meta({ description: "A rotating file besides: a map", preset: "none" }),
  }).transform(({ level, format, console, file }) => ({
    level,
    format,
    console,
    ...present({ file }),
  }));
}

function rejectionsSchema(folder: string) {
  return section({
    file: writtenFile(folder).prefault("dead_letters.jsonl")
      .describe("The file of the dead letters"),
    max_size: byteSize({ from: "1KB", to: "10GB" }).prefault("10MB")
      .describe("The size at which a new file is begun"),
    stop_after: wholeNumberOrOff({ from: "0", to: "1000000" })
      .prefault("1000").describe(
        "How many documents of an index may be dead letters: one more ends the agent",
      ),
  }).transform((written) => ({
    file: written.file,
    maxBytes: written.max_size,
    stopAfter: written.stop_after,
  }));
}
