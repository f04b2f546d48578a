import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { paceReads } from "../src/read_pace.ts";

/** What PostgreSQL sends at once. */
const PIECE_BYTES = 8 * 1024;

/** A socket to write to, what it has been read of, and the end of its pace. */
function openSocket() {
  const socket = new PassThrough({ highWaterMark: 16 * 1024 * 1024 });
  const pieces: Uint8Array[] = [];
  socket.on("data", (piece: Uint8Array) => pieces.push(piece));
  return { socket, pieces, stop: paceReads(socket) };
}

function writePieces(socket: PassThrough, count: number): void {
  for (let place = 0; place < count; place++) {
    socket.write(new Uint8Array(PIECE_BYTES).fill(place));
  }
}

Deno.test("paceReads() reads a short answer as it comes", () => {
  const { socket, pieces, stop } = openSocket();
  writePieces(socket, 8);
  equal(socket.isPaused(), false);
  equal(pieces.length, 8);
  stop();
});

Deno.test("paceReads() rests in a long answer, and loses nothing of it", async () => {
  const { socket, pieces, stop } = openSocket();
  writePieces(socket, 9);
  ok(socket.isPaused());
  writePieces(socket, 100);
  equal(pieces.length, 9);
  await once(socket, "resume");
  while (pieces.length < 109) await once(socket, "data");
  stop();
  deepEqual(
    pieces.map(([first]) => first),
    [...Array(9).keys(), ...Array(100).keys()],
  );
});

Deno.test("paceReads() does not rest where the runtime says that there is more", () => {
  const { socket, stop } = openSocket();
  for (let place = 0; place < 4; place++) {
    socket.write(new Uint8Array(64 * 1024));
  }
  equal(socket.isPaused(), false);
  stop();
});

Deno.test("paceReads() ends a rest with the answer", () => {
  const { socket, stop } = openSocket();
  writePieces(socket, 9);
  ok(socket.isPaused());
  stop();
  equal(socket.isPaused(), false);
  writePieces(socket, 100);
  equal(socket.isPaused(), false);
});

Deno.test("paceReads() leaves TLS as it is", () => {
  const socket = Object.assign(new PassThrough(), { encrypted: true });
  paceReads(socket)();
  equal(socket.listenerCount("data"), 0);
});
