import { z } from "zod";
import { EtlError, type Failure } from "./failure.ts";

/** SQLSTATE of a refused login, with what to do about it; PostgreSQL manual, appendix A. */
const REFUSALS = new Map([
  ["28P01", "Check postgres.user and postgres.password"],
  ["28000", "Check postgres.user, postgres.ssl and the server's pg_hba.conf"],
  ["3D000", "Check postgres.database"],
  ["42501", "Grant the agent's role what the query reads"],
]);

/** An SQLSTATE has a digit, which tells it from a code of the operating system's such as EPIPE. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/** SQLSTATE classes that time can mend: connection, resources, operator's intervention, an idle connection's end, system error. */
const MENDED_BY_TIME = /^(08|53|57|58|40|55|25P|XX)/;

/** SQLSTATE classes of a value that breaks a query: data, limits, and what a function raises. */
const BROKEN_BY_A_VALUE = /^(22|23|2F|38|39|54|P0|21)/;

/**
 * What an error of the driver's means, or nothing when it is a fault of this program; `label` names the query.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { explainPostgresError } from "./postgres_failure.ts";
 * const error = Object.assign(new Error("division by zero"), { code: "22012" });
 * equal(explainPostgresError(error, "document of movies")?.kind, "document-failed");
 * ```
 */
export function explainPostgresError(
  error: unknown,
  label: string,
): Failure | undefined {
  if (error instanceof EtlError) return error.failure;
  if (error instanceof z.ZodError) {
    const places = error.issues.map(({ path, code }) =>
      `${path.join(".")}: ${code}`
    );
    const detail = `rows of ${label} are not as expected: ${places.join(", ")}`;
    return { kind: "answer-invalid", server: "PostgreSQL", detail };
  }
  const { code, message } = errorFields(error);
  if (SQLSTATE.test(code)) {
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

/** An error of the driver's as the {@linkcode EtlError} that it means; what is none, or a fault of this program, as it is. */
export function explainError(error: unknown, label: string): unknown {
  const failure = explainPostgresError(error, label);
  if (failure === undefined || error instanceof EtlError) return error;
  return new EtlError(failure, { cause: error });
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
