import type { LoadedConfig, Path } from "./config.ts";
import { formatPath } from "./config_faults.ts";
import { EtlError } from "./failure.ts";

/** Something that a check found: where in the configuration, what, and what to do about it. */
export interface Finding {
  /** An error keeps documents out of the index; with a warning the agent runs, slower or with less assurance. */
  readonly level: "error" | "warning";
  /** The index that it is about; none where it is about a server. */
  readonly index?: string;
  readonly path: Path;
  readonly text: string;
  readonly remedy: string;
}

/** A finding before it is known where it belongs. */
export type Observation = Omit<Finding, "index" | "path">;

/** An observation of level error. */
export function fail(text: string, remedy: string): Observation {
  return { level: "error", text, remedy };
}

/** An observation of level warning. */
export function warn(text: string, remedy: string): Observation {
  return { level: "warning", text, remedy };
}

/**
 * The observations that `observe` makes; where a server refuses or cannot do what it asks for, that.
 * @throws what is no {@linkcode EtlError}: a fault of this program.
 */
export async function attempt(
  observe: () => Promise<readonly Observation[]>,
): Promise<readonly Observation[]> {
  try {
    return await observe();
  } catch (error) {
    if (!(error instanceof EtlError)) throw error;
    return [observeFailure(error)];
  }
}

/** A statement that the server, or the agent, gave up. */
const LATE = ["57014", "timeout"];

/** What failed, apart from what to do next. */
export function observeFailure({ message, failure }: EtlError): Observation {
  const end = message.search(/\. (?=[A-Z])/);
  const isLate = failure.kind === "server-unavailable" &&
    LATE.includes(failure.code);
  if (isLate) {
    return fail(
      `${message}: a statement took too long`,
      "Make what it reads shorter to find, or set postgres.statement_timeout higher",
    );
  }
  if (end >= 0) return fail(message.slice(0, end), message.slice(end + 2));
  const remedy = failure.kind === "server-unavailable"
    ? "Start the server, or write the address that it is at"
    : "Mend that, and check again";
  return fail(message, remedy);
}

/** `config.yaml:12:5: indexes[0].watch[1]: warning: what was found. What to do`, a line for people. */
export function formatFinding(
  { level, path, text, remedy }: Finding,
  locate: LoadedConfig["locate"],
): string {
  return `${locate(path)}: ${formatPath(path)}: ${level}: ${text}. ${remedy}`;
}

/**
 * Names for people, the first few of many.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { listSome } from "./check_finding.ts";
 * equal(listSome(["a", "b"]), "a, b");
 * equal(listSome(["a", "b", "c", "d", "e", "f"]), "a, b, c, d, e and 1 more");
 * ```
 */
export function listSome(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).join(", ");
  return names.length <= MAX_NAMES
    ? shown
    : `${shown} and ${names.length - MAX_NAMES} more`;
}

const MAX_NAMES = 5;
