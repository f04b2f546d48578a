// @ts-types="@types/pg"
import pg from "pg";
import { seedRandom } from "../../db/random.ts";
import {
  planTransactions,
  type Step,
  type Transaction,
} from "./transactions.ts";

/** Sessions that change the films until they are told to pause. */
export interface Writer extends AsyncDisposable {
  readonly tally: Readonly<WriterTally>;
  /** Writes on. Does nothing when it writes. */
  resume(): void;
  /** Ends all transactions, prepared ones too, and writes no more. */
  pause(): Promise<void>;
}

/** What was done so far. */
export interface WriterTally {
  committed: number;
  rolledBack: number;
  prepared: number;
  /** Ended by the server: deadlocks, lost connections, unique values. */
  failed: number;
  /** Rows of committed transactions. */
  rows: number;
}

const SESSIONS = 3;

/** Opens the writer; it pauses at first. */
export function openWriter(
  { url, seed, marker }: { url: string; seed: number; marker: string },
): Writer {
  const tally = {
    committed: 0,
    rolledBack: 0,
    prepared: 0,
    failed: 0,
    rows: 0,
  };
  const plans = Array.from(
    { length: SESSIONS },
    (_, place) => planTransactions(seedRandom(seed + 1 + place), marker),
  );
  let stop = new AbortController();
  stop.abort();
  let running: Promise<unknown> = Promise.resolve();

  async function write(
    plan: Generator<Transaction, never>,
    signal: AbortSignal,
  ): Promise<void> {
    let client: pg.Client | undefined;
    while (!signal.aborted) {
      try {
        client ??= await connect(url);
        await run(client, { transaction: plan.next().value, tally, signal });
      } catch {
        tally.failed++;
        await client?.end().catch(() => {});
        client = undefined;
      }
      await sleep(50, signal);
    }
    await client?.end().catch(() => {});
  }

  async function pause(): Promise<void> {
    stop.abort();
    await running;
    const client = await connect(url);
    try {
      const { rows } = await client.query("select gid from pg_prepared_xacts");
      for (const { gid } of rows) {
        await client.query(`commit prepared ${pg.escapeLiteral(String(gid))}`);
      }
    } finally {
      await client.end();
    }
  }

  return {
    tally,
    resume() {
      if (!stop.signal.aborted) return;
      stop = new AbortController();
      const { signal } = stop;
      running = Promise.all(plans.map((plan) => write(plan, signal)));
    },
    pause,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString,
    application_name: "soak writer",
    connectionTimeoutMillis: 5_000,
    query_timeout: 20_000,
    options: "-c lock_timeout=4s -c statement_timeout=15s",
  });
  client.on("error", () => {}); // the next query tells it
  await client.connect();
  return client;
}

async function run(
  client: pg.Client,
  { transaction, tally, signal }: {
    transaction: Transaction;
    tally: WriterTally;
    signal: AbortSignal;
  },
): Promise<void> {
  const { steps, end, pauseMs } = transaction;
  await client.query("begin");
  let rows = 0;
  for (const step of steps) rows += await take(client, step, signal);
  await sleep(pauseMs, signal);
  if (end === "rollback") {
    await client.query("rollback");
    tally.rolledBack++;
    return;
  }
  if (end !== "commit") {
    const name = pg.escapeLiteral(`soak-${crypto.randomUUID()}`);
    await client.query(`prepare transaction ${name}`);
    tally.prepared++;
    await sleep(pauseMs, signal);
    if (end === "prepare and roll back") {
      await client.query(`rollback prepared ${name}`);
      return;
    }
    await client.query(`commit prepared ${name}`);
  } else await client.query("commit");
  tally.committed++;
  tally.rows += rows;
}

async function take(
  client: pg.Client,
  { sql, values, pauseMs }: Step,
  signal: AbortSignal,
): Promise<number> {
  await sleep(pauseMs, signal);
  return (await client.query(sql, [...values])).rowCount ?? 0;
}

/** Waits so long, or until the signal. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const timer = setTimeout(wake, ms);
  signal.addEventListener("abort", wake);
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
  });
}
