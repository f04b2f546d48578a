// @ts-types="@types/pg"
import pg from "pg";
import { z } from "zod";
import { CopyOut } from "./copy_out.ts";
import { EtlError, type Failure, RECOVERY } from "./failure.ts";
import type { Log } from "./logging.ts";
import type { Persister } from "./retry.ts";

/** How PostgreSQL is reached; durations in milliseconds. */
export interface PostgresOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password?: string;
  readonly ssl: false | {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly serverName?: string;
  };
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
  pool.on(
    "error",
    ({ message }) => log.debug("idle connection lost", { message }),
  );

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
        const failure = explain(error, label);
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
        const failure = explain(error, label);
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
    query({ label, sql, row }, { values = [], signal }) {
      return run(label, async (client) => {
        const { rows } = await client.query(sql, [...values]);
        return row.array().parse(rows);
      }, signal);
    },
    describe({ label, sql, parameterCount = 0 }, signal) {
      return run(label, async (client) => {
        const values = Array.from({ length: parameterCount }, () => "{}");
        const opening = "select * from (";
        try {
          const { fields } = await client.query(
            `${opening}${sql}\n) q limit 0`,
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

function tlsOptions(ssl: Exclude<PostgresOptions["ssl"], false>) {
  return {
    rejectUnauthorized: true,
    ...(ssl.ca === undefined ? {} : { ca: ssl.ca }),
    ...(ssl.cert === undefined ? {} : { cert: ssl.cert }),
    ...(ssl.key === undefined ? {} : { key: ssl.key }),
    ...(ssl.serverName === undefined ? {} : { servername: ssl.serverName }),
  };
}

/** SQLSTATE of a refused login, with what to do about it; PostgreSQL manual, appendix A. */
const REFUSALS = new Map([
  ["28P01", "Check postgres.user and postgres.password"],
  ["28000", "Check postgres.user, postgres.ssl and the server's pg_hba.conf"],
  ["3D000", "Check postgres.database"],
  ["42501", "Grant the agent's role what the query reads"],
]);

/** SQLSTATE classes that time can mend: connection, resources, operator's intervention, system error. */
const MENDED_BY_TIME = /^(08|53|57|58|40|55|25|XX)/;

/** SQLSTATE classes of a value that breaks a query: data, limits, and what a function raises. */
const BROKEN_BY_A_VALUE = /^(22|23|2F|38|39|54|P0|21)/;

function explain(error: unknown, label: string): Failure | undefined {
  if (error instanceof EtlError) return error.failure;
  if (error instanceof z.ZodError) {
    const places = error.issues.map(({ path, code }) =>
      `${path.join(".")}: ${code}`
    );
    const detail = `rows of ${label} are not as expected: ${places.join(", ")}`;
    return { kind: "answer-invalid", server: "PostgreSQL", detail };
  }
  const { code, message } = errorFields(error);
  if (/^[0-9A-Z]{5}$/.test(code)) {
    const hint = REFUSALS.get(code);
    if (hint !== undefined) {
      return { kind: "server-refused", server: "PostgreSQL", code, hint };
    }
    if (MENDED_BY_TIME.test(code)) {
      return { kind: "server-unavailable", server: "PostgreSQL", code };
    }
    if (BROKEN_BY_A_VALUE.test(code)) {
      return { kind: "document-failed", query: label, code };
    }
    return { kind: "query-failed", query: label, code };
  }
  if (/certificate|CERT|self.signed/i.test(`${code} ${message}`)) {
    const hint = "Check postgres.ssl: the server's certificate is not trusted";
    return {
      kind: "server-refused",
      server: "PostgreSQL",
      code: code || "certificate",
      hint,
    };
  }
  if (/does not support SSL/.test(message)) {
    const hint =
      "The server speaks no TLS: turn it on there, or set postgres.ssl to false";
    return {
      kind: "server-refused",
      server: "PostgreSQL",
      code: "no TLS",
      hint,
    };
  }
  if (/password must be a string|SASL/.test(message)) {
    const hint = "Set postgres.password or postgres.password_file";
    return {
      kind: "server-refused",
      server: "PostgreSQL",
      code: "no password",
      hint,
    };
  }
  const known = code || nameDriverError(message);
  if (known === undefined) return undefined;
  return { kind: "server-unavailable", server: "PostgreSQL", code: known };
}

/** The driver's own errors have no code, only these fixed messages. */
function nameDriverError(message: string): string | undefined {
  if (/timeout/i.test(message)) return "timeout";
  if (/terminated|closed|not queryable|ended/i.test(message)) {
    return "connection closed";
  }
  return undefined;
}

function errorFields(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: "", message: "" };
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && "code" in first
    ? String(first.code)
    : "";
  return { code, message: error.message };
}
