import pLimit from "p-limit";
import { EtlError, type Failure } from "./failure.ts";
import type { Log } from "./logging.ts";

/**
 * How much is sent to Elasticsearch at once, by all indexes of an agent.
 *
 * It gives way when Elasticsearch is overloaded: half as many requests at once, down to one, and then requests of half the
 * size. With each request that succeeds it takes a little back: the size first, then the number.
 */
export interface Pressure {
  /** The size of a request that may be sent now, in bytes; one document may be larger. */
  readonly maxBytes: number;
  /** How many requests may be out at once now. */
  readonly concurrency: number;
  /** Sends a request when there is room for it, and learns from what becomes of it. */
  carry<Result>(
    send: () => Promise<Result>,
    request: CarriedRequest<Result>,
  ): Promise<Result>;
}

/** What there is to know of a request besides whether it fails. */
export interface CarriedRequest<Result> {
  readonly bytes: number;
  /** What a result says that failed, part by part. */
  readonly failuresIn?: (result: Result) => Iterable<Failure>;
}

/** Requests smaller than this cost more than they relieve. */
const MIN_BYTES = 64_000;

/** So many requests that succeed take the size from nothing back to its limit. */
const STEPS = 16;

/** A request that never reached a server says nothing of its load. */
const UNREACHED = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** Opens it at its limits, which it never exceeds. */
export function openPressure(
  limits: { readonly concurrency: number; readonly maxBytes: number },
  log: Log,
): Pressure {
  const limit = pLimit(limits.concurrency);
  const floor = Math.min(MIN_BYTES, limits.maxBytes);
  let width = limits.concurrency; // its whole part counts
  let maxBytes = limits.maxBytes;
  let ceiling = limits.maxBytes;
  let easedAtMs = -Infinity;

  function ease(): void {
    easedAtMs = performance.now();
    if (width >= 2) width = Math.floor(width / 2);
    else maxBytes = Math.max(floor, Math.floor(maxBytes / 2));
    apply("sending less");
  }

  function recover(): void {
    if (maxBytes < ceiling) {
      const step = Math.ceil(limits.maxBytes / STEPS);
      maxBytes = Math.min(ceiling, maxBytes + step);
    } else if (width < limits.concurrency) {
      width = Math.min(limits.concurrency, width + 1 / Math.floor(width));
    } else return;
    apply("sending more");
  }

  /** A size that is refused is not tried again; a document alone that is larger than all others says nothing of them. */
  function lower(refusedBytes: number): void {
    const lowered = Math.max(floor, Math.floor(refusedBytes / 2));
    if (lowered >= ceiling) return;
    ceiling = lowered;
    maxBytes = Math.min(maxBytes, ceiling);
    apply("sending smaller requests");
  }

  let told = describe();
  function describe(): { requests: number; bytes: number } {
    return { requests: Math.floor(width), bytes: maxBytes };
  }
  function apply(message: string): void {
    const now = describe();
    if (now.requests === told.requests && now.bytes === told.bytes) return;
    told = now;
    limit.concurrency = now.requests;
    log.debug(message, now);
  }

  function learn(failure: Failure, request: Sent): void {
    if (failure.kind === "request-refused" && failure.status === 413) {
      lower(request.bytes);
    }
    // those that were out together fail together: one step for all of them
    if (isOverload(failure) && request.begunAtMs >= easedAtMs) ease();
  }

  return {
    get maxBytes() {
      return maxBytes;
    },
    get concurrency() {
      return limit.concurrency;
    },
    carry: (send, { bytes, failuresIn }) =>
      limit(async () => {
        const sent = { bytes, begunAtMs: performance.now() };
        try {
          const result = await send();
          const failures = [...failuresIn?.(result) ?? []];
          for (const failure of failures) learn(failure, sent);
          if (!failures.some(isOverload) && sent.begunAtMs >= easedAtMs) {
            recover();
          }
          return result;
        } catch (error) {
          if (error instanceof EtlError) learn(error.failure, sent);
          throw error;
        }
      }),
  };
}

/** A request on its way. */
interface Sent {
  readonly bytes: number;
  readonly begunAtMs: number;
}

function isOverload(failure: Failure): boolean {
  return failure.kind === "sink-busy" ||
    (failure.kind === "server-unavailable" && !UNREACHED.has(failure.code));
}
