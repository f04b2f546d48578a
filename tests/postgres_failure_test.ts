import { equal } from "node:assert/strict";
import { explainPostgresError } from "../src/postgres_failure.ts";

function kindOf(code: string, message = "it failed"): string | undefined {
  const error = Object.assign(new Error(message), code === "" ? {} : { code });
  return explainPostgresError(error, "document of films")?.kind;
}

Deno.test("explainPostgresError() tells an SQLSTATE from a code of the operating system", () => {
  for (const code of ["EPIPE", "ECONNRESET", "ENOTFOUND", "ETIMEDOUT"]) {
    equal(kindOf(code), "server-unavailable", code);
  }
  equal(kindOf("42703"), "query-failed");
  equal(kindOf("P0001"), "document-failed");
  equal(kindOf("XX000"), "server-unavailable");
});

Deno.test("explainPostgresError() takes a query that writes for one that fails", () => {
  equal(kindOf("25006"), "query-failed");
  equal(kindOf("25P03"), "server-unavailable");
});

Deno.test("explainPostgresError() tells a certificate that is not trusted", () => {
  equal(kindOf("SELF_SIGNED_CERT_IN_CHAIN"), "server-refused");
  equal(kindOf("", "self signed certificate"), "server-refused");
});

Deno.test("explainPostgresError() knows the driver's own words, and no fault of the program", () => {
  equal(kindOf("", "Connection terminated unexpectedly"), "server-unavailable");
  equal(kindOf("", "Query read timeout"), "server-unavailable");
  equal(kindOf("", "x is undefined"), undefined);
  equal(explainPostgresError("text", "document of films"), undefined);
});
