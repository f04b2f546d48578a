import { type ErrorHistory, openErrorHistory } from "./error_history.ts";
import type { Failure } from "./failure.ts";

/** What is known of a server from the calls to it. */
export interface ServerRecord {
  readonly state: "unknown" | "reached" | "lost";
  readonly since: string;
  readonly answeredAt: string | undefined;
  /** Of the failures only those of the server as a whole. */
  readonly errors: ErrorHistory;
}

const MAX_ERRORS = 5;

/** What is known of a server, and what it is told by. */
export interface WrittenServerRecord extends ServerRecord {
  answer(): void;
  fail(failure: Failure): void;
}

/** Opens the record of a server that nothing is known of. */
export function openServerRecord(
  redact: (text: string) => string,
): WrittenServerRecord {
  const errors = openErrorHistory({ maxErrors: MAX_ERRORS, redact });
  let state: ServerRecord["state"] = "unknown";
  let sinceMs = Date.now();
  let answeredMs: number | undefined;

  function turn(next: ServerRecord["state"]): void {
    if (state !== next) sinceMs = Date.now();
    state = next;
  }

  return {
    errors,
    get state() {
      return state;
    },
    get since() {
      return new Date(sinceMs).toISOString();
    },
    get answeredAt() {
      return answeredMs === undefined
        ? undefined
        : new Date(answeredMs).toISOString();
    },
    answer() {
      answeredMs = Date.now();
      turn("reached");
    },
    fail(failure) {
      errors.add(failure);
      turn("lost");
    },
  };
}
