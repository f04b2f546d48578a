import type { z } from "zod";
import {
  duration,
  present,
  section,
  text,
  toggle,
  wholeNumberOrOff,
} from "./config_scalars.ts";

/** Where health, metrics and status are told by HTTP. */
export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** Whether the documents of dead letters are shown. */
  readonly showsDocuments: boolean;
  /** So long nothing may move that should, before the agent says of itself that it is ill. */
  readonly stalledAfterMs: number;
}

/** As it is written: the time depends on others where it is not. */
interface WrittenHttp extends Omit<HttpConfig, "stalledAfterMs"> {
  readonly stalledAfterMs?: number;
}

/**
 * Five minutes: more than twice what the longest silence of an agent takes that is well, with the defaults. That is a
 * statement or a request that takes its whole 60 s, and is given up 5 s later.
 */
const STALLED_AFTER_MS = 300_000;

/** Schema of the section `http`; nothing where `port` is off. */
export function httpSchema(): z.ZodType<WrittenHttp | undefined> {
  return section({
    host: text("write an address of this machine, such as 127.0.0.1")
      .prefault("127.0.0.1").meta({
        description:
          "The address of this machine to listen at; `0.0.0.0` is all of them",
        bounds: "an address of this machine",
      }),
    port: wholeNumberOrOff({ from: "1", to: "65535" }).prefault("8080")
      .describe("The port; `off` is as if the section were not there"),
    show_documents: toggle().prefault("false")
      .describe(
        "Whether `/status` shows the documents of dead letters, 10,000 characters of each",
      ),
    stalled_after: duration({ from: "1s", to: "1d" }).optional().describe(
      "So long nothing may move that should before `/healthz` says so",
    ),
  }).transform(({ host, port, show_documents, stalled_after }) =>
    port === undefined ? undefined : {
      ...{ host, port, showsDocuments: show_documents },
      ...present({ stalledAfterMs: stalled_after }),
    }
  );
}

/**
 * With `stalledAfterMs` filled in: twice the longest time that a call may take, where five minutes are less.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { completeHttp } from "./config_http.ts";
 * const written = { host: "127.0.0.1", port: 8080, showsDocuments: false };
 * equal(completeHttp(written, [60_000, 60_000]).stalledAfterMs, 300_000);
 * equal(completeHttp(written, [60_000, 600_000]).stalledAfterMs, 1_200_000);
 * equal(completeHttp({ ...written, stalledAfterMs: 5 }, [60_000]).stalledAfterMs, 5);
 * ```
 */
export function completeHttp(
  written: WrittenHttp,
  timeoutsMs: readonly number[],
): HttpConfig {
  const stalledAfterMs = written.stalledAfterMs ??
    Math.max(STALLED_AFTER_MS, ...timeoutsMs.map((ms) => 2 * ms));
  return { ...written, stalledAfterMs };
}
