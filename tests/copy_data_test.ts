import { deepEqual, equal } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { openCopyData } from "../src/copy_data.ts";

interface Message {
  readonly code: string;
  readonly content: Uint8Array;
}

const Content = fc.uint8Array({ maxLength: 40 });
const Messages = fc.array(
  fc.record({ code: fc.constantFrom("d", "D", "H", "Z"), content: Content }),
  { maxLength: 12 },
);

function encode({ code, content }: Message): Buffer {
  const head = Buffer.alloc(5, code);
  head.writeInt32BE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

/** A stream whose first listener stands for the driver's. */
function openStream() {
  const stream = new PassThrough();
  const left: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => left.push(chunk));
  const copyData = openCopyData(stream);
  return { stream, copyData, left };
}

function* cut(bytes: Buffer, sizes: readonly number[]): Generator<Buffer> {
  let at = 0;
  for (let place = 0; at < bytes.length; place++) {
    const size = sizes[place % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

Deno.test("openCopyData() takes the content of every CopyData message and leaves every other byte, however the bytes are cut", () => {
  const Sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1 });
  fc.assert(fc.property(Messages, Sizes, (messages, sizes) => {
    const { stream, copyData, left } = openStream();
    const taken: string[] = [];
    copyData.divert((message) =>
      taken.push(Buffer.from(message).toString("hex"))
    );
    const bytes = Buffer.concat(messages.map(encode));
    for (const chunk of cut(bytes, sizes)) stream.emit("data", chunk);
    const isCopyData = ({ code }: Message) => code === "d";
    const contents = messages.filter(isCopyData)
      .map(({ content }) => Buffer.from(content).toString("hex"));
    deepEqual(taken, contents);
    const others = messages.filter((message) => !isCopyData(message));
    deepEqual(
      Buffer.concat(left).toString("hex"),
      Buffer.concat(others.map(encode)).toString("hex"),
    );
  }));
});

Deno.test("openCopyData() leaves CopyData to the driver where nobody takes it, and knows where the messages begin all the same", () => {
  const { stream, copyData, left } = openStream();
  const first = encode({ code: "d", content: Buffer.from("driver's") });
  const second = encode({ code: "d", content: Buffer.from("ours") });
  const third = encode({ code: "d", content: Buffer.from("driver's again") });
  const taken: string[] = [];
  stream.emit("data", first.subarray(0, 7));
  copyData.divert((message) => taken.push(Buffer.from(message).toString()));
  // what has begun as the driver's stays the driver's
  stream.emit("data", Buffer.concat([first.subarray(7), second]));
  copyData.divert(undefined);
  stream.emit("data", third);
  deepEqual(taken, ["ours"]);
  deepEqual(Buffer.concat(left), Buffer.concat([first, third]));
});

Deno.test("openCopyData() leaves to the driver what is no message", () => {
  const { stream, copyData, left } = openStream();
  const taken: Uint8Array[] = [];
  copyData.divert((message) => taken.push(message));
  const bytes = Buffer.from("d\xff\xff\xff\xf0 and so on", "latin1");
  stream.emit("data", bytes);
  deepEqual(Buffer.concat(left), bytes);
  equal(taken.length, 0);
});

Deno.test("openCopyData() takes a message that is longer than many reads", () => {
  const { stream, copyData, left } = openStream();
  const content = Buffer.alloc(1_000_000, "x");
  let takenBytes = 0;
  copyData.divert(({ length }) => takenBytes += length);
  const bytes = encode({ code: "d", content });
  for (const chunk of cut(bytes, [65_536])) stream.emit("data", chunk);
  stream.emit("data", encode({ code: "d", content: Buffer.from("y") }));
  equal(takenBytes, 1_000_001);
  equal(left.length, 0);
});
