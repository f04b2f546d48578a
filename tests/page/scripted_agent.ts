import { freePort } from "../../dev/port.ts";
import { jsonPage, openHttpServer, textPage } from "../../src/http_server.ts";
import { STATUS_PAGE } from "../../src/status_page.ts";
import type { StatusReport } from "../../src/status_report.ts";
import { recordLog } from "../recorded_log.ts";

/** The agent's own server and page, with whatever a test says as the status. */
export interface ScriptedAgent extends AsyncDisposable {
  readonly url: string;
  /** How often the status was asked for. */
  readonly askedCount: number;
  /** Answers with this from now on. */
  answer(answer: Answer): void;
}

/** A report, or what comes in its place: a status, a text, silence. */
export type Answer = StatusReport | number | string | "silence";

/** Starts it; its paths begin with `base`, as behind a proxy. */
export function startScriptedAgent(
  first: Answer,
  { base = "/" }: { base?: string } = {},
): ScriptedAgent {
  const host = "127.0.0.1";
  const port = freePort();
  const ending = Promise.withResolvers<void>();
  let answer = first;
  let askedCount = 0;
  const server = openHttpServer({ host, port }, {
    log: recordLog().log,
    locate: (path) => path.join("."),
    pages: {
      [base]: STATUS_PAGE,
      [`${base}status`]: async () => {
        askedCount++;
        if (answer === "silence") {
          await ending.promise;
          return textPage("it has ended", 503);
        }
        if (typeof answer === "number") return textPage("", answer);
        return typeof answer === "string" ? textPage(answer) : jsonPage(answer);
      },
    },
  });
  return {
    url: `http://${host}:${port}${base}`,
    get askedCount() {
      return askedCount;
    },
    answer(next) {
      answer = next;
    },
    async [Symbol.asyncDispose]() {
      ending.resolve();
      await server[Symbol.asyncDispose]();
    },
  };
}
