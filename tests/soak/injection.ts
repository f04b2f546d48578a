import { join } from "node:path";
import type { FaultProxy } from "../integration/fault_proxy.ts";
import { openSession, type Session } from "../integration/world.ts";
import { sendSignal } from "../../dev/signal.ts";
import type { Supervised } from "./agent.ts";
import { superviseAgent } from "./agent.ts";
import type { HttpFault } from "./http_proxy.ts";
import type { FaultKind, PlannedFault } from "./schedule.ts";
import type { Stage } from "./stage.ts";
import { sleep } from "./writer.ts";

/** What faults are put upon. */
export interface Scene {
  readonly stage: Stage;
  readonly agent: Supervised;
  /** Told how second agents ended, where they should not have. */
  readonly unexpected: string[];
  /** Writes a line for who looks into a failure, with the time. */
  note(line: string): Promise<void>;
}

/** Undoes a fault; a moment that is over needs nothing. */
type Undo = () => unknown;

const HTTP_FAULTS: Readonly<Partial<Record<FaultKind, HttpFault>>> = {
  "http: 429": "429",
  "http: 503": "503",
  "http: 413 for large requests": "413",
  "http: a page of HTML": "html",
  "http: answers cut": "cut",
  "http: answers lost": "lost",
  "http: items refused with 429": "refused-items",
  "http: items dropped": "dropped-items",
};

/**
 * Puts a fault upon the scene and lets it last as long as planned, or until the signal. One that cannot begin, such as
 * a block of an index that is away, is none: `begun` is not called.
 */
