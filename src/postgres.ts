// @ts-types="@types/pg"
import pg from "pg";
import { z } from "zod";
import { EtlError, type Failure, RECOVERY } from "./failure.ts";
import type { Log } from "./logging.ts";
import { explainPostgresError } from "./postgres_failure.ts";
import { expectFit, type Fitness, openHosts } from "./postgres_hosts.ts";
import { openPool } from "./postgres_pool.ts";
import {
  openTransaction,
  type PostgresOptions,
  type Session,
  type Value,
} from "./postgres_session.ts";
import type { Persister } from "./retry.ts";
import type { Secrets } from "./secrets.ts";

/** A statement beside the schema of its rows, in which every value is text or null; `label` names it in messages. */
export interface Statement<Row> {
  readonly label: string;
  readonly sql: string;
  readonly row: z.ZodType<Row>;
  /** Whether it is planned once for a connection: it is one of few, and its plan is always the same. */
  readonly isRepeated?: boolean;
}

/** A column of a query's result. */
export interface Column {
  readonly name: string;
  /** Object id of its type, as in `pg_type`. */
  readonly typeId: number;
}

/** Why PostgreSQL does not take a query: its own words, which name what the query names. */
export interface QueryFault {
  readonly message: string;
  /** Where in the query, as a count of characters from 1. */
  readonly position?: number;
}

/** What answers short statements. */
export interface Answering {
  /** The rows of a short statement. */
  query<Row>(
    statement: Statement<Row>,
    options: { values?: readonly Value[]; signal: AbortSignal },
  ): Promise<Row[]>;
}

