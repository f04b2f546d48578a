/** A database for `init`, and the documents that are to come of it. */
export interface Sample {
  readonly name: string;
  readonly sql: string;
  /** The table of the documents, as `--table` takes it. */
  readonly table: string;
  /** The column that stamps the root: no test knows its values. */
  readonly stamp: string;
  /** The documents by id, without their stamps. */
  readonly documents: Readonly<Record<string, unknown>>;
  /** Changes, one after the other, each with the documents that are then another, or gone where they are null. */
  readonly changes: readonly {
    readonly sql: string;
    readonly documents: Readonly<Record<string, unknown>>;
  }[];
  /** What the comments of the configuration say. */
  readonly comments: readonly RegExp[];
  /** What `check` warns of, by place and text; no more. */
  readonly warnings: readonly RegExp[];
}
