// @ts-types="@types/pg"
import pg from "pg";
import { type CopyData, openCopyData } from "./copy_data.ts";
import { CopyOut } from "./copy_out.ts";
import type { Log } from "./logging.ts";
import { openPassword } from "./postgres_password.ts";
import { type TlsFiles, tlsOptions } from "./postgres_tls.ts";
import { paceReads } from "./read_pace.ts";
import type { Secrets } from "./secrets.ts";

/** Where a server listens. */
export interface Host {
  readonly host: string;
  readonly port: number;
}

/** A database, and who comes to it. */
export interface DatabaseAddress extends Host {
  /** Hosts of the same cluster, which are tried after this one. */
  readonly otherHosts?: readonly Host[];
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  /** Holds the password, in place of `password`, and is read for each new connection. */
  readonly passwordFile?: string;
  readonly ssl: false | TlsFiles;
}

/** How PostgreSQL is reached; durations in milliseconds. */
export interface PostgresOptions extends DatabaseAddress {
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** Which hosts are fit: with `read-write` those that are not in recovery; `any` unless given. */
  readonly targetSessionAttrs?: "read-write" | "any";
  /** The way around a pooler that keeps sessions for one transaction only: where it is there, this is the way through it. */
  readonly lock?: DatabaseAddress;
}

/** A parameter of a statement: text in PostgreSQL's own form, or an array of such. */
export type Value = string | null | readonly (string | null)[];

/** One connection. After `destroy` every call fails at once. */
export interface Session {
  /** Whether statements can be sent: neither side has ended it. */
  readonly isOpen: boolean;
  /** Resolves when `isOpen` has become false. */
  readonly ended: Promise<void>;
  /** The answer to a statement, in which every value is text or null; to the last one of several. `isRepeated` as in `Statement`. */
  query(
    sql: string,
    values?: readonly Value[],
    options?: { isRepeated?: boolean },
  ): Promise<Answer>;
  /** Runs `copy … to stdout`, handing each message to `onMessage`. */
  copy(sql: string, onMessage: (message: Uint8Array) => void): Promise<void>;
  /** Ends the connection at once, and what runs on it. */
  destroy(): void;
  /** Ends the connection in order, or at once where the server does not take part. */
  end(): Promise<void>;
}

/** What came back for a statement. */
export interface Answer {
  readonly rows: readonly unknown[];
  readonly fields: readonly pg.FieldDef[];
}

/** A frozen connection is found by the client: the server's own limit comes first, this much earlier. */
const DEADLINE_SLACK_MS = { min: 1_000, max: 5_000 };

/** How long a server that may be frozen is given to say goodbye. */
const END_LIMIT_MS = 500;

const KEEP_ALIVE_DELAY_MS = 5_000;

/** What goes for every transaction: the text of a value must not depend on the server's or the role's settings. */
export const SETTINGS: readonly (readonly [name: string, value: string])[] = [
  ["TimeZone", "UTC"],
  ["DateStyle", "ISO, YMD"],
  ["IntervalStyle", "postgres"],
  ["extra_float_digits", "1"],
  ["bytea_output", "hex"],
  ["xmlbinary", "base64"],
  ["standard_conforming_strings", "on"],
  // a page of documents is done before it would pay to compile its query, and is estimated to be dear enough for it
  ["jit", "off"],
];

/** What goes for each session of one's own. */
const SESSION: typeof SETTINGS = [
  ...SETTINGS,
  ["default_transaction_isolation", "read committed"],
  ["default_transaction_read_only", "on"],
];

/**
 * The statements that begin a transaction in a session that others have used, and may have set otherwise: what
 * {@linkcode connectSession} sets for a session of one's own.
 */
export function openTransaction(
  { statementTimeoutMs }: PostgresOptions,
): string {
  const settings = [
    ...SETTINGS,
    ["client_encoding", "UTF8"],
    ["statement_timeout", String(statementTimeoutMs)],
    ["lock_timeout", String(lockTimeoutOf(statementTimeoutMs))],
  ];
  return [
    "begin isolation level read committed read only",
    ...settings.map(([name, value]) => `set local ${name} = '${value}'`),
    "set local search_path to default",
  ].join("; ");
}

/** A wait for a lock ends before the statement does: that tells it from documents that take too long to be read. */
function lockTimeoutOf(statementTimeoutMs: number): number {
  return Math.ceil(statementTimeoutMs / 2);
}

/** The way around the pooler, where there is one. */
export function aroundPooler(
  { lock, ...options }: PostgresOptions,
): PostgresOptions {
  if (lock === undefined) return options;
  const { connectTimeoutMs, statementTimeoutMs, targetSessionAttrs } = options;
  return {
    ...lock,
    connectTimeoutMs,
    statementTimeoutMs,
    ...(targetSessionAttrs === undefined ? {} : { targetSessionAttrs }),
  };
}

