import {
  describeFailure,
  EtlError,
  type Failure,
  RECOVERY,
} from "./failure.ts";
import { ADVICE } from "./failure_advice.ts";
import type { ErrorReport } from "./status_report.ts";

/** The errors of one thing: each once, with how often it came, and the newest of them only. */
export interface ErrorHistory {
  add(failure: Failure): void;
  /** The newest first. */
  list(): ErrorReport[];
}

/** Opens an empty one; `redact` takes secrets out of what is told. */
export function openErrorHistory(
  { maxErrors, redact }: {
    maxErrors: number;
    redact: (text: string) => string;
  },
): ErrorHistory {
  // from the oldest to the newest
  const errors = new Map<string, ErrorReport>();
  return {
    add(failure) {
      const report = reportFailure(failure, redact);
      const before = errors.get(report.message);
      errors.delete(report.message);
      errors.set(report.message, {
        ...report,
        firstAt: before?.firstAt ?? report.firstAt,
        count: (before?.count ?? 0) + 1,
      });
      const [oldest] = errors.keys();
      if (errors.size > maxErrors && oldest !== undefined) {
        errors.delete(oldest);
      }
    },
    list: () => [...errors.values()].reverse(),
  };
}

/** A failure that has come now, once. */
export function reportFailure(
  failure: Failure,
  redact: (text: string) => string,
): ErrorReport {
  const { kind } = failure;
  const at = new Date().toISOString();
  return {
    kind,
    recovery: RECOVERY[kind],
    message: redact(describeFailure(failure)),
    advice: ADVICE[kind],
    firstAt: at,
    lastAt: at,
    count: 1,
  };
}

/** The failure that `error` carries, if it carries one. */
export function failureOf(error: unknown): Failure | undefined {
  return error instanceof EtlError ? error.failure : undefined;
}
