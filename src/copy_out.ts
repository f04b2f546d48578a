import type { Connection, Submittable } from "pg";

/**
 * `copy … to stdout` as a query of node-postgres, on its own protocol parser, which hands over one CopyData message a row.
 *
 * Not `pg-copy-streams`: under Deno its COPY stalls when it starts on an idle connection (5 times of 6).
 * Implements what the client calls on a query, PostgreSQL manual 55.2.6.
 */
export class CopyOut implements Submittable {
  /** Settled when the statement ended, with the first error of the server or of the row function. */
  readonly done: Promise<void>;
  /** The client wraps it to end its own deadline: it must be called once, at the end. */
  callback: (error?: Error) => void;
  /** Called when the statement ends, before anybody else is told. */
  onEnd: () => void = () => {};
  readonly #sql: string;
  readonly #onMessage: (message: Uint8Array) => void;
  #error: Error | undefined;

  /** `onMessage` gets a view that is valid during the call only. */
  constructor(sql: string, onMessage: (message: Uint8Array) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.callback = (error) => {
      this.onEnd();
      return error ? reject(error) : resolve();
    };
    this.#sql = sql;
    this.#onMessage = onMessage;
  }

  submit(connection: Connection): void {
    connection.query(this.#sql);
  }

  handleCopyData({ chunk }: { chunk: Uint8Array }): void {
    if (this.#error) return;
    try {
      this.#onMessage(chunk);
    } catch (error) {
      // thrown from here it would end the process; the rest of the rows is passed over
      this.#error = error instanceof Error ? error : new Error(String(error));
    }
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}

  handleReadyForQuery(): void {
    this.callback(this.#error);
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}