/** PostgreSQL, read only; every call is tried again while time can mend its failure. */
export interface Source extends Answering {
  /** The columns that a query shows, or why it is refused; nothing is read. `parameterCount` parameters are empty arrays. */
  describe(
    query: { label: string; sql: string; parameterCount?: number },
    signal: AbortSignal,
  ): Promise<readonly Column[] | QueryFault>;
  /** How PostgreSQL would run a query where every index that can serve it does, in its JSON format; nothing is read. */
  explain(
    query: { label: string; sql: string; values?: readonly Value[] },
    signal: AbortSignal,
  ): Promise<string>;
  /**
   * Runs `copy … to stdout`, handing each message to the row function of `start`, which is called anew for each try.
   * Where `sql` is a function, it is called before that, and may ask the very connection that runs what it returns.
   * An abort ends the connection, and with it the statement.
   */
  copy(
    copy: {
      label: string;
      sql: string | ((connection: Answering) => Promise<string>);
      start: () => (message: Uint8Array) => void;
    },
    signal: AbortSignal,
  ): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const Explained = z.tuple([z.object({ "QUERY PLAN": z.string() })]);

/** Two for the pages of a load and of following, one for looking beside them. */
const DEFAULT_CONNECTIONS = 4;

/** A load reads keys while it reads documents. */
const MIN_CONNECTIONS = 2;

/** What of `statement_timeout` a statement must have taken for its end to be the timeout's, and not an operator's. */
const TIMEOUT_SHARE = 0.95;

const CANCELLED = "57014";

/** `name` as an identifier in SQL. */
export function quoteIdentifier(name: string): string {
  return pg.escapeIdentifier(name);
}

/** `text` as a literal in SQL, for the one statement that takes no parameters: COPY. */
export function quoteLiteral(text: string): string {
  // the driver looks at each character by itself: 0.3 µs for each id of a page
  return /['\\\0]/.test(text) ? pg.escapeLiteral(text) : `'${text}'`;
}

/**
 * A condition that holds, and uses `$1` to `$count`, each an array: a parameter that a statement does not use has no type,
 * and is refused. It stands behind the query that may use them, which gives them their types first.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { useParameters } from "./postgres.ts";
 * equal(useParameters(2), "true and $1::text[] is not null and $2::text[] is not null");
 * ```
 */
export function useParameters(count: number): string {
  const uses = Array.from({ length: count }, (_, index) => `$${index + 1}`);
  return ["true", ...uses.map((use) => `${use}::text[] is not null`)]
    .join(" and ");
}

/** Opens PostgreSQL; connections are made when they are needed. */
export function openSource(
  options: PostgresOptions,
  { persister, log, secrets, fitness, maxConnections = DEFAULT_CONNECTIONS }: {
    persister: Persister;
    log: Log;
    /** Gets each password that is read from a file. */
    secrets?: Secrets;
    fitness?: Fitness;
    maxConnections?: number;
  },
): Source {
  const hosts = openHosts(options, { secrets, log, fitness });
  const pool = openPool(hosts.connect, {
    maxConnections: Math.max(maxConnections, MIN_CONNECTIONS),
  });
  const isPooled = options.lock !== undefined;

  async function transact<T>(
    session: Session,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    await session.query(isPooled ? openTransaction(options) : "begin");
    // the server behind a pooler is another one for each transaction
    if (isPooled) await expectFit(session, options);
    const result = await work(session);
    await session.query("commit");
    return result;
  }

  /** Does `work` on a connection, again and again while time can mend its failure. */
  async function run<T>(
    work: (session: Session) => Promise<T>,
    { label, signal, isTransaction = isPooled }: {
      label: string;
      signal: AbortSignal;
      isTransaction?: boolean;
    },
  ): Promise<T> {
    async function fitWork(session: Session): Promise<T> {
      await fitness?.expect(session);
      return await work(session);
    }
    async function attempt(
      session: Session,
    ): Promise<{ result: T } | { error: EtlError }> {
      try {
        const result = isTransaction
          ? await transact(session, fitWork)
          : await fitWork(session);
        return { result };
      } catch (error) {
        const failure = explainPostgresError(error, label);
        // a deadline of the client's own leaves the statement running: only an error of the server's leaves it usable
        const isUsable = failure !== undefined &&
          (RECOVERY[failure.kind] === "split" ||
            failure.kind === "query-failed");
        if (!isUsable) throw error;
        if (isTransaction) await session.query("rollback");
        return { error: asEtlError(error, failure) };
      }
    }
    return await persister.persist(async () => {
      let outcome: Awaited<ReturnType<typeof attempt>>;
      try {
        outcome = await pool.use(attempt, signal);
      } catch (error) {
        signal.throwIfAborted();
        const failure = explainPostgresError(error, label);
        if (failure === undefined) throw error; // a fault of this program
        throw asEtlError(error, failure);
      }
      if ("error" in outcome) throw outcome.error;
      return outcome.result;
    }, signal);
  }

  return {
    async query({ label, ...statement }, { values = [], signal }) {
      return await run(async (session) => {
        try {
          return await answer(session, { ...statement, values });
        } catch (error) {
          const failure = explainPostgresError(error, label);
          if (failure?.kind !== "document-failed") throw error;
          // there are no documents here to be told apart: the query has to be mended, or the row
          throw new EtlError({ ...failure, kind: "query-failed" }, {
            cause: error,
          });
        }
      }, { label, signal });
    },
    describe({ label, sql, parameterCount = 0 }, signal) {
      const opening = "select * from (";
      const where = `where ${useParameters(parameterCount)} limit 0`;
      return run(async (session) => {
        const values = Array.from({ length: parameterCount }, () => "{}");
        try {
          const { fields } = await session.query(
            `${opening}${sql}\n) q ${where}`,
            values,
          );
          return fields.map((field) => ({
            name: field.name,
            typeId: field.dataTypeID,
          }));
        } catch (error) {
          const isRefused = error instanceof pg.DatabaseError &&
            error.code?.startsWith("42");
          if (!isRefused) throw error;
          const { message } = error;
          const position = Number(error.position) - opening.length;
          return position >= 1 && position <= sql.length
            ? { message, position }
            : { message };
        }
      }, { label, signal });
    },
    explain({ label, sql, values = [] }, signal) {
      return run(async (session) => {
        // a small table is read as a whole, whatever its indexes: the plan is to tell what a large one would meet
        await session.query("set local enable_seqscan = off");
        const { rows } = await session.query(
          `explain (format json, verbose) ${sql}`,
          values,
        );
        return Explained.parse(rows)[0]["QUERY PLAN"];
      }, { label, signal, isTransaction: true });
    },
    copy({ label, sql, start }, signal) {
      return run(async (session) => {
        const connection: Answering = {
          query: ({ sql, row }, { values = [] }) =>
            answer(session, { sql, row, values }),
        };
        const statement = typeof sql === "string" ? sql : await sql(connection);
        const startedMs = performance.now();
        try {
          await session.copy(statement, start());
        } catch (error) {
          const tookMs = performance.now() - startedMs;
          const isLate = error instanceof pg.DatabaseError &&
            error.code === CANCELLED &&
            tookMs >= TIMEOUT_SHARE * options.statementTimeoutMs;
          if (!isLate) throw error;
          const failure = { kind: "statement-timeout", query: label } as const;
          throw new EtlError(failure, { cause: error });
        }
      }, { label, signal });
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}

async function answer<Row>(
  session: Session,
  { sql, row, isRepeated = false, values }:
    & Omit<Statement<Row>, "label">
    & { values: readonly Value[] },
): Promise<Row[]> {
  const { rows } = await session.query(sql, values, { isRepeated });
  return row.array().parse(rows);
}

function asEtlError(error: unknown, failure: Failure): EtlError {
  return error instanceof EtlError
    ? error
    : new EtlError(failure, { cause: error });
}
