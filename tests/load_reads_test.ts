import { deepEqual, equal, ok } from "node:assert/strict";
import type { Documents } from "../src/documents.ts";
import { EtlError } from "../src/failure.ts";
import { faultOf, openLoadReads } from "../src/load_reads.ts";
import type { Position } from "../src/position.ts";
import type { Source } from "../src/postgres.ts";
import { openVersions } from "../src/versions.ts";
import { recordLog } from "./integration/agent_run.ts";

const NEVER = new AbortController().signal;

Deno.test("openLoadReads() leaves the read hosts alone where the source's numbers went back, or were not kept", async () => {
  for (
    const numbers of [
      { document_version: "200", source_version: "100" },
      { document_version: "200" },
      {},
    ]
  ) {
    const { reads, messages, opened } = open({ numbers });
    equal(opened.count, 0);
    deepEqual(messages.length, 1);
    deepEqual(await reads.documents.read([], NEVER), readingOf("primary"));
    await reads[Symbol.asyncDispose]();
  }
});

Deno.test("openLoadReads() goes back to the primary once, and says so once", async () => {
  const { reads, messages, opened } = open({
    numbers: { document_version: "200", source_version: "200" },
  });
  deepEqual(await reads.documents.read([], NEVER), readingOf("standby"));
  opened.isDown = true;
  for (let count = 0; count < 3; count++) {
    deepEqual(await reads.documents.read([], NEVER), readingOf("primary"));
  }
  deepEqual(messages, [
    "no read host can be used, the load is read on the primary",
  ]);
  ok(opened.readCount < 10);
  await reads[Symbol.asyncDispose]();
});

Deno.test("openLoadReads() gives a buffer back to where it came from", async () => {
  const { reads, opened } = open({
    numbers: { document_version: "200", source_version: "200" },
  });
  for (const isDown of [false, true]) {
    opened.isDown = isDown;
    const { requests } = await reads.documents.read([], NEVER);
    requests.forEach(reads.documents.recycle);
  }
  deepEqual(opened.recycled, ["standby", "primary"]);
  await reads[Symbol.asyncDispose]();
});

Deno.test("faultOf() takes a standby of the cluster alone", () => {
  const state = { is_standby: "true", system: "7", version: "1" } as const;
  equal(faultOf(state, "7"), undefined);
  equal(faultOf(state, "8"), "another cluster");
  equal(faultOf({ ...state, is_standby: "false" }, "7"), "no standby");
});

/** Reads of a load whose hosts are played; each reading tells by a rejection where it was made. */
function open({ numbers }: { numbers: Partial<Position> }) {
  const recycled: string[] = [];
  const opened = { count: 0, readCount: 0, isDown: false, recycled };
  const messages: string[] = [];
  const unused = () => Promise.reject(new Error("Cannot ask a played source"));
  const source: Source = {
    query: unused,
    describe: unused,
    explain: unused,
    copy: unused,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const primary: Documents = {
    read: () => Promise.resolve(readingOf("primary")),
    recycle: () => recycled.push("primary"),
  };
  const standby: Documents = {
    read: () => {
      opened.readCount++;
      const lost = new EtlError({
        kind: "server-unavailable",
        server: "PostgreSQL",
        code: "ECONNREFUSED",
      });
      return opened.isDown
        ? Promise.reject(lost)
        : Promise.resolve(readingOf("standby"));
    },
    recycle: () => recycled.push("standby"),
  };
  const position: Position = {
    source: { system: "7", database: "films" },
    index: { name: "films", uuid: "u" },
    low: "2026-11-23 05:00:00.000000+00",
    seen: {},
    load: {},
    ...numbers,
  };
  const reads = openLoadReads({
    open: () => {
      opened.count++;
      return source;
    },
    waitMs: 100,
  }, {
    primary: { source, documents: primary },
    position,
    versions: openVersions(),
    openDocuments: () => standby,
    log: recordLog(({ message }) => messages.push(message)),
  });
  return { reads, messages, opened };
}

function readingOf(type: string) {
  const request = {
    buffer: new Uint8Array(1),
    entries: [],
    readAtMs: 0,
    version: "1",
  };
  const rejections = [{ key: "1", type, version: "1" }];
  return { requests: [request], rejections, rest: [] };
}
