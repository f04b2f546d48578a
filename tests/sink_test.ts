import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { EtlError } from "../src/failure.ts";
import { film, openQuickSink, pack } from "./operations_fixture.ts";
import { recordLog } from "./recorded_log.ts";
import { openScriptedServer, type ScriptedAnswer } from "./scripted_server.ts";
import { NEVER } from "./servers.ts";

const FILMS = pack.bind(undefined, ["a", "b", "c", "d", "e"].map(film));

/** The ids of the operations in a request's body. */
function idsOf(body: string): string[] {
  return [...body.matchAll(/"_id":"([^"]*)"/g)].map(([, id = ""]) => id);
}

/** The answer that says the same of every operation, unless `others` says something of its id. */
function answerItems(
  body: string,
  others: Readonly<Record<string, unknown>> = {},
): ScriptedAnswer {
  const items = idsOf(body).map((id) => ({
    index: others[id] ?? { status: 201 },
  }));
  return { body: { items } };
}

function refusal(status: number, type: string): ScriptedAnswer {
  return { status, body: { error: { type, reason: "secret value" }, status } };
}

const BUSY = {
  status: 429,
  error: { type: "es_rejected_execution_exception", reason: "queue is full" },
};

Deno.test("settle() sends the operations to the write alias, which must be one", async () => {
  await using server = openScriptedServer((body) => answerItems(body));
  const outcome = await openQuickSink(server.cluster).settle(FILMS(), NEVER);
  deepEqual(outcome, { written: 5, superseded: 0, rejections: [] });
  const [{ url, body } = { url: undefined, body: "" }] = server.requests;
  equal(url?.pathname, "/movies-write/_bulk");
  equal(url?.searchParams.get("require_alias"), "true");
  equal(body, new TextDecoder().decode(FILMS().buffer));
});

Deno.test("settle() sends what the server is too busy for again, and nothing else", async () => {
  await using server = openScriptedServer((body, place) =>
    answerItems(body, place < 2 ? { b: BUSY, e: BUSY } : {})
  );
  const outcome = await openQuickSink(server.cluster).settle(FILMS(), NEVER);
  deepEqual(outcome, { written: 5, superseded: 0, rejections: [] });
  deepEqual(server.requests.map(({ body }) => idsOf(body)), [
    ["a", "b", "c", "d", "e"],
    ["b", "e"],
    ["b", "e"],
  ]);
  const again = new TextDecoder().decode(pack([film("b"), film("e")]).buffer);
  equal(server.requests[2]?.body, again);
});

Deno.test("settle() waits while a request as a whole is refused with 429 or 503", async () => {
  await using server = openScriptedServer((body, place) =>
    place === 0
      ? refusal(429, "circuit_breaking_exception")
      : place === 1
      ? refusal(503, "unavailable")
      : answerItems(body)
  );
  const { written } = await openQuickSink(server.cluster).settle(
    FILMS(),
    NEVER,
  );
  equal(written, 5);
  equal(server.requests.length, 3);
});

Deno.test("settle() sends all again when items are missing in the answer", async () => {
  const { log, lines } = recordLog();
  await using server = openScriptedServer((body, place) => {
    const items = idsOf(body).map(() => ({ index: { status: 201 } }));
    return { body: { items: place === 0 ? items.slice(1) : items } };
  });
  const outcome = await openQuickSink(server.cluster, { log }).settle(
    FILMS(),
    NEVER,
  );
  equal(outcome.written, 5);
  deepEqual(server.requests.map(({ body }) => idsOf(body).length), [5, 5]);
  const { error } = lines[0]?.fields ?? {};
  ok(error instanceof EtlError);
  deepEqual(error.failure, {
    kind: "answer-invalid",
    server: "Elasticsearch",
    detail: "4 items for 5 operations",
  });
});

Deno.test("settle() takes a page of HTML for no answer", async () => {
  for (const status of [200, 502]) {
    const { log, lines } = recordLog();
    await using server = openScriptedServer((body, place) =>
      place === 0 ? { status, body: "<html>Sign in</html>" } : answerItems(body)
    );
    const { written } = await openQuickSink(server.cluster, { log }).settle(
      FILMS(),
      NEVER,
    );
    equal(written, 5);
    equal(server.requests.length, 2);
    const told = lines.find(({ level }) => level === "warning");
    const { error } = told?.fields ?? {};
    equal(
      error instanceof EtlError && error.failure.kind,
      status === 200 ? "answer-invalid" : "server-unavailable",
    );
  }
});

