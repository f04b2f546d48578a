import type { AgentRecord } from "./agent_record.ts";
import { secondsOf } from "./database_clock.ts";
import { reportTables, stateOf } from "./index_report.ts";
import type { IndexRecord } from "./index_record.ts";
import type { SlotNotice } from "./telemetry.ts";

/** What metrics are read from, all at one moment. */
export interface Observed {
  readonly record: AgentRecord;
  readonly version: string;
  /** How many dead letters are outstanding, by index; none where there are none. */
  readonly deadLetterCounts: ReadonlyMap<string, number>;
}

/** One value of a metric. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric that is read when it is asked for. */
export interface ReadMetric {
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (observed: Observed) => Iterable<Sample>;
}

/** The metrics that are read, by their names, in the order in which they are told. */
export const READ_METRICS: Readonly<Record<string, ReadMetric>> = {
  "pg2es_build_info": {
    type: "gauge",
    help: "Always 1; which version this is, and which Deno runs it",
    labels: ["version", "deno_version"],
    read: ({ version }) => [
      one(1, { version, "deno_version": Deno.version.deno }),
    ],
  },
  "pg2es_start_time_seconds": {
    type: "gauge",
    help: "When the agent started, since 1970, by its own clock",
    labels: [],
    read: ({ record }) => [one(Date.parse(record.startedAt) / 1000)],
  },
  "pg2es_writer": {
    type: "gauge",
    help: "1 where this agent writes, 0 where it is a standby or is starting",
    labels: [],
    read: ({ record }) => [one(record.role === "writer" ? 1 : 0)],
  },
  "pg2es_server_up": {
    type: "gauge",
    help: "Whether the last call to the server was answered",
    labels: ["server"],
    read: ({ record: { servers } }) => [
      one(servers.PostgreSQL.state === "reached" ? 1 : 0, {
        server: "postgresql",
      }),
      one(servers.Elasticsearch.state === "reached" ? 1 : 0, {
        server: "elasticsearch",
      }),
    ],
  },
  "pg2es_retries_total": {
    type: "counter",
    help: "Tries that failed, by the kind of failure",
    labels: ["dependency", "cause"],
    *read({ record }) {
      for (const [name, count] of record.retryCounts) {
        const [dependency = "", cause = ""] = name.split("\n");
        yield one(count, {
          dependency: dependency.toLowerCase().replaceAll(/[ -]/g, "_"),
          cause,
        });
      }
    },
  },
  "pg2es_oldest_transaction_age_seconds": {
    type: "gauge",
    help:
      "How old the oldest open transaction of the database is; absent where none is open",
    labels: [],
    read({ record: { oldestStart, clock } }) {
      const age = oldestStart === undefined
        ? undefined
        : clock.ageSeconds(oldestStart);
      return age === undefined ? [] : [one(age)];
    },
  },
  "pg2es_slot_kept_bytes": {
    type: "gauge",
    help:
      "How much of its log PostgreSQL keeps for the replication slot; absent without one",
    labels: ["slot"],
    read: ({ record }) => forSlot(record, ({ keptBytes }) => keptBytes),
  },
  "pg2es_slot_lag_bytes": {
    type: "gauge",
    help: "How much was logged after the last place that was confirmed",
    labels: ["slot"],
    read: ({ record }) => forSlot(record, ({ lagBytes }) => lagBytes),
  },
  "pg2es_slot_max_bytes": {
    type: "gauge",
    help: "How much may be kept before the slot is dropped",
    labels: ["slot"],
    read: ({ record }) => forSlot(record, ({ maxBytes }) => maxBytes),
  },
  "pg2es_index_followed_by_wal": {
    type: "gauge",
    help:
      "1 where changes come by the log, 0 where they are looked for by polling though they are to; absent where polling is configured",
    labels: ["index"],
    read: ({ record }) =>
      forIndexes(
        record,
        ({ way }) => way === undefined ? undefined : Number(way.way === "wal"),
      ),
  },
  "pg2es_documents_total": {
    type: "counter",
    help:
      "Documents settled: written (or deleted), superseded by a newer reading, or rejected",
    labels: ["index", "outcome"],
    *read({ record }) {
      for (const { name: index, counts } of record.indexes) {
        for (const [outcome, count] of Object.entries(counts)) {
          yield one(count, { index, outcome });
        }
      }
    },
  },
  "pg2es_bulk_bytes_total": {
    type: "counter",
    help: "Bytes of bulk requests that were answered",
    labels: ["index"],
    read: ({ record }) => forIndexes(record, ({ sentBytes }) => sentBytes),
  },
  "pg2es_passes_total": {
    type: "counter",
    help:
      "Passes, by whether they came to their end, were cut by a pause or a stop, or failed",
    labels: ["index", "kind", "result"],
    *read({ record }) {
      for (const { name: index, passCounts } of record.indexes) {
        for (const [name, count] of passCounts) {
          const [kind = "", result = ""] = name.split(" ");
          yield one(count, { index, kind, result });
        }
      }
    },
  },
  "pg2es_index_state": {
    type: "gauge",
    help: "1 for the state that the index is in, 0 for the others",
    labels: ["index", "state"],
    *read({ record }) {
      for (const index of record.indexes) {
        const { state } = stateOf(index, record);
        for (const other of STATES) {
          const labels = { index: index.name, state: other };
          yield one(other === state ? 1 : 0, labels);
        }
      }
    },
  },
  "pg2es_index_lag_seconds": {
    type: "gauge",
    help:
      "Whatever was committed longer ago than this is in the index, by the database's clock; absent during a load",
    labels: ["index"],
    read: ({ record }) => forIndexes(record, (index) => index.lagSeconds()),
  },
  "pg2es_table_lag_seconds": {
    type: "gauge",
    help:
      "Changes of the table that are older than this are in the index, by the database's clock",
    labels: ["index", "table"],
    read: ({ record }) => forTables(record, ({ lagSeconds }) => lagSeconds),
  },
  "pg2es_table_watermark_timestamp_seconds": {
    type: "gauge",
    help:
      "Changes of the table up to this time of the database's clock are in the index, since 1970",
    labels: ["index", "table"],
    read: ({ record }) => forTables(record, ({ time }) => time),
  },
  "pg2es_table_watermark_number": {
    type: "gauge",
    help:
      "The same where a number orders the changes of the table: up to this one",
    labels: ["index", "table"],
    read: ({ record }) => forTables(record, ({ number }) => number),
  },
  "pg2es_load_documents": {
    type: "gauge",
    help: "Documents settled by the load under way; absent without one",
    labels: ["index"],
    read: ({ record }) => forIndexes(record, ({ load }) => load?.documentCount),
  },
  "pg2es_load_estimated_documents": {
    type: "gauge",
    help:
      "How many documents PostgreSQL estimates for that load; absent where it does not",
    labels: ["index"],
    read: ({ record }) => forIndexes(record, ({ load }) => load?.totalCount),
  },
  "pg2es_dead_letters": {
    type: "gauge",
    help: "Documents that are refused for good, and outstanding",
    labels: ["index"],
    read: ({ record, deadLetterCounts }) =>
      forIndexes(record, ({ name }) => deadLetterCounts.get(name) ?? 0),
  },
  "process_resident_memory_bytes": {
    type: "gauge",
    help: "Memory of the agent that is in RAM",
    labels: [],
    read: () => [one(Deno.memoryUsage().rss)],
  },
};

