import { z } from "zod";
import { EtlError, type Failure } from "../src/failure.ts";
import { openSource, type Source } from "../src/postgres.ts";
import type { PostgresOptions } from "../src/postgres_session.ts";
import { createPersister } from "../src/retry.ts";
import { type RecordedLine, recordLog } from "./recorded_log.ts";
import {
  NEVER,
  openDatabase,
  openQuickSource,
  QUICK,
  type TestDatabase,
} from "./servers.ts";

const Texts = z.record(z.string(), z.string().nullable());

/** A database of the test's own, and the agent's view of it. */
export interface SourceWorld extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly source: Source;
  readonly lines: readonly RecordedLine[];
}

/** A database, and a source that tries again at once. */
export async function openWorld(
  options: Partial<PostgresOptions> = {},
): Promise<SourceWorld> {
  const database = await openDatabase();
  const { log, lines } = recordLog();
  const source = openQuickSource({ ...database.options, ...options }, log);
  return {
    database,
    source,
    lines,
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** The rows of a query, as texts. */
export function ask(
  source: Source,
  sql: string,
  { values = [], signal = NEVER }: {
    values?: readonly (string | null | readonly string[])[];
    signal?: AbortSignal;
  } = {},
): Promise<Record<string, string | null>[]> {
  const statement = { label: "document of films", sql, row: Texts };
  return source.query(statement, { values, signal });
}

/** A source that tries nothing again, as that of a run that is being drained. */
export async function openOnce(
  options: Partial<PostgresOptions> = {},
): Promise<SourceWorld> {
  const database = await openDatabase();
  const { log, lines } = recordLog();
  const drain = AbortSignal.abort();
  const source = openSource({ ...database.options, ...options }, {
    log,
    persister: createPersister("PostgreSQL", { limits: QUICK, log, drain }),
  });
  return {
    database,
    source,
    lines,
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** The failure of something, which must be one. */
export async function failureOf(
  promise: Promise<unknown>,
): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof EtlError) return error.failure;
    throw error;
  }
  throw new Error("nothing failed");
}

/** Resolves when a row is found. */
export async function untilFound(
  database: TestDatabase,
  sql: string,
): Promise<void> {
  while ((await database.query(sql)).length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