export async function inject(
  { scene, planned, begun }: {
    scene: Scene;
    planned: PlannedFault;
    begun: () => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const { kind, lastsMs, amount } = planned;
  let undo: Undo;
  try {
    undo = await begin(scene, planned);
  } catch (error) {
    return await scene.note(
      `${kind} cannot begin: ${error instanceof Error ? error.message : error}`,
    );
  }
  begun();
  await scene.note(`${kind} begins, for ${lastsMs} ms, amount ${amount}`);
  await sleep(lastsMs, signal);
  await persist(undo);
  if (lastsMs > 0) await scene.note(`${kind} is over`);
}

/** What a restarted server refuses is tried again: no fault outlives its time for that. */
async function persist(undo: Undo): Promise<void> {
  for (let triesLeft = 120;; triesLeft--) {
    try {
      return void await undo();
    } catch (error) {
      if (triesLeft === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

async function begin(scene: Scene, planned: PlannedFault): Promise<Undo> {
  const { kind, amount } = planned;
  const fault = HTTP_FAULTS[kind];
  if (fault !== undefined) return undoing(scene.stage.http.inject(fault));
  const [place, what = ""] = kind.split(": ");
  if (place === "postgres" || place === "elasticsearch") {
    const ofProxy = beginOnProxy(scene.stage.tcp[place], { what, amount });
    if (ofProxy !== undefined) return ofProxy;
  }
  switch (place) {
    case "postgres":
      return await beginOnPostgres(scene.stage, what);
    case "elasticsearch":
      return await beginOnElasticsearch(scene.stage, what);
    case "index":
      return await beginOnIndex(scene.stage, what);
    case "log":
      return await beginOnLog(scene.stage, what);
    default:
      return await beginOnAgent(scene, what);
  }
}

function beginOnProxy(
  proxy: FaultProxy,
  { what, amount }: { what: string; amount: number },
): Undo | undefined {
  switch (what) {
    case "connections cut":
      proxy.cut();
      return () => {};
    case "frozen":
      return undoing(proxy.freeze());
    case "delayed":
      return undoing(proxy.delay(amount));
    case "throttled":
      return undoing(proxy.throttle(amount));
    case "cut after bytes":
      return undoing(proxy.cutAfter(amount, amount % 2 === 0 ? "up" : "down"));
    case "refused":
      return undoing(proxy.refuse());
  }
  return undefined;
}

function undoing(lasting: Disposable): Undo {
  return () => lasting[Symbol.dispose]();
}

async function beginOnPostgres(
  { servers: { postgres }, sql, databaseUrl, user }: Stage,
  what: string,
): Promise<Undo> {
  switch (what) {
    case "sessions terminated":
      await sql(
        `select pg_terminate_backend(pid)::text from pg_stat_activity where usename = '${user}'`,
      );
      return () => {};
    case "too many connections":
      await sql(`alter role ${user} connection limit 0`);
      return () => sql(`alter role ${user} connection limit -1`);
    case "table locked": {
      const session = await openSession(databaseUrl);
      try {
        await session.sql("set lock_timeout = '3s'; begin");
        await session.sql(
          "lock table content.film_work in access exclusive mode",
        );
      } catch (error) {
        await endQuietly(session);
        throw error;
      }
      return () => endQuietly(session);
    }
    case "restart":
      await postgres.stop("fast");
      return postgres.start;
    case "crash":
      await postgres.stop("immediate");
      return postgres.start;
  }
  throw new RangeError(`Cannot begin a fault of PostgreSQL: ${what}`);
}

/** What is the agent's own on PostgreSQL has this name. */
const SLOT = "pg2es_movies_database";

async function beginOnLog({ sql }: Stage, what: string): Promise<Undo> {
  switch (what) {
    case "slot dropped":
      await sql(
        `select pg_terminate_backend(active_pid)::text from pg_replication_slots where slot_name = '${SLOT}'`,
      );
      await sql(
        `select pg_drop_replication_slot(slot_name)::text from pg_replication_slots where slot_name = '${SLOT}'`,
      );
      return () => {};
    case "publication dropped":
      await sql(`drop publication if exists ${SLOT}`);
      return () => {};
    case "table out of the publication":
      await sql(
        `alter publication ${SLOT} drop table content.person_film_work`,
      );
      return () => {};
    case "more than the slot may keep":
      await sql(
        "select pg_logical_emit_message(false, 'soak', repeat('0123456789', 100000))::text from generate_series(1, 20)",
      );
      return () => {};
  }
  throw new RangeError(`Cannot begin a fault of the log: ${what}`);
}

async function endQuietly(session: Session): Promise<void> {
  try {
    await session[Symbol.asyncDispose]();
  } catch {
    // a restart has ended it
  }
}

async function beginOnElasticsearch(
  { servers: { elasticsearch } }: Stage,
  what: string,
): Promise<Undo> {
  switch (what) {
    case "paused": {
      const { pid } = elasticsearch;
      sendSignal(-pid, "SIGSTOP");
      return () => sendSignal(-pid, "SIGCONT");
    }
    case "restart":
      await elasticsearch.stop();
      return elasticsearch.start;
    case "crash":
      await elasticsearch.kill();
      return elasticsearch.start;
  }
  throw new RangeError(`Cannot begin a fault of Elasticsearch: ${what}`);
}

/**
 * Takes every block off the indexes and opens them: a server that is stopped, or crashes, may do what it was asked for after
 * the one who asked has given up.
 */
export async function freeIndexes({ ask, indexNames }: Stage): Promise<void> {
  await persist(async () => {
    const names = await indexNames();
    if (names.length === 0) return;
    const path = `/${names.join(",")}`;
    const gone = "ignore_unavailable=true";
    await ask("POST", `${path}/_open?${gone}`);
    const settings = {
      "index.blocks.write": null,
      "index.blocks.read_only_allow_delete": null,
    };
    await ask("PUT", `${path}/_settings?${gone}`, settings);
  });
}

async function beginOnIndex(
  { ask, indexNames }: Stage,
  what: string,
): Promise<Undo> {
  // the name may stand for another index by the time of the undoing, or for none
  const path = `/${(await indexNames()).join(",")}`;
  const gone = "ignore_unavailable=true";
  const block = async (setting: string) => {
    await ask("PUT", `${path}/_settings`, { [setting]: true });
    return () => ask("PUT", `${path}/_settings?${gone}`, { [setting]: null });
  };
  switch (what) {
    case "writes blocked":
      return await block("index.blocks.write");
    case "flood stage":
      return await block("index.blocks.read_only_allow_delete");
    case "closed":
      await ask("POST", `${path}/_close`);
      return () => ask("POST", `${path}/_open?${gone}`);
    case "deleted":
      await ask("DELETE", path);
      return () => {};
  }
  throw new RangeError(`Cannot begin a fault of the index: ${what}`);
}

async function beginOnAgent(
  { stage, agent, unexpected }: Scene,
  what: string,
): Promise<Undo> {
  switch (what) {
    case "SIGKILL":
    case "SIGTERM":
      await agent.end(what);
      return () => {};
    case "paused": {
      const { pid } = agent;
      sendSignal(pid, "SIGSTOP");
      return () => sendSignal(pid, "SIGCONT");
    }
    case "folder full": {
      const filler = join(stage.first.folder, "filler");
      await fill(filler);
      return () => Deno.remove(filler);
    }
    case "second one": {
      const second = await superviseAgent(stage.second);
      return async () => {
        await second[Symbol.asyncDispose]();
        unexpected.push(...second.unexpected);
      };
    }
  }
  throw new RangeError(`Cannot begin a fault of the agent: ${what}`);
}

/** Writes until the file system is full. */
async function fill(path: string): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true });
  for (let byteCount = 65_536; byteCount >= 1;) {
    try {
      await file.write(new Uint8Array(byteCount).fill(1));
    } catch {
      byteCount /= 16;
    }
  }
}
