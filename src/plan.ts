import type { Key, KeyColumn } from "./keys.ts";

/** A watched table as the scans need it: everything quoted, every type known. */
export interface TablePlan {
  /** As written in the configuration; names the table in the log and the state file. */
  readonly label: string;
  /** The table, quoted. */
  readonly from: string;
  /** The column that orders its changes. */
  readonly stamp: StampColumn;
  readonly key: readonly KeyColumn[];
  /** The query from keys of this table to keys of documents; none for the root, whose keys they are. */
  readonly documentIds?: string;
}

/** A column that orders changes, and how a time is held against it. */
export interface StampColumn extends KeyColumn {
  /**
   * `instant` is timestamptz; `local` a timestamp, and `date` a day, in `timeZone`; a `number` is no time: it orders
   * changes, and tells nothing of late commits.
   */
  readonly kind: "instant" | "local" | "date" | "number";
  readonly timeZone: string;
}

/** What is known of an index before its first row is read. */
export interface IndexPlan {
  readonly name: string;
  readonly document: DocumentPlan;
  readonly root: TablePlan;
  /** All watched tables, the root among them. */
  readonly tables: readonly TablePlan[];
  /** How much further back each scan looks than the open transactions ask for. */
  readonly lookbackMs: number;
  /** Keys a statement asks for. */
  readonly pageSize: number;
}

/** The document query and what it shows. */
export interface DocumentPlan {
  /** The query, as configured. */
  readonly sql: string;
  /** Where it stands in the configuration, for messages. */
  readonly label: string;
  /** The root's key, which the query shows. */
  readonly key: readonly KeyColumn[];
  /** The columns that are fields of the document. */
  readonly fields: readonly string[];
  /** The columns that are for the agent. */
  readonly agentColumns: ReadonlySet<AgentColumn>;
}

/** A column of the document query that is for the agent, not a field. */
export type AgentColumn = "_deleted" | "_routing";

/** Documents to read and settle, each key once. */
export interface Page<Position> {
  readonly keys: readonly Key[];
  /** Pages of one lane are settled in their order; those of others are not waited for. */
  readonly lane?: number;
  /** Whether no other page has a document of this one, so that nothing needs to be kept apart. */
  readonly isUnique?: boolean;
  /** Whether that is to be on disk soon, though no document is settled with it. */
  readonly isDue?: boolean;
  /** The position that is safe, called once this page and those before in its lane are settled; the last page of a batch has it. */
  readonly next?: () => Position;
}
