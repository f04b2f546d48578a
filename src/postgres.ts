// @ts-types="@types/pg"
import pg from "pg";
import { z } from "zod";
import { CopyOut } from "./copy_out.ts";
import { EtlError, RECOVERY } from "./failure.ts";
import type { Log } from "./logging.ts";
import { explainPostgresError } from "./postgres_failure.ts";
import { type TlsFiles, tlsOptions } from "./postgres_tls.ts";
import type { Persister } from "./retry.ts";

/** How PostgreSQL is reached; durations in milliseconds. */
export interface PostgresOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly ssl: false | TlsFiles;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
}

/** A statement beside the schema of its rows, in which every value is text or null; `label` names it in messages. */
export interface Statement<Row> {
  readonly label: string;
  readonly sql: string;
  readonly row: z.ZodType<Row>;
}

/** A parameter of a statement: text in PostgreSQL's own form, or an array of such. */
export type Value = string | null | readonly string[];

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

/** PostgreSQL, read only; every call is tried again while time can mend its failure. */
export interface Source {
  /** The rows of a short statement. */
  query<Row>(
    statement: Statement<Row>,
    options: { values?: readonly Value[]; signal: AbortSignal },
  ): Promise<Row[]>;
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
   * An abort ends the connection, and with it the statement.
   */
  copy(
    copy: {
      label: string;
      sql: string;
      start: () => (message: Uint8Array) => void;
    },
    signal: AbortSignal,
  ): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const Explained = z.tuple([z.object({ "QUERY PLAN": z.string() })]);

/** Two for the pages of a load and of following, one for looking beside them. */
const MAX_CONNECTIONS = 4;

/** A frozen connection is found by the client: the server's own limit comes first, this much earlier. */
const DEADLINE_SLACK_MS = 5_000;

/** The text of a value must not depend on the server's or the role's settings: every comparison is by bytes. */
const SESSION = [
  "TimeZone=UTC",
  "DateStyle=ISO, YMD",
  "IntervalStyle=postgres",
  "extra_float_digits=1",
  "bytea_output=hex",
  "xmlbinary=base64",
  "standard_conforming_strings=on",
  "default_transaction_isolation=read committed",
  "default_transaction_read_only=on",
];

/** `name` as an identifier in SQL. */
export function quoteIdentifier(name: string): string {
  return pg.escapeIdentifier(name);
}

/** `text` as a literal in SQL, for the one statement that takes no parameters: COPY. */
export function quoteLiteral(text: string): string {
  return pg.escapeLiteral(text);
}

/**
 * `items` as the text of an array, PostgreSQL manual 8.15.2.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { arrayText } from "./postgres.ts";
 * equal(arrayText(["a", 'b"', "c\\"]), '{"a","b\\"","c\\\\"}');
 * ```
 */
export function arrayText(items: readonly string[]): string {
  const quoted = items.map((item) => `"${item.replaceAll(/["\\]/g, "\\$&")}"`);
  return `{${quoted.join(",")}}`;
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

/** Opens the pool; connections are made when they are needed. */
export function openSource(
  options: PostgresOptions,
  { persister, log }: { persister: Persister; log: Log },
): Source {
  const pool = new pg.Pool({
    host: options.host,
    port: options.port,
    database: options.database,
    user: options.user,
    // an empty string keeps the driver from asking PGPASSWORD; a missing one lets it look into ~/.pgpass
    ...(options.password === undefined ? {} : { password: options.password }),
    ssl: options.ssl === false ? false : tlsOptions(options.ssl),
    application_name: "pg2es",
    max: MAX_CONNECTIONS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    connectionTimeoutMillis: options.connectTimeoutMs,
    idleTimeoutMillis: 60_000,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + DEADLINE_SLACK_MS,
    options: SESSION
      .map((setting) => `-c ${setting.replaceAll(" ", "\\ ")}`)
      .join(" "),
    types: { getTypeParser: () => (value: string) => value },
  });
  // without a listener an error of a connection ends the process; whoever uses it is told by the query that fails
  pool.on("error", () => {});
  pool.on("connect", (client) => {
    client.on("error", ({ message }) => {
      log.debug("connection to PostgreSQL lost", { message });
    });
  });

  async function run<T>(
    label: string,
    use: (client: pg.PoolClient) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    return await persister.persist(async () => {
      let client: pg.PoolClient;
      try {
        client = await pool.connect();
      } catch (error) {
        const failure = explainPostgresError(error, label);
        if (failure === undefined) throw error;
        throw new EtlError(failure, { cause: error });
      }
      let isReleased = false;
      function release(isBroken: boolean): void {
        if (isReleased) return;
        isReleased = true;
        client.release(isBroken);
      }
      const abort = () => release(true);
      signal.addEventListener("abort", abort, { once: true });
      try {
        signal.throwIfAborted();
        const result = await use(client);
        release(false);
        return result;
      } catch (error) {
        signal.throwIfAborted();
        const failure = explainPostgresError(error, label);
        if (failure === undefined) {
          release(true);
          throw error; // a fault of this program
        }
        // a deadline of the client's own leaves the statement running: only an error of the server's leaves it usable
        release(
          RECOVERY[failure.kind] !== "split" && failure.kind !== "query-failed",
        );
        throw error instanceof EtlError
          ? error
          : new EtlError(failure, { cause: error });
      } finally {
        signal.removeEventListener("abort", abort);
      }
    }, signal);
  }

  return {
    async query({ label, sql, row }, { values = [], signal }) {
      return await run(label, async (client) => {
        try {
          const { rows } = await client.query(sql, [...values]);
          return row.array().parse(rows);
        } catch (error) {
          const failure = explainPostgresError(error, label);
          if (failure?.kind !== "document-failed") throw error;
          // there are no documents here to be told apart: the query has to be mended, or the row
          throw new EtlError({ ...failure, kind: "query-failed" }, {
            cause: error,
          });
        }
      }, signal);
    },
    describe({ label, sql, parameterCount = 0 }, signal) {
      return run(label, async (client) => {
        const values = Array.from({ length: parameterCount }, () => "{}");
        const opening = "select * from (";
        try {
          const where = `where ${useParameters(parameterCount)} limit 0`;
          const { fields } = await client.query(
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
      }, signal);
    },
    explain({ label, sql, values = [] }, signal) {
      return run(label, async (client) => {
        await client.query("begin");
        try {
          // a small table is read as a whole, whatever its indexes: the plan is to tell what a large one would meet
          await client.query("set local enable_seqscan = off");
          const { rows } = await client.query(
            `explain (format json, verbose) ${sql}`,
            [...values],
          );
          return Explained.parse(rows)[0]["QUERY PLAN"];
        } finally {
          await client.query("rollback");
        }
      }, signal);
    },
    copy({ label, sql, start }, signal) {
      return run(label, async (client) => {
        const copy = new CopyOut(sql, start());
        client.query(copy);
        await copy.done;
      }, signal);
    },
    [Symbol.asyncDispose]: () => pool.end(),
  };
}
