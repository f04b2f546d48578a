import { openLocks, runAgent } from "./agent.ts";
import { loadConfig, type LoadedConfig } from "./config.ts";
import { EtlError } from "./failure.ts";
import { configureLogging, createLog, type Log } from "./logging.ts";
import { findDefinition } from "./named_index.ts";
import { planIndexes } from "./plan_indexes.ts";
import {
  readReindexEntry,
  type ReindexEntry,
  reindexFileOf,
  removeReindexEntry,
  writeReindexEntry,
} from "./reindex_file.ts";
import {
  type ReindexOutcome,
  type ReindexRequest,
  requestByHand,
} from "./reindex_requests.ts";
import { openScope } from "./scope.ts";
import { openServers } from "./servers.ts";
import { type Stop, stopAfter } from "./stop.ts";
import { pause } from "./ticks.ts";

/** The command line of `reindex`. */
export interface ReindexArguments {
  readonly config: string;
  readonly index: string;
  readonly rollback: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

/** How often the agent's answer is looked at. */
const LOOK_MS = 500;

/** An agent that is there answers within a second or two. */
const ANSWER_LIMIT_MS = 20_000;

/** How often a line tells how far it is where nobody watches, and where somebody does. */
const PROGRESS_MS = { plain: 10_000, terminal: 500 };

/**
 * Has another index made beside the one that is searched and searched in its place, or goes back to the one before: by the
 * agent that writes, or, where none does, itself. Tells what comes of it; returns whether it was done.
 * @throws {EtlError} `config-invalid` when there is no such index; what time cannot mend.
 */
export async function reindex(
  { config: file, index, rollback, force, json }: ReindexArguments,
  drain: AbortSignal,
): Promise<boolean> {
  const loaded = await loadConfig(file, Deno.env.toObject());
  const { config, secrets } = loaded;
  const { name } = findDefinition(config, index);
  const kind = rollback ? "rollback" : "reindex";
  const request = { kind, forced: force } as const;
  const stop = stopAfter(drain, config.gracePeriodMs);
  const scope = openScope();
  try {
    scope.add(await configureLogging(config.logging, { secrets }));
    const log = createLog();
    const only = withOnly(loaded, name);
    const options = { request, name, log, stop };
    const outcome = await hasWriter(only, options)
      ? await askAgent(config.stateFile, options)
      : await runAlone(only, options);
    tell(name, { outcome, json });
    return outcome?.state === "done";
  } finally {
    await scope.close();
  }
}

interface Asked {
  readonly request: ReindexRequest;
  readonly name: string;
  readonly log: Log;
  readonly stop: Stop;
}

/** The configuration with every other index off. */
function withOnly(loaded: LoadedConfig, name: string): LoadedConfig {
  const indexes = loaded.config.indexes.map((index) => ({
    ...index,
    enabled: index.name === name,
  }));
  return { ...loaded, config: { ...loaded.config, indexes } };
}

/** Whether an agent writes to the index. */
async function hasWriter(
  loaded: LoadedConfig,
  { log, stop }: Asked,
): Promise<boolean> {
  const scope = openScope();
  try {
    const servers = openServers(loaded, { scope, log, drain: stop.drain });
    const { source } = servers;
    const plans = await planIndexes(loaded, { source, signal: stop.kill });
    const locks = await openLocks(servers, { loaded, plans, log, stop });
    return !await locks.isFree(stop.kill);
  } finally {
    await scope.close();
  }
}

/** Follows the index until it is done. */
async function runAlone(
  loaded: LoadedConfig,
  { request, name, log, stop }: Asked,
): Promise<ReindexOutcome | undefined> {
  const answered = new AbortController();
  const drain = AbortSignal.any([stop.drain, answered.signal]);
  let outcome: ReindexOutcome | undefined;
  const requests = requestByHand(name, request, (answer) => {
    if (answer.state === "begun") return;
    outcome = answer;
    answered.abort();
  });
  const options = { log, stop: { ...stop, drain }, once: false, requests };
  await runAgent(loaded, options);
  return outcome;
}

/** Has the agent that writes do it, and waits until it has. */
async function askAgent(
  stateFile: string,
  { request, name, stop }: Asked,
): Promise<ReindexOutcome | undefined> {
  const file = reindexFileOf(stateFile, name);
  const { asked } = await ask(file, request);
  const progress = openProgress(name);
  const askedMs = performance.now();
  try {
    while (!stop.drain.aborted) {
      await pause(LOOK_MS, stop.drain);
      const entry = await readReindexEntry(file);
      if (entry !== undefined && entry.asked !== asked) {
        return { state: "refused", why: "something else was asked for since" };
      }
      const outcome = entry?.outcome;
      if (outcome === undefined) {
        if (performance.now() - askedMs < ANSWER_LIMIT_MS) continue;
        await removeReindexEntry(file);
        const why = "the agent that writes does not answer: it uses another " +
          "state file, or the index is paused or loading. Ask where it runs";
        return { state: "refused", why };
      }
      progress.show(outcome);
      if (outcome.state === "begun") continue;
      await removeReindexEntry(file);
      return outcome;
    }
    return undefined;
  } finally {
    progress.end();
  }
}

/** Writes the request, unless it is there and being done already. */
async function ask(
  file: string,
  request: ReindexRequest,
): Promise<ReindexEntry> {
  const found = await readReindexEntry(file);
  const isOpen = found !== undefined &&
    (found.outcome === undefined || found.outcome.state === "begun");
  if (isOpen && found.kind === request.kind) return found;
  // the way back ends what is on its way
  if (isOpen && request.kind === "reindex") {
    const fault = `pg2es ${request.kind}: another, ${found.kind}, was asked ` +
      `for at ${found.asked} and is being done. Wait for it, or delete ${file}`;
    throw new EtlError({ kind: "config-invalid", faults: [fault] });
  }
  const asked = new Date().toISOString();
  const entry = { version: 1, asked, ...request } as const;
  await writeReindexEntry(file, entry);
  return entry;
}

/** Tells on standard error how far it is: one line that is written over on a terminal, else a line now and then. */
function openProgress(name: string) {
  const isTerminal = Deno.stderr.isTerminal();
  const periodMs = isTerminal ? PROGRESS_MS.terminal : PROGRESS_MS.plain;
  let toldMs = -Infinity;
  return {
    show(outcome: ReindexOutcome): void {
      if (outcome.state !== "begun") return;
      if (performance.now() - toldMs < periodMs) return;
      toldMs = performance.now();
      const { documents, total } = outcome;
      const count = documents === undefined
        ? "begun"
        : `${documents} documents${
          total === undefined ? "" : ` of about ${total}`
        }`;
      const line = `${name}: ${count}`;
      write(Deno.stderr, isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
    },
    end(): void {
      if (isTerminal) write(Deno.stderr, "\r\x1b[K");
    },
  };
}

function tell(
  name: string,
  { outcome, json }: { outcome: ReindexOutcome | undefined; json: boolean },
): void {
  if (json) {
    const state = { index: name, ...outcome ?? { state: "stopped" } };
    return write(Deno.stdout, `${JSON.stringify(state)}\n`);
  }
  const said = outcome?.state === "done"
    ? `${outcome.name} is searched now`
    : outcome?.state === "refused"
    ? `not done: ${outcome.why}`
    : "stopped before it was done; an agent goes on with it";
  write(Deno.stdout, `${name}: ${said}\n`);
}

function write(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}
