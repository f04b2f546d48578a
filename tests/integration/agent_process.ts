import { equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { agentFlags } from "../../dev/agent_flags.ts";

/** How the agent is started. */
export interface AgentOptions {
  /** The folder to start it in, the only one that it may write to. */
  readonly folder: string;
  /** Its command line. */
  readonly args?: readonly string[];
  /** Variables added to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The words before its command line: a program that starts it, such as `setpriv`. */
  readonly through?: readonly string[];
}

/** A line of the log in JSON; beside these three it has the fields of the event. */
export type LogLine = z.infer<typeof LogLine>;
const LogLine = z.looseObject({
  time: z.string(),
  level: z.enum(["debug", "info", "warning", "error"]),
  message: z.string(),
});

/** How the agent ended, and everything that it said. */
export interface Ending {
  readonly code: number;
  /** The signal that ended it, if one did. */
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  /** The log, in whatever format, and what was told besides. */
  readonly stderr: string;
  /** The lines of {@linkcode Ending.stderr} that are the log in JSON. */
  readonly log: readonly LogLine[];
  /** The lines of {@linkcode Ending.stderr} that are not. */
  readonly told: readonly string[];
}

/** The agent as a process of its own; disposing of it kills it where it still runs. */
export interface AgentProcess extends AsyncDisposable {
  /**
   * The next line of the log, after the last one that was waited for, that has this message or for which the function
   * holds. Rejects with all that was said when the agent ends without it, or takes longer than 60 s.
   */
  waitFor(wanted: string | ((line: LogLine) => boolean)): Promise<LogLine>;
  kill(signal: Deno.Signal): void;
  /** Resolves when it has ended, on its own or by a signal; rejects when that takes longer than 60 s. */
  ended(): Promise<Ending>;
}

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const DENO_JSON = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** Far beyond what anything here takes, on a busy machine too: a test that waits this long has failed. */
export const LIMIT_MS = 60_000;

/**
 * Starts the agent: the executable that `PG2ES_BINARY` names, else `main.ts` under the Deno of the tests, with the
 * permissions that deno.json gives it.
 */
export function startAgent(
  { folder, args = [], env = {}, through = [] }: AgentOptions,
): AgentProcess {
  const binary = Deno.env.get("PG2ES_BINARY");
  const [program = "", ...words] = [
    ...through,
    ...binary === undefined
      ? [
        ...[Deno.execPath(), "run", "--quiet", "--config", DENO_JSON],
        ...agentFlags(),
        MAIN,
      ]
      : [binary],
    ...args,
  ];
  const child = new Deno.Command(program, {
    args: words,
    cwd: folder,
    env: { ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  const lines: string[] = [];
  const told: string[] = [];
  const log: LogLine[] = [];
  let next = 0;
  let hasEnded = false;
  let wake = Promise.withResolvers<void>();

  async function readLog(): Promise<void> {
    for await (const line of readLines(child.stderr)) {
      lines.push(line);
      const parsed = parseLine(line);
      if (parsed === undefined) told.push(line);
      else log.push(parsed);
      wake.resolve();
    }
  }
  async function end(): Promise<Ending> {
    const [{ code, signal }, stdout] = await Promise.all([
      child.status,
      new Response(child.stdout).text(),
      readLog(),
    ]);
    hasEnded = true;
    wake.resolve();
    return { code, signal, stdout, stderr: lines.join("\n"), log, told };
  }
  const ending = end();

  async function within<T>(what: string, action: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`${what} takes too long:\n${said()}`)),
      LIMIT_MS,
    );
    try {
      return await Promise.race([action, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }
  function said(): string {
    return lines.slice(-60).join("\n");
  }
  async function find(
    name: string,
    isWanted: (line: LogLine) => boolean,
  ): Promise<LogLine> {
    for (;;) {
      for (; next < log.length; next++) {
        const line = log[next];
        if (line === undefined || !isWanted(line)) continue;
        next++;
        return line;
      }
      if (hasEnded) throw new Error(`${name} did not come:\n${said()}`);
      await wake.promise;
      wake = Promise.withResolvers();
    }
  }

  return {
    waitFor(wanted) {
      const name = `log line ${wanted}`;
      const isWanted = typeof wanted === "function"
        ? wanted
        : ({ message }: LogLine) => message === wanted;
      return within(name, find(name, isWanted));
    },
    kill: (signal) => child.kill(signal),
    ended: () => within("the end", ending),
    async [Symbol.asyncDispose]() {
      if (!hasEnded) {
        try {
          child.kill("SIGKILL");
        } catch {
          // it has ended meanwhile
        }
      }
      await ending;
    },
  };
}

/** Runs the agent until it ends by itself. */
export async function runToEnd(options: AgentOptions): Promise<Ending> {
  await using agent = startAgent(options);
  return await agent.ended();
}

/** Expects this status and these lines beside the log, in this order and no others, none of them of a stack. */
export function expectTold(
  { code, told, stderr }: Ending,
  expected: { code: number; lines: readonly RegExp[] },
): void {
  equal(code, expected.code, stderr);
  equal(told.length, expected.lines.length, stderr);
  for (const [place, line] of expected.lines.entries()) {
    match(told[place] ?? "", line);
  }
  expectNoStack(stderr);
}

/** Expects no line of a stack. */
export function expectNoStack(text: string): void {
  ok(!/^\s+at /m.test(text), text);
}

/** An empty folder, removed with everything in it. */
export async function openTemporary(): Promise<
  AsyncDisposable & { folder: string }
> {
  const folder = await Deno.makeTempDir();
  return {
    folder,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

function parseLine(line: string): LogLine | undefined {
  if (!line.startsWith("{")) return undefined;
  return LogLine.parse(JSON.parse(line));
}

async function* readLines(
  bytes: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest !== "") yield rest;
}
