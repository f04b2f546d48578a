import type { Connection, Submittable } from "pg";

/** START_REPLICATION as a query of node-postgres: what its client calls on one. */
export class StreamQuery implements Submittable {
  /** Settled when the stream has ended. */
  readonly done: Promise<void>;
  /** The client wraps it to end its own deadline. */
  callback: (error?: Error) => void;
  readonly #command: string;
  readonly #onMessage: (message: Uint8Array) => void;

  constructor(command: string, onMessage: (message: Uint8Array) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.callback = (error) => error ? reject(error) : resolve();
    this.#command = command;
    this.#onMessage = onMessage;
  }

  submit(connection: Connection): void {
    connection.query(this.#command);
  }

  handleCopyData({ chunk }: { chunk: Uint8Array }): void {
    try {
      this.#onMessage(chunk);
    } catch (error) {
      // thrown from here it would end the process
      this.callback(error instanceof Error ? error : new Error(String(error)));
    }
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
  handleEmptyQuery(): void {}
  handlePortalSuspended(): void {}

  handleReadyForQuery(): void {
    this.callback();
  }

  handleError(error: Error): void {
    this.callback(error);
  }
}
