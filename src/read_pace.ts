import type { Duplex } from "node:stream";

/** So much is read as it comes: most answers end before, and none of them waits. */
const FREE_BYTES = 64 * 1024;

/** A read that fills the runtime's buffer of 64 KiB says that there is more. */
const FULL_BYTES = 60 * 1024;

/** What a rest is to bring; it is made longer or shorter accordingly, within these limits. */
const WANTED_BYTES = { min: 64 * 1024, max: 128 * 1024 };
const REST_MS = { first: 2, min: 1, max: 16 };

/** Between two rests the process is awake for this share of one at least, whatever comes by how many connections. */
const AWAKE_SHARE = 1 / 8;

/** Rests for so many milliseconds, and says whether it did. */
export type Rest = (restMs: number) => boolean;

/**
 * Lets what a long answer brings gather before it is read, until what is returned is called.
 *
 * PostgreSQL sends 8 KB at a time (`PQ_SEND_BUFFER_SIZE`), and each wakes the process: 32,000 times for 200,000 documents of
 * 1.6 KB. It does so even while nobody reads the socket, since the runtime waits for every edge of it; so the whole process
 * rests: it gives up its processor 9,000 to 11,000 times in such a load, in place of 18,000 to 20,000 where the socket alone
 * rests. Nothing is lost where the kernel's buffers fill up: PostgreSQL waits. With TLS a
 * record is 16 KB at most, several come at once, and a rest would hold up each: it is left as it is.
 */
export function paceReads(socket: Duplex, rest: Rest = restAll): () => void {
  if ("encrypted" in socket) return () => {};
  let totalBytes = 0;
  let gatheredBytes = 0;
  let restMs = REST_MS.first;
  let isOver = false;
  function take({ length }: { readonly length: number }): void {
    totalBytes += length;
    gatheredBytes += length;
    if (totalBytes <= FREE_BYTES || length >= FULL_BYTES) return;
    // the end may have come with this very read, of which every listener is told
    if (isOver) return;
    const wantedMs = adjust(restMs, gatheredBytes);
    if (!rest(wantedMs)) return;
    restMs = wantedMs;
    gatheredBytes = 0;
  }
  socket.on("data", take);
  return () => {
    isOver = true;
    socket.off("data", take);
  };
}

/** How long to rest after a rest that has brought so much. */
function adjust(restMs: number, gatheredBytes: number): number {
  if (gatheredBytes < WANTED_BYTES.min) {
    return Math.min(2 * restMs, REST_MS.max);
  }
  if (gatheredBytes > WANTED_BYTES.max) {
    return Math.max(restMs / 2, REST_MS.min);
  }
  return restMs;
}

/**
 * Rests by `sleep`, unless the last rest has only just ended.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { openRest } from "./read_pace.ts";
 * let nowMs = 0;
 * const rest = openRest({ now: () => nowMs, sleep: (restMs) => nowMs += restMs });
 * deepEqual([rest(16), rest(16), rest(8)], [true, false, false]);
 * nowMs += 1;
 * deepEqual([rest(16), rest(8)], [false, true]);
 * ```
 */
export function openRest(
  { now, sleep }: { now: () => number; sleep: (restMs: number) => void },
): Rest {
  let awakeAtMs = -Infinity;
  return (restMs) => {
    if (now() - awakeAtMs < AWAKE_SHARE * restMs) return false;
    sleep(restMs);
    awakeAtMs = now();
    return true;
  };
}

const NEVER_CHANGED = new Int32Array(new SharedArrayBuffer(4));

/** Rests the process, and with it everything else that it does. */
const restAll = openRest({
  now: () => performance.now(),
  sleep: (restMs) => Atomics.wait(NEVER_CHANGED, 0, 0, restMs),
});
