import { AsyncLocalStorage } from "node:async_hooks";
import { type DatabaseClock, openDatabaseClock } from "./database_clock.ts";
import type { Failure, Server } from "./failure.ts";
import { type IndexRecord, openIndexRecord } from "./index_record.ts";
import type { Instruments } from "./instruments.ts";
import {
  openProgressWatch,
  type ProgressWatch,
  type WatchLimits,
} from "./progress_watch.ts";
import { TICK_MS } from "./rate_history.ts";
import { openServerRecord, type ServerRecord } from "./server_record.ts";
import type {
  Dependency,
  IndexTelemetry,
  Role,
  SlotNotice,
  Telemetry,
} from "./telemetry.ts";

/** What the running agent knows of itself: everything that health, metrics and status are made from. */
export interface AgentRecord extends Disposable {
  /** What the stages tell it by. */
  readonly telemetry: Telemetry;
  readonly startedAt: string;
  readonly role: Role;
  readonly roleSince: string;
  readonly servers: Readonly<Record<Server, ServerRecord>>;
  /** In the order of the configuration. */
  readonly indexes: readonly IndexRecord[];
  /** How often a try failed, by what it was made at and the kind of failure, with a line break between. */
  readonly retryCounts: ReadonlyMap<string, number>;
  /** Watches an agent that does not write, or not yet. */
  readonly watch: ProgressWatch;
  readonly clock: DatabaseClock;
  /** When the oldest transaction began that was open at the last look; nothing where none was. */
  readonly oldestStart: string | undefined;
  /** What PostgreSQL keeps of its log for the agent. */
  readonly slot: SlotNotice | undefined;
}

/** What calls are made for. */
interface Work {
  readonly index: IndexRecord;
  /** Whether it is done for an index beside that one. */
  readonly isBeside: boolean;
}

/** Opens the record of an agent that is starting; time is taken for the charts until it is disposed of. */
export function openAgentRecord(
  { names, redact, limits, instruments }: {
    names: readonly string[];
    /** Takes secrets out of what is told. */
    redact: (text: string) => string;
    limits: WatchLimits;
    instruments: Instruments;
  },
): AgentRecord {
  const current = new AsyncLocalStorage<Work>();
  const clock = openDatabaseClock();
  const watch = openProgressWatch({ ...limits, restMs: 0 });
  const indexes = names.map((name) =>
    openIndexRecord(name, { clock, redact, limits })
  );
  const byName = new Map(indexes.map((index) => [index.name, index]));
  const retryCounts = new Map<string, number>();
  const servers = {
    PostgreSQL: openServerRecord(redact),
    Elasticsearch: openServerRecord(redact),
  };
  const startedAt = new Date().toISOString();
  let role: Role = "starting";
  let roleSince = startedAt;
  let oldestStart: string | undefined;
  let slot: SlotNotice | undefined;
  watch.turn(true);
  const timer = setInterval(() => {
    for (const index of indexes) index.tick();
  }, TICK_MS);

  /** The index that moves when a call that is made here comes to an end. */
  function movingIndex(): IndexRecord | undefined {
    const work = current.getStore();
    const isSign = !work?.isBeside || work.index.isAwaitingBeside;
    return isSign ? work?.index : undefined;
  }

  function beat(): void {
    watch.beat();
    movingIndex()?.watch.beat();
  }

  const telemetry: Telemetry = {
    of: (name) => {
      const index = byName.get(name);
      if (index === undefined) {
        throw new RangeError(`Cannot tell of index ${name}: it is not known`);
      }
      return bind(index);
    },
    async measure(call, action) {
      const work = current.getStore();
      const index = work?.isBeside ? undefined : work?.index;
      const timed = { ...call, index: index?.name };
      const result = await instruments.timeCall(timed, action);
      beat();
      index?.send(call.bytes ?? 0);
      return result;
    },
    answered(dependency) {
      beat();
      if (isServer(dependency)) servers[dependency].answer();
    },
    failed(dependency, failure) {
      const name = `${dependency}\n${failure.kind}`;
      retryCounts.set(name, (retryCounts.get(name) ?? 0) + 1);
      watch.retry();
      if (isOfServer(failure)) {
        if (isServer(dependency)) servers[dependency].fail(failure);
        for (const one of indexes) one.watch.retry();
        return;
      }
      if (isServer(dependency)) servers[dependency].answer();
      current.getStore()?.index.errors.add(failure);
      const index = movingIndex();
      index?.watch.retry();
      index?.faults.set(nameFault(dependency, failure), failure);
    },
    recovered(dependency, failure) {
      const name = nameFault(dependency, failure);
      for (const { faults } of indexes) faults.delete(name);
    },
    met(server, failure) {
      if (failure?.kind === "server-unavailable") servers[server].fail(failure);
      else servers[server].answer();
    },
    turn(next) {
      if (role === "stopping" || next === role) return;
      role = next;
      roleSince = new Date().toISOString();
      watch.turn(role === "starting" || role === "standby");
      for (const index of indexes) index.watch.turn(role === "writer");
    },
    slot(notice) {
      slot = notice;
    },
  };

  function bind(index: IndexRecord): IndexTelemetry {
    return {
      ...index,
      run(action, saved) {
        index.begin(saved);
        return current.run({ index, isBeside: false }, action);
      },
      beside: (action) => current.run({ index, isBeside: true }, action),
      async pass(kind, action) {
        index.startPass(kind);
        const startedMs = performance.now();
        const took = () => (performance.now() - startedMs) / 1000;
        try {
          const summary = await instruments.timePass(
            { index: index.name, kind },
            action,
          );
          index.endPass(summary, { seconds: took() });
          return summary;
        } catch (error) {
          index.endPass(undefined, { seconds: took(), error });
          throw error;
        }
      },
      resumed() {
        index.resumed();
        index.watch.turn(role === "writer");
      },
      note(notice) {
        clock.observe(notice.now, notice.askedMs);
        oldestStart = notice.oldestStart;
        index.note(notice);
      },
    };
  }

  return {
    telemetry,
    startedAt,
    get role() {
      return role;
    },
    get roleSince() {
      return roleSince;
    },
    servers,
    indexes,
    retryCounts,
    watch,
    clock,
    get oldestStart() {
      return oldestStart;
    },
    get slot() {
      return slot;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function isServer(dependency: Dependency): dependency is Server {
  return dependency === "PostgreSQL" || dependency === "Elasticsearch";
}

/** Whether a failure is of a server as a whole. */
function isOfServer({ kind }: Failure): boolean {
  return kind === "server-unavailable" || kind === "server-refused";
}

function nameFault(dependency: Dependency, failure: Failure): string {
  const place = "index" in failure
    ? failure.index
    : "query" in failure
    ? failure.query
    : "";
  return `${dependency} ${failure.kind} ${place}`;
}
