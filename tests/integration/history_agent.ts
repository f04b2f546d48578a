import pLimit from "p-limit";
import { type ChangeFeed, openChangeFeed } from "../../src/change_feed.ts";
import { type Checkpoint, openCheckpoint } from "../../src/checkpoint.ts";
import { loadConfig } from "../../src/config.ts";
import { NO_DEAD_LETTERS } from "../../src/dead_letters.ts";
import type { Horizon } from "../../src/horizon.ts";
import { type Agent, openPipeline } from "../../src/open_pipeline.ts";
import { type Pipeline, runOnce, type Summary } from "../../src/pipeline.ts";
import { planIndexes } from "../../src/plan_indexes.ts";
import type { IndexPlan } from "../../src/plan.ts";
import type { Source } from "../../src/postgres.ts";
import { createPersister } from "../../src/retry.ts";
import { openScope } from "../../src/scope.ts";
import { openServers } from "../../src/servers.ts";
import { openSweep } from "../../src/sweep.ts";
import { type LogRecord, recordLog } from "./agent_run.ts";
import type { World } from "./world.ts";

/** What is called before each statement that the agent sends to PostgreSQL, with the statement's label. */
export type Pause = (label: string) => Promise<void>;

/** An agent whose passes are made one by one, and which stands still before each of its statements. */
export interface SteppedAgent extends AsyncDisposable {
  /** Everything that was logged so far. */
  readonly records: LogRecord[];
  /** One pass; `pause` is called before each statement, and what it throws ends the pass as a crash does. */
  pass(
    options?: { pause?: Pause; drain?: AbortSignal },
  ): Promise<Summary>;
  /** One pass, and then a sweep of all contents with the passes that it asks for. */
  sweep(): Promise<void>;
  /** Whether the last pass, or the load, was not brought to its end. */
  isInterrupted(): boolean;
  /** What a new process does: everything but the state file is forgotten. */
  restart(): Promise<void>;
  /** A restart without the state file. */
  forget(): Promise<void>;
}

/** How a {@linkcode SteppedAgent} differs from the one that is delivered. */
export interface Changes {
  readonly plan?: (plan: IndexPlan) => IndexPlan;
  readonly pipeline?: (pipeline: Pipeline) => Pipeline;
}

/** Opens an agent on the first index of a world's configuration. */
export async function openSteppedAgent(
  world: World,
  { plan: changePlan, pipeline: changePipeline }: Changes = {},
): Promise<SteppedAgent> {
  const records: LogRecord[] = [];
  const log = recordLog((record) => records.push(record));
  const never = new AbortController().signal;
  const loaded = await loadConfig(world.configFile, {});
  const { config } = loaded;
  const scope = openScope();
  const servers = openServers(loaded, { scope, log, drain: never });
  let pause: Pause = () => Promise.resolve();
  const source = pauseBefore(servers.source, (label) => pause(label));
  const limit = pLimit(config.elasticsearch.concurrency);
  const plans = await planIndexes(loaded, { source, signal: never });
  const [plan] = plans.map(changePlan ?? ((plan) => plan));
  if (plan === undefined) throw new TypeError("Cannot find an index");
  const kept = plan;

  let feed: ChangeFeed | undefined;

  function openFeed(checkpoint: Checkpoint): ChangeFeed {
    const { wal, postgres, retry } = config;
    const { secrets } = loaded;
    const opened = openChangeFeed({
      ...{ wal, postgres, source: servers.source, secrets, log, retry },
      claimSlot: checkpoint.claimSlot,
      onSlot() {},
    });
    opened.expect(kept.name, checkpoint.load(kept.name)?.wal);
    return opened;
  }

  async function open(): Promise<{ agent: Agent; pipeline: Pipeline }> {
    await feed?.[Symbol.asyncDispose]();
    feed = undefined;
    const checkpoint = await openCheckpoint(
      config.stateFile,
      createPersister("state file", {
        limits: config.retry,
        log,
        drain: never,
      }),
    );
    const stop = { drain: never, kill: never };
    const deadLetters = {
      of: () => NO_DEAD_LETTERS,
      list: () => Promise.resolve([]),
    };
    const shared = {
      ...{ config, limit, checkpoint, deadLetters },
      ...{ force: false, log, stop },
    };
    const leastVersions = new Map<string, string>();
    if (config.indexes[0]?.follow === "wal") {
      feed = openFeed(checkpoint);
    }
    const agent = {
      ...{ ...servers, source, leastVersions, ...shared },
      ...(feed === undefined ? {} : { feed }),
    };
    const { pipeline } = await openPipeline(agent, { plan: kept, log });
    return { agent, pipeline: changePipeline?.(pipeline) ?? pipeline };
  }

  let opened = await open();
  return {
    records,
    async pass(options = {}) {
      pause = options.pause ?? (() => Promise.resolve());
      try {
        const stop = { drain: options.drain ?? never, kill: never };
        return await runOnce(opened.pipeline, stop);
      } finally {
        pause = () => Promise.resolve();
      }
    },
    async sweep() {
      const { pipeline } = opened;
      const [definition] = config.indexes;
      if (definition === undefined) throw new TypeError("Cannot find an index");
      const stop = { drain: never, kill: never };
      const { cluster } = servers;
      await using sweep = openSweep({ pipeline, cluster, definition });
      let summary = await runOnce(pipeline, stop);
      const budgetMs = Infinity;
      while (await sweep.advance({ summary, budgetMs, stop })) {
        summary = await runOnce(pipeline, stop);
      }
    },
    isInterrupted() {
      const position = opened.agent.checkpoint.load(kept.name);
      return position === undefined || position.load !== undefined ||
        position.scan !== undefined;
    },
    async restart() {
      opened = await open();
    },
    async forget() {
      await Deno.remove(world.stateFile).catch(() => {}); // not there at first
      opened = await open();
    },
    async [Symbol.asyncDispose]() {
      await feed?.[Symbol.asyncDispose]();
      await scope.close();
    },
  };
}

/** A horizon that nobody needs if it is right: it says that every row committed from now on is stamped later than now. */
export function removeHorizon(pipeline: Pipeline): Pipeline {
  const { horizon } = pipeline;
  const removed: Horizon = {
    async note(source, options) {
      const notice = await horizon.note(source, options);
      const { now } = notice;
      return { ...notice, from: options.low ?? now, low: now };
    },
  };
  return { ...pipeline, horizon: removed };
}

function pauseBefore(source: Source, pause: Pause): Source {
  return {
    ...source,
    async query(statement, options) {
      await pause(statement.label);
      return await source.query(statement, options);
    },
    async copy(copy, signal) {
      await pause(copy.label);
      return await source.copy(copy, signal);
    },
  };
}
