import { createHash } from "node:crypto";
import { z } from "zod";
import { arrayText } from "./array_text.ts";
import { EtlError } from "./failure.ts";
import type { Log } from "./logging.ts";
import { explainError } from "./postgres_failure.ts";
import { openHosts } from "./postgres_hosts.ts";
import {
  aroundPooler,
  type PostgresOptions,
  type Session,
} from "./postgres_session.ts";
import type { Secrets } from "./secrets.ts";

/** A connection of its own that can hold locks: they are held for as long as PostgreSQL takes it to be there. */
export interface LockSession {
  /** The process of PostgreSQL's that serves it. */
  readonly pid: string;
  /** Resolves when the connection is seen to have ended. */
  readonly ended: Promise<void>;
  /** Takes all of `keys`, or none where another session holds one of them; does not wait. */
  tryLock(keys: readonly string[]): Promise<boolean>;
  /** A session that holds one of `keys`, if there is one. */
  findHolder(keys: readonly string[]): Promise<LockHolder | undefined>;
  /** Resolves when the server has shown that the session is there, and with it what it holds. */
  confirm(): Promise<void>;
  /** Gives back at once what it holds, and ends it. */
  release(): Promise<void>;
  /** Cuts the connection. */
  destroy(): void;
}

/** A session that holds a lock, as far as PostgreSQL lets it be known. */
export interface LockHolder {
  readonly pid: string;
  readonly name?: string;
  readonly address?: string;
}

/**
 * What PostgreSQL itself does about a session whose client is gone without a word. A frozen client leaves an idle session,
 * a dead network unanswered probes; either ends the session seconds later than the client has stopped to count on it.
 * Servers that lack one of these leave it out.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  "application_name": "pg2es writer lock",
  "idle_session_timeout": "6s",
  "tcp_keepalives_idle": "2",
  "tcp_keepalives_interval": "1",
  "tcp_keepalives_count": "3",
  "tcp_user_timeout": "5s",
};

const BEGIN =
  `select (select count(set_config(s.name, w.value, false)) from pg_settings s
    join unnest($1::text[], $2::text[]) w (name, value) on w.name = s.name)::text as settings,
  pg_backend_pid()::text as pid`;
const TRY = `select bool_and(pg_try_advisory_lock(key))::text as is_taken
from (select key from unnest($1::bigint[]) key order by 1) k`;
const UNLOCK = "select pg_advisory_unlock_all()::text as unlocked";
const HOLDER = `select l.pid::text, coalesce(a.application_name, '') as name,
  coalesce(host(a.client_addr), '') as address
from pg_locks l left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'advisory' and l.granted and l.objsubid = 1
  and l.database = (select oid from pg_database where datname = current_database())
  and (l.classid::bigint << 32) | l.objid::bigint = any($1::bigint[])
order by l.pid limit 1`;
const CONFIRM = "select pg_backend_pid()::text as pid";

const Pid = z.tuple([z.object({ pid: z.string() })]);
const Taken = z.tuple([z.object({ "is_taken": z.enum(["true", "false"]) })]);
const Holders = z.array(
  z.object({ pid: z.string(), name: z.string(), address: z.string() }),
);

/** Short statements all: one that takes longer is a connection that is lost. */
const STATEMENT_TIMEOUT_MS = 2_000;

/**
 * The keys of the locks that writing to these indexes takes, in the order in which they are taken; each is a signed number
 * of 64 bits as text. Two Elasticsearch clusters may have indexes of one name.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { lockKeys } from "./postgres_lock.ts";
 * const keys = lockKeys("kUDb0wRyQ5", ["movies", "books"]);
 * deepEqual(keys, lockKeys("kUDb0wRyQ5", ["books", "movies"]));
 * ```
 */
export function lockKeys(
  clusterUuid: string,
  indexes: readonly string[],
): string[] {
  return indexes.toSorted().map((index) => {
    const text = JSON.stringify(["pg2es", clusterUuid, index]);
    const hash = createHash("sha256").update(text).digest();
    return String(hash.readBigInt64BE());
  });
}

/**
 * Connects for locks: directly, where the other connections go through a pooler.
 * @throws {EtlError} when PostgreSQL cannot be reached, or refuses.
 */
export async function openLockSession(
  options: PostgresOptions,
  { secrets, log, signal }: {
    secrets: Secrets;
    log: Log;
    signal: AbortSignal;
  },
): Promise<LockSession> {
  const direct = {
    ...aroundPooler(options),
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  };
  const session = await explained(
    openHosts(direct, { secrets, log }).connect(signal),
  );
  const ask = openQuestions(session);
  try {
    const names = Object.keys(SETTINGS);
    const values = Object.values(SETTINGS);
    const [{ pid }] = Pid.parse(await ask(BEGIN, names, values));
    return {
      pid,
      ended: session.ended,
      async tryLock(keys) {
        const [row] = Taken.parse(await ask(TRY, keys));
        if (row.is_taken === "true") return true;
        await ask(UNLOCK);
        return false;
      },
      async findHolder(keys) {
        const [holder] = Holders.parse(await ask(HOLDER, keys));
        if (holder === undefined) return undefined;
        const { name, address } = holder;
        return {
          pid: holder.pid,
          ...(name === "" ? {} : { name }),
          ...(address === "" ? {} : { address }),
        };
      },
      async confirm() {
        const [{ pid: now }] = Pid.parse(await ask(CONFIRM));
        // a pooler that gives a session to others after each transaction keeps no lock
        if (now !== pid) throw lost("another session");
      },
      async release() {
        try {
          await ask(UNLOCK);
          await session.end();
        } catch {
          session.destroy(); // it is gone, and what it held with it
        }
      },
      destroy: () => session.destroy(),
    };
  } catch (error) {
    session.destroy();
    throw error;
  }
}

/** What asks for the rows of a statement whose parameters are arrays. */
function openQuestions(session: Session) {
  return async (
    sql: string,
    ...arrays: readonly (readonly string[])[]
  ): Promise<readonly unknown[]> => {
    const { rows } = await explained(session.query(sql, arrays.map(arrayText)));
    return rows;
  };
}

async function explained<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (error) {
    throw explainError(error, "writer lock");
  }
}

function lost(code: string): EtlError {
  return new EtlError({ kind: "lock-lost", code });
}
