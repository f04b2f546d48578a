/**
 * Whether Deno sends what OpenTelemetry gathers: it reads these variables itself, before the program begins.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { isOpenTelemetryOn } from "./open_telemetry.ts";
 * equal(isOpenTelemetryOn({ OTEL_DENO: "true" }), true);
 * equal(isOpenTelemetryOn({}), false);
 * ```
 */
export function isOpenTelemetryOn(
  env: Readonly<Record<string, string>>,
): boolean {
  return ["1", "true"].includes((env["OTEL_DENO"] ?? "").toLowerCase());
}

/** Whether what is written to the console goes to the collector alone, and not to the terminal. */
export function hasConsoleReplaced(
  env: Readonly<Record<string, string>>,
): boolean {
  return isOpenTelemetryOn(env) && env["OTEL_DENO_CONSOLE"] === "replace";
}