/** How every connection of the agent is made: host, login, TLS, keep-alives and name; nothing of the session. */
export function connectionOptions(
  address: DatabaseAddress,
  { secrets, host = address }: { secrets?: Secrets | undefined; host?: Host } =
    {},
): pg.ClientConfig {
  const { password, passwordFile } = address;
  return {
    host: host.host,
    port: host.port,
    database: address.database,
    user: address.user,
    // an empty string keeps the driver from asking PGPASSWORD; a missing one lets it look into ~/.pgpass
    ...(passwordFile !== undefined
      ? { password: openPassword(passwordFile, secrets) }
      : password === undefined
      ? {}
      : { password }),
    ssl: address.ssl === false ? false : tlsOptions(address.ssl),
    application_name: "pg2es",
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
  };
}

/**
 * Connects to one host.
 * @throws the driver's error, `timeout`, or the reason of the signal; no socket is left then.
 */
export async function connectSession(
  options: PostgresOptions,
  { host, secrets, log, signal }: {
    host: Host;
    secrets: Secrets | undefined;
    log: Log;
    signal: AbortSignal;
  },
): Promise<Session> {
  signal.throwIfAborted();
  const { connectTimeoutMs, statementTimeoutMs } = options;
  const isPooled = options.lock !== undefined;
  const client = new pg.Client({
    ...connectionOptions(options, { secrets, host }),
    ...(isPooled ? {} : ownSession(statementTimeoutMs)),
    types: { getTypeParser: () => (value: string) => value },
  });
  const socket = client.connection.stream;
  const names = new Map<string, string>();
  const waiting = new Set<(error: unknown) => void>();
  const ended = Promise.withResolvers<void>();
  let isOpen = true;
  let isDestroyed = false;
  let copyData: CopyData | undefined;

  function nameOf(sql: string): string {
    const name = names.get(sql) ?? `pg2es_${names.size}`;
    names.set(sql, name);
    return name;
  }
  function close(): void {
    isOpen = false;
    ended.resolve();
  }
  function destroy(error: unknown = new Error("Connection closed")): void {
    close();
    isDestroyed = true;
    for (const fail of waiting) fail(error);
    client.connection.stream.destroy(); // of TLS, where the socket below is another one
    socket.destroy();
  }
  async function within<T>(limitMs: number, action: Promise<T>): Promise<T> {
    const late = new Error("timeout: the server does not answer");
    const timer = setTimeout(() => destroy(late), limitMs);
    // of this call alone: a promise that lives as long as the session would gather what waited for it
    const cut = Promise.withResolvers<never>();
    waiting.add(cut.reject);
    if (isDestroyed) cut.reject(new Error("Connection closed"));
    try {
      return await Promise.race([cut.promise, action]);
    } finally {
      waiting.delete(cut.reject);
      clearTimeout(timer);
    }
  }
  // without a listener an error of a connection ends the process; whoever uses it is told by the query that fails
  client.on("error", ({ message }) => {
    if (isOpen) log.debug("connection to PostgreSQL lost", { message });
    close();
  });
  client.on("end", close);
  // before the first message; what comes before TLS is none
  client.connection.once(options.ssl ? "sslconnect" : "connect", () => {
    copyData = openCopyData(client.connection.stream);
  });

  const abort = () => destroy(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await within(connectTimeoutMs, client.connect());
  } catch (error) {
    destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }

  const { min, max } = DEADLINE_SLACK_MS;
  const limitMs = statementTimeoutMs +
    Math.min(Math.max(statementTimeoutMs, min), max);
  return {
    get isOpen() {
      return isOpen;
    },
    ended: ended.promise,
    async query(sql, values, { isRepeated = false } = {}) {
      const statement = {
        text: sql,
        ...(values === undefined ? {} : { values: [...values] }),
        ...(isRepeated && !isPooled ? { name: nameOf(sql) } : {}),
      };
      // several statements without values give several results, which the types do not say
      const results = await within(limitMs, client.query(statement));
      const { rows = [], fields = [] } = [results].flat().at(-1) ?? {};
      return { rows, fields };
    },
    async copy(sql, onMessage) {
      const copy = new CopyOut(sql, onMessage);
      copyData?.divert((chunk) => copy.handleCopyData({ chunk }));
      client.query(copy);
      copy.onEnd = paceReads(client.connection.stream);
      await within(limitMs, copy.done)
        .finally(() => copyData?.divert(undefined));
    },
    destroy,
    async end() {
      const wasOpen = isOpen;
      close();
      try {
        if (wasOpen) await within(END_LIMIT_MS, client.end());
      } catch {
        // it is gone, which is what was asked for
      } finally {
        destroy();
      }
    },
  };
}

/** Settings as the options that a session begins with. */
export function settingOptions(
  settings: readonly (readonly [name: string, value: string])[],
): string {
  return settings
    .map(([name, value]) => `-c ${name}=${value.replaceAll(" ", "\\ ")}`)
    .join(" ");
}

function ownSession(statementTimeoutMs: number): pg.ClientConfig {
  return {
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutOf(statementTimeoutMs),
    options: settingOptions(SESSION),
  };
}
