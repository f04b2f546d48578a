import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";

/** Gets the content of a CopyData message: a view that is valid during the call only. */
export type TakeCopyData = (message: Uint8Array) => void;

/** What reads a connection's messages before the driver does. */
export interface CopyData {
  /** Where the content of CopyData messages goes from now on; nothing leaves them to the driver. */
  divert(take: TakeCopyData | undefined): void;
}

/** A message begins with its code, and its length without the code, PostgreSQL manual 55.7. */
const HEADER_BYTES = 5;
const COPY_DATA = "d".charCodeAt(0);

/**
 * Reads the content of CopyData messages where it arrives, and leaves every other byte to the listeners that `stream` had.
 *
 * To be called before the first byte of the first message comes: from there on it knows where each message begins. The driver
 * makes an object and a buffer of each message, passes it on through events, and moves what is cut off at the end of a read
 * together with the whole of the next one: a third of the garbage of a load.
 */
export function openCopyData(stream: Duplex): CopyData {
  const listeners = stream.listeners("data");
  const head = Buffer.alloc(HEADER_BYTES);
  let headBytes = 0;
  /** How much is to come of a message that is left to the driver. */
  let leftBytes = 0;
  /** The beginning of a message that is diverted, of which the rest is to come; used again for the next one. */
  let part = Buffer.alloc(0);
  let partBytes = 0;
  let wantedBytes = 0;
  let take: TakeCopyData | undefined;

  function forward(bytes: Buffer): void {
    if (bytes.length === 0) return;
    for (const listener of listeners) listener.call(stream, bytes);
  }
  /** Begins to gather a message of which `chunk` has what is behind `at`. */
  function gather(chunk: Buffer, at: number, byteCount: number): void {
    if (part.length < byteCount) part = Buffer.allocUnsafeSlow(byteCount);
    wantedBytes = byteCount;
    partBytes = chunk.copy(part, 0, at);
  }
  /** Goes on with what the last read has cut off; returns where the next message begins, or what is left to the driver. */
  function goOn(chunk: Buffer): number {
    if (wantedBytes > 0) {
      const end = Math.min(chunk.length, wantedBytes - partBytes);
      partBytes += chunk.copy(part, partBytes, 0, end);
      if (partBytes < wantedBytes) return end;
      take?.(view(part, 0, wantedBytes));
      wantedBytes = 0;
      // a large one is not kept
      if (part.length > chunk.length) part = Buffer.alloc(0);
      return end;
    }
    if (headBytes === 0) return 0;
    const end = Math.min(chunk.length, HEADER_BYTES - headBytes);
    headBytes += chunk.copy(head, headBytes, 0, end);
    if (headBytes < HEADER_BYTES) return end;
    headBytes = 0;
    const byteCount = sizeOfMessage(head, 0) - HEADER_BYTES;
    if (take !== undefined && isCopyData(head, 0)) {
      if (chunk.length - end >= byteCount) {
        take(view(chunk, end, end + byteCount));
        return end + byteCount;
      }
      gather(chunk, end, byteCount);
      return chunk.length;
    }
    forward(Buffer.from(head));
    leftBytes = byteCount;
    return end;
  }

  function read(chunk: Buffer): void {
    let at = goOn(chunk);
    let kept = at; // everything before is forwarded, or taken
    while (at < chunk.length) {
      if (leftBytes > 0) {
        const count = Math.min(leftBytes, chunk.length - at);
        leftBytes -= count;
        at += count;
        continue;
      }
      if (chunk.length - at < HEADER_BYTES) {
        forward(chunk.subarray(kept, at));
        headBytes = chunk.copy(head, 0, at);
        return;
      }
      const byteCount = sizeOfMessage(chunk, at);
      if (take === undefined || !isCopyData(chunk, at)) {
        leftBytes = byteCount;
        continue;
      }
      forward(chunk.subarray(kept, at));
      const start = at + HEADER_BYTES;
      at += byteCount;
      kept = at;
      if (at <= chunk.length) take(view(chunk, start, at));
      else {
        gather(chunk, start, byteCount - HEADER_BYTES);
        return;
      }
    }
    forward(kept === 0 ? chunk : chunk.subarray(kept));
  }

  stream.on("data", read);
  for (const listener of listeners) {
    stream.off("data", listener as (...args: unknown[]) => void); // what listens to an event is a function of its arguments
  }
  return {
    divert(next) {
      take = next;
    },
  };
}

/** The size of the message whose header is there, with it; without end where it is none, so that the driver is to say so. */
function sizeOfMessage(bytes: Buffer, at: number): number {
  const byteCount = bytes.readInt32BE(at + 1) + 1;
  return byteCount < HEADER_BYTES ? Infinity : byteCount;
}

function isCopyData(bytes: Buffer, at: number): boolean {
  return bytes[at] === COPY_DATA && sizeOfMessage(bytes, at) !== Infinity;
}

/** Quicker than `subarray()` of a Buffer, which makes a Buffer. */
function view(buffer: Buffer, start: number, end: number): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset + start, end - start);
}
