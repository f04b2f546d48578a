// @ts-types="@types/pg"
import pg from "pg";
import { z } from "zod";
import { CopyOut } from "./copy_out.ts";
import { EtlError } from "./failure.ts";
import type { Log } from "./logging.ts";
import { formatLsn, type Lsn } from "./lsn.ts";
import { quoteIdentifier } from "./postgres.ts";
import { explainError } from "./postgres_failure.ts";
import {
  aroundPooler,
  connectionOptions,
  type Host,
  type PostgresOptions,
  settingOptions,
  SETTINGS,
} from "./postgres_session.ts";
import type { Secrets } from "./secrets.ts";

/** What comes: a message of pgoutput as it is, or how far the server is. */
export type Received =
  | { readonly message: Uint8Array }
  | { readonly reached: Lsn };

/** A connection over which PostgreSQL sends what is committed, in the order of the commits. */
export interface ReplicationStream extends AsyncDisposable {
  /**
   * What has come since the last call; waits for it. Nothing more is read before what has come is taken.
   * @throws {EtlError} once the stream has ended.
   */
  take(): Promise<readonly Received[]>;
  /** Says that all before `lsn` is not needed again; it is told with the next beat. */
  confirm(lsn: Lsn): void;
  /** Has the server tell at once how far it has come. */
  hurry(): void;
}

/** So often the server is told what is confirmed, and asked whether it is there. */
const BEAT_MS = 5_000;

/** What is confirmed is told so often at most while much comes. */
const CONFIRM_MS = 250;

/** Nothing came in this time though it was asked for: the connection is frozen. */
const SILENCE_MS = 15_000;

/** So many bytes may wait for being taken; what comes after them stays with the server. */
const MAX_WAITING_BYTES = 1_000_000;

const END_LIMIT_MS = 500;

const LABEL = "WAL stream";

/** Milliseconds between 1970 and 2000, where PostgreSQL's clock begins. */
const EPOCH_MS = 946_684_800_000;

const Recovery = z.tuple([z.object({ is_standby: z.enum(["true", "false"]) })]);

/**
 * Opens the stream of `slot` on the first host that takes writes, from `start` on or where the slot is by itself.
 * @throws {EtlError} what keeps it from being opened.
 */
export async function openReplication(
  options: PostgresOptions,
  { slot, publication, start, secrets, log, signal }: {
    slot: string;
    publication: string;
    start: Lsn;
    secrets: Secrets;
    log: Log;
    signal: AbortSignal;
  },
): Promise<ReplicationStream> {
  const direct = aroundPooler(options);
  const client = await connect(direct, { secrets, log, signal });
  // a text of the replication protocol's own grammar, which knows no backslashes
  const names = quoteIdentifier(publication).replaceAll("'", "''");
  const command = `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL ${
    formatLsn(start)
  } (proto_version '1', publication_names '${names}')`;
  return stream(client, { command, start });
}

/** Connects for replication; the texts of values are the same as in the agent's other sessions. */
async function connect(
  options: PostgresOptions,
  { secrets, log, signal }: {
    secrets: Secrets;
    log: Log;
    signal: AbortSignal;
  },
): Promise<pg.Client> {
  const { otherHosts = [], connectTimeoutMs } = options;
  let last: unknown;
  for (const host of [options, ...otherHosts]) {
    signal.throwIfAborted();
    const client = new pg.Client({
      ...replicationOptions(options, { secrets, host }),
      connectionTimeoutMillis: connectTimeoutMs,
    });
    client.on("error", ({ message }) => {
      log.debug("connection of the WAL stream lost", { message });
    });
    const cut = () => client.connection.stream.destroy();
    signal.addEventListener("abort", cut, { once: true });
    try {
      await client.connect();
      const { rows } = await client.query(
        "select pg_is_in_recovery()::text as is_standby",
      );
      if (Recovery.parse(rows)[0].is_standby === "false") return client;
      throw new EtlError({
        kind: "server-unavailable",
        server: "PostgreSQL",
        code: "no read-write host",
      });
    } catch (error) {
      cut();
      last = error;
    } finally {
      signal.removeEventListener("abort", cut);
    }
  }
  signal.throwIfAborted();
  throw explainError(last, LABEL);
}