Deno.test("settle() halves what is too large, down to the one document that is", async () => {
  await using server = openScriptedServer((body) =>
    idsOf(body).includes("d")
      ? { status: 413, body: "<html>Too large</html>" }
      : answerItems(body)
  );
  const { log, lines } = recordLog();
  const outcome = await openQuickSink(server.cluster, { log }).settle(
    FILMS(),
    NEVER,
  );
  deepEqual(outcome, {
    written: 4,
    superseded: 0,
    rejections: [{ key: "d", type: "content_too_large" }],
  });
  deepEqual(server.requests.map(({ body }) => idsOf(body).join("")), [
    "abcde",
    "abc",
    "de",
    "d",
    "e",
  ]);
  deepEqual(lines.filter(({ level }) => level === "error"), [{
    level: "error",
    message: "document rejected",
    fields: { id: "d", type: "content_too_large", field: undefined },
  }]);
});

Deno.test("settle() rejects the one document that makes its request refused, and writes the others", async () => {
  await using server = openScriptedServer((body) =>
    idsOf(body).includes("b")
      ? refusal(400, "illegal_argument_exception")
      : answerItems(body)
  );
  const outcome = await openQuickSink(server.cluster).settle(FILMS(), NEVER);
  equal(outcome.written, 4);
  deepEqual(outcome.rejections, [
    { key: "b", type: "illegal_argument_exception" },
  ]);
});

Deno.test("settle() sends again the right bytes of a half", async () => {
  const tried = new Set<string>();
  await using server = openScriptedServer((body) => {
    const ids = idsOf(body);
    if (ids.length > 2) return refusal(413, "too_large");
    const others = ids.map((id) => [id, tried.has(id) ? undefined : BUSY]);
    ids.forEach((id) => tried.add(id));
    return answerItems(body, Object.fromEntries(others));
  });
  const { written } = await openQuickSink(server.cluster).settle(
    FILMS(),
    NEVER,
  );
  equal(written, 5);
  for (const { body } of server.requests) {
    equal(body, new TextDecoder().decode(pack(idsOf(body).map(film)).buffer));
  }
});

Deno.test("settle() waits for a block of the index to be lifted", async () => {
  const { log, lines } = recordLog();
  const blocked = {
    status: 403,
    error: { type: "cluster_block_exception", reason: "read-only" },
  };
  await using server = openScriptedServer((body, place) =>
    answerItems(body, place < 3 ? { c: blocked } : {})
  );
  const outcome = await openQuickSink(server.cluster, { log }).settle(
    FILMS(),
    NEVER,
  );
  equal(outcome.written, 5);
  equal(server.requests.length, 4);
  deepEqual(lines.map(({ message }) => message), [
    "cannot go on, trying again",
    "goes on",
  ]);
});

Deno.test("settle() throws when the index is gone, whether of the request or of an item", async () => {
  const error = { type: "index_not_found_exception", reason: "no such index" };
  const answers: ScriptedAnswer[] = [
    refusal(404, "index_not_found_exception"),
    { body: { items: Array(5).fill({ index: { status: 404, error } }) } },
  ];
  for (const answer of answers) {
    await using server = openScriptedServer(() => answer);
    await rejects(
      openQuickSink(server.cluster).settle(FILMS(), NEVER),
      (error) =>
        error instanceof EtlError && error.failure.kind === "index-missing",
    );
    equal(server.requests.length, 1);
  }
});

Deno.test("settle() throws the reason of the signal that cuts a request", async () => {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  await using server = openScriptedServer(async (body) => {
    asked.resolve();
    await held.promise;
    return answerItems(body);
  });
  const killing = new AbortController();
  const settled = openQuickSink(server.cluster).settle(FILMS(), killing.signal);
  await asked.promise;
  const reason = new Error("killed");
  killing.abort(reason);
  await rejects(settled, (error) => error === reason);
  held.resolve();
});

Deno.test("settle() sends a request that is not answered in time again", async () => {
  const held = Promise.withResolvers<void>();
  await using server = openScriptedServer(async (body, place) => {
    if (place === 0) await held.promise;
    return answerItems(body);
  }, { requestTimeoutMs: 100 });
  const { written } = await openQuickSink(server.cluster).settle(
    FILMS(),
    NEVER,
  );
  equal(written, 5);
  equal(server.requests.length, 2);
  held.resolve();
});

Deno.test("record() settles rejections by logging their id, type and field", async () => {
  await using server = openScriptedServer((body) => answerItems(body));
  const { log, lines } = recordLog();
  const rejections = [{ key: "a", type: "two_rows" }];
  const outcome = await openQuickSink(server.cluster, { log }).record(
    rejections,
    NEVER,
  );
  deepEqual(outcome, { written: 0, superseded: 0, rejections });
  equal(lines.length, 1);
  equal(lines[0]?.fields.type, "two_rows");
  equal(server.requests.length, 0);
});
