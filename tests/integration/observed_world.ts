import { freePort } from "../../dev/port.ts";
import { StatusReport, Verdict } from "../../src/status_report.ts";
import { until } from "./moments.ts";
import type { World } from "./world.ts";

/** What an agent of a world tells by HTTP. */
export interface Observed {
  readonly url: string;
  /** The answer at a path, its body as text; nothing while nobody answers. */
  ask(path: string): Promise<Answer | undefined>;
  /** What it says of its health, and of being ready. */
  health(): Promise<Verdict & { status: number }>;
  readiness(): Promise<Verdict & { status: number }>;
  status(): Promise<StatusReport>;
  /** The value behind a metric's name and labels; none where it is absent. */
  metric(series: string): Promise<number | undefined>;
}

/** An answer, read to its end. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Has the agent of a world tell by HTTP at a port of its own, with these keys of `http` besides. */
export async function observe(
  world: World,
  keys: Readonly<Record<string, unknown>> = {},
): Promise<Observed> {
  const port = freePort();
  await world.configure({ http: { port, ...keys } });
  return observeAt(port);
}

/** What is told at a port of this machine. */
export function observeAt(port: number): Observed {
  const url = `http://127.0.0.1:${port}`;

  async function ask(path: string): Promise<Answer | undefined> {
    try {
      const response = await fetch(`${url}${path}`);
      return { status: response.status, text: await response.text() };
    } catch {
      return undefined;
    }
  }
  async function expect(path: string): Promise<Answer> {
    let answer: Answer | undefined;
    await until(`${path} is answered`, async () => {
      answer = await ask(path);
      return answer !== undefined;
    });
    if (answer === undefined) throw new Error("unreachable");
    return answer;
  }
  async function verdict(path: string) {
    const { status, text } = await expect(path);
    return { status, ...Verdict.parse(JSON.parse(text)) };
  }

  return {
    url,
    ask,
    health: () => verdict("/healthz"),
    readiness: () => verdict("/readyz"),
    async status() {
      const { text } = await expect("/status");
      return StatusReport.parse(JSON.parse(text));
    },
    async metric(series) {
      const { text } = await expect("/metrics");
      const line = text.split("\n").find((line) =>
        line.startsWith(`${series} `)
      );
      return line === undefined
        ? undefined
        : Number(line.slice(series.length + 1));
    },
  };
}