function replicationOptions(
  options: PostgresOptions,
  { secrets, host }: { secrets: Secrets; host: Host },
): pg.ClientConfig {
  const config = {
    ...connectionOptions(options, { secrets, host }),
    options: settingOptions([...SETTINGS, ["client_encoding", "UTF8"]]),
    // a session for replication that may run statements too; the types do not know it
    replication: "database",
  };
  return config;
}

function stream(
  client: pg.Client,
  { command, start }: { command: string; start: Lsn },
): ReplicationStream {
  const socket = () => client.connection.stream; // of TLS, where another one is below
  let items: Received[] = [];
  let waitingBytes = 0;
  let confirmed = start;
  let failure: { readonly error: unknown } | undefined;
  let isPaused = false;
  let heardMs = performance.now();
  let toldMs = 0;
  let wake = Promise.withResolvers<void>();

  function fail(error: unknown): void {
    failure ??= { error: explainError(error, LABEL) };
    clearInterval(beat);
    socket().destroy();
    wake.resolve();
  }
  function report(isAsking: boolean): void {
    if (failure !== undefined) return;
    toldMs = performance.now();
    socket().write(statusUpdate(confirmed, isAsking));
  }
  function take(chunk: Uint8Array): void {
    heardMs = performance.now();
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    // a copy, since the driver uses its buffer again; slice() of a Buffer is none
    const item = chunk[0] === XLOG_DATA
      ? { message: new Uint8Array(chunk.subarray(XLOG_HEADER_BYTES)) }
      : { reached: view.getBigUint64(1) };
    // a keep-alive that wants an answer
    if (chunk[0] === KEEP_ALIVE && chunk[17] === 1) report(false);
    items.push(item);
    waitingBytes += chunk.length;
    wake.resolve();
    if (isPaused || waitingBytes < MAX_WAITING_BYTES) return;
    isPaused = true;
    socket().pause();
  }

  const running = new CopyOut(command, (chunk) => {
    try {
      take(chunk);
    } catch (error) {
      fail(error); // there is no end of the rows to wait for
    }
  });
  running.done.then(() => fail(new Error("Connection terminated")), fail);
  const beat = setInterval(() => {
    const silentMs = performance.now() - heardMs;
    if (!isPaused && silentMs > SILENCE_MS) {
      fail(new Error("timeout: the server does not answer"));
    } else report(true);
  }, BEAT_MS);
  client.query(running);

  return {
    async take() {
      while (items.length === 0) {
        if (failure !== undefined) throw failure.error;
        wake = Promise.withResolvers();
        await wake.promise;
      }
      const taken = items;
      items = [];
      waitingBytes = 0;
      if (isPaused) {
        isPaused = false;
        heardMs = performance.now();
        socket().resume();
      }
      return taken;
    },
    confirm(lsn) {
      if (lsn <= confirmed) return;
      confirmed = lsn;
      if (performance.now() - toldMs >= CONFIRM_MS) report(false);
    },
    hurry: () => report(true),
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      if (failure === undefined) {
        report(false);
        socket().write(COPY_DONE);
        if (isPaused) socket().resume();
        const late = Promise.withResolvers<void>();
        const timer = setTimeout(late.resolve, END_LIMIT_MS);
        await Promise.race([running.done.catch(() => {}), late.promise]);
        clearTimeout(timer);
      }
      fail(new Error("Connection closed"));
    },
  };
}

const XLOG_DATA = "w".charCodeAt(0);
const KEEP_ALIVE = "k".charCodeAt(0);

/** The letter, two places in the log, and a time. */
const XLOG_HEADER_BYTES = 1 + 8 + 8 + 8;

/**
 * A standby status update as the one CopyData message: PostgreSQL manual 55.4 "Streaming Replication Protocol" and 55.7
 * "Message Formats". The types of the driver do not show that its connection could frame it.
 */
function statusUpdate(confirmed: Lsn, isAsking: boolean): Buffer {
  const frame = Buffer.alloc(1 + 4 + 34);
  frame.write("d");
  frame.writeInt32BE(frame.length - 1, 1);
  const message = frame.subarray(5);
  message.write("r");
  for (const place of [1, 9, 17]) message.writeBigUInt64BE(confirmed, place);
  const microseconds = BigInt(Date.now() - EPOCH_MS) * 1000n;
  message.writeBigInt64BE(microseconds, 25);
  message.writeUInt8(isAsking ? 1 : 0, 33);
  return frame;
}

/** CopyDone: the client sends no more. */
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4]);