const STATES = ["waiting", "loading", "following", "paused", "failed"] as const;

function one(value: number, labels: Sample["labels"] = {}): Sample {
  return { labels, value };
}

function* forSlot(
  { slot }: AgentRecord,
  read: (slot: SlotNotice) => number,
): Generator<Sample> {
  if (slot !== undefined) yield one(read(slot), { slot: slot.slot });
}

function* forIndexes(
  { indexes }: AgentRecord,
  read: (index: IndexRecord) => number | undefined,
): Generator<Sample> {
  for (const index of indexes) {
    const value = read(index);
    if (value !== undefined) yield one(value, { index: index.name });
  }
}

/** A table, and up to where it is in the index, by time or by number. */
interface TableState {
  readonly lagSeconds: number | undefined;
  readonly time: number | undefined;
  readonly number: number | undefined;
}

function* forTables(
  { indexes, clock }: AgentRecord,
  read: (table: TableState) => number | undefined,
): Generator<Sample> {
  for (const index of indexes) {
    for (const { name, watermark, lagSeconds } of reportTables(index, clock)) {
      const isNumber = watermark !== undefined && /^-?\d+$/.test(watermark);
      const time = watermark === undefined || isNumber
        ? undefined
        : secondsOf(watermark.replace("T", " ").replace("Z", "+00"));
      const number = isNumber ? Number(watermark) : undefined;
      const value = read({ lagSeconds, time, number });
      if (value !== undefined) {
        yield one(value, { index: index.name, table: name });
      }
    }
  }
}
