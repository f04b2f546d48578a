import { deepEqual, equal } from "node:assert/strict";
import { PassThrough } from "node:stream";
import { openRest, paceReads } from "../src/read_pace.ts";

/** What PostgreSQL sends at once. */
const PIECE_BYTES = 8 * 1024;

/** A socket to write to, what it has been read of, how long it was rested for, and the end of its pace. */
function openSocket(isRested: () => boolean = () => true) {
  const socket = new PassThrough({ highWaterMark: 16 * 1024 * 1024 });
  const pieces: Uint8Array[] = [];
  const restsMs: number[] = [];
  socket.on("data", (piece: Uint8Array) => pieces.push(piece));
  const stop = paceReads(socket, (restMs) => {
    restsMs.push(restMs);
    return isRested();
  });
  return { socket, pieces, restsMs, stop };
}

function writePieces(socket: PassThrough, count: number): void {
  for (let place = 0; place < count; place++) {
    socket.write(new Uint8Array(PIECE_BYTES).fill(place));
  }
}

Deno.test("paceReads() reads a short answer as it comes", () => {
  const { socket, pieces, restsMs } = openSocket();
  writePieces(socket, 8);
  equal(pieces.length, 8);
  deepEqual(restsMs, []);
});

Deno.test("paceReads() rests longer while little comes, and never for more than 16 ms", () => {
  const { socket, restsMs } = openSocket();
  writePieces(socket, 8); // read as they come
  writePieces(socket, 7);
  deepEqual(restsMs, [2, 4, 8, 16, 16, 16, 16]);
});

Deno.test("paceReads() rests shorter where much has come", () => {
  const { socket, restsMs } = openSocket();
  writePieces(socket, 10);
  for (let place = 0; place < 4; place++) {
    socket.write(new Uint8Array(62 * 1024)); // a full read, and more to come
    socket.write(new Uint8Array(62 * 1024));
    writePieces(socket, 1);
  }
  deepEqual(restsMs, [2, 4, 2, 1, 1, 1]);
});

Deno.test("paceReads() goes on gathering where the process has only just rested", () => {
  const answers = [true, false, false, true];
  const { socket, restsMs } = openSocket(() => answers.shift() ?? false);
  writePieces(socket, 9);
  socket.write(new Uint8Array(32 * 1024));
  socket.write(new Uint8Array(32 * 1024));
  socket.write(new Uint8Array(32 * 1024));
  // 32, 64 and 96 KB have gathered: it is enough by the second
  deepEqual(restsMs, [2, 4, 2, 2]);
});

Deno.test("paceReads() does not rest where the runtime says that there is more", () => {
  const { socket, restsMs } = openSocket();
  for (let place = 0; place < 4; place++) {
    socket.write(new Uint8Array(64 * 1024));
  }
  deepEqual(restsMs, []);
});

Deno.test("paceReads() ends with the answer", () => {
  const { socket, pieces, restsMs, stop } = openSocket();
  writePieces(socket, 9);
  stop();
  writePieces(socket, 100);
  equal(restsMs.length, 1);
  equal(pieces.length, 109);
});

Deno.test("paceReads() does not rest behind the last piece of an answer", () => {
  const { socket, restsMs, stop } = openSocket();
  // the end is told while that piece is read
  socket.prependListener("data", ([first]: Uint8Array) => {
    if (first === 9) stop();
  });
  writePieces(socket, 10);
  equal(restsMs.length, 1);
});

Deno.test("paceReads() leaves TLS as it is", () => {
  const socket = Object.assign(new PassThrough(), { encrypted: true });
  paceReads(socket)();
  equal(socket.listenerCount("data"), 0);
});

Deno.test("openRest() keeps the process awake between the rests of several sockets", () => {
  let nowMs = 0;
  let restedMs = 0;
  const rest = openRest({
    now: () => nowMs,
    sleep(restMs) {
      nowMs += restMs;
      restedMs += restMs;
    },
  });
  const sockets = Array.from({ length: 8 }, () => {
    const socket = new PassThrough({ highWaterMark: 16 * 1024 * 1024 });
    socket.on("data", () => {});
    paceReads(socket, rest);
    return socket;
  });
  for (const socket of sockets) writePieces(socket, 9);
  equal(restedMs, 2);
  nowMs += 1;
  for (const socket of sockets) writePieces(socket, 1);
  equal(restedMs, 6);
});
