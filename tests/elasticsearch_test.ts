import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { z } from "zod";
import { openCluster, type Request } from "../src/elasticsearch.ts";
import { explainStatus } from "../src/elasticsearch_failure.ts";
import { EtlError } from "../src/failure.ts";
import { recordLog } from "./recorded_log.ts";
import { openScriptedServer } from "./scripted_server.ts";
import { NEVER, openTestCluster, quickPersister } from "./servers.ts";

const Anything: Request<{ count: number }> = {
  method: "GET",
  path: "/movies/_count",
  index: "movies",
  answer: z.object({ count: z.number() }),
};

Deno.test("request() gives the answer as its schema says", async () => {
  await using server = openScriptedServer(() => ({
    body: { count: 3, shards: 1 },
  }));
  const query = { q: "a b&c" };
  const answer = await server.cluster.request({ ...Anything, query }, NEVER);
  deepEqual(answer, { count: 3 });
  equal(server.requests[0]?.url.searchParams.get("q"), "a b&c");
});

Deno.test("request() asks again after an answer that is not what was asked for", async () => {
  await using server = openScriptedServer((_, place) =>
    [
      { body: "<html>Sign in</html>" },
      { body: { count: "many" } },
      { status: 503, body: { error: { type: "unavailable" } } },
    ][place] ?? { body: { count: 3 } }
  );
  deepEqual(await server.cluster.request(Anything, NEVER), { count: 3 });
  equal(server.requests.length, 4);
});

Deno.test("request() gives up at start on a server that refuses the agent, with what to do", async () => {
  for (
    const [status, advice] of [[401, /password/], [403, /movies/]] as const
  ) {
    await using server = openScriptedServer(() => ({
      status,
      body: { error: { type: "security_exception" } },
    }));
    await rejects(server.cluster.request(Anything, NEVER), (error) => {
      ok(error instanceof EtlError);
      equal(error.failure.kind, "server-refused");
      match(error.message, advice);
      return true;
    });
    equal(server.requests.length, 1);
  }
});

Deno.test("request() tells in Elasticsearch's words why it refuses a request", async () => {
  await using target = openTestCluster();
  const { cluster, index } = target;
  await rejects(
    cluster.request({
      method: "PUT",
      path: `/${index}`,
      index,
      body: { mappings: { properties: { title: { type: "txt" } } } },
      answer: z.unknown(),
    }, NEVER),
    (error) => {
      ok(error instanceof EtlError);
      equal(error.failure.kind, "request-refused");
      match(error.message, /type \[txt\]/);
      return true;
    },
  );
});

Deno.test("request() is cut by its signal, and throws the signal's reason", async () => {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  await using server = openScriptedServer(async () => {
    asked.resolve();
    await held.promise;
    return { body: { count: 1 } };
  });
  const killing = new AbortController();
  const answered = server.cluster.request(Anything, killing.signal);
  await asked.promise;
  const reason = new Error("killed");
  killing.abort(reason);
  await rejects(answered, (error) => error === reason);
  held.resolve();
});

Deno.test("openCluster() waits for a server that is not there yet", async () => {
  const vacant = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = vacant.addr;
  vacant.close();
  const { log, lines } = recordLog();
  const told = Promise.withResolvers<void>();
  const persister = quickPersister("Elasticsearch", {
    ...log,
    warning(message, fields) {
      log.warning(message, fields);
      told.resolve();
    },
  });
  const nodes = [`http://127.0.0.1:${port}`];
  await using cluster = openCluster(
    { nodes, requestTimeoutMs: 10_000 },
    persister,
  );
  const answered = cluster.request(Anything, NEVER);
  await told.promise;
  const { error } = lines[0]?.fields ?? {};
  ok(error instanceof EtlError);
  deepEqual(error.failure, {
    kind: "server-unavailable",
    server: "Elasticsearch",
    code: "ECONNREFUSED",
  });
  await using _server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen: () => {} },
    () => Response.json({ count: 3 }),
  );
  deepEqual(await answered, { count: 3 });
});

Deno.test("openCluster() sends the password or the key it was given", async () => {
  const headers: (string | null)[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      headers.push(request.headers.get("authorization"));
      return Response.json({ count: 1 });
    },
  );
  const nodes = [`http://127.0.0.1:${server.addr.port}`];
  const auths = [{ username: "elastic", password: "a:b" }, { apiKey: "a2V5" }];
  for (const auth of auths) {
    await using cluster = openCluster(
      { nodes, auth, requestTimeoutMs: 10_000 },
      quickPersister("Elasticsearch"),
    );
    await cluster.request(Anything, NEVER);
  }
  deepEqual(headers, [`Basic ${btoa("elastic:a:b")}`, "ApiKey a2V5"]);
  await server.shutdown();
});

Deno.test("explainStatus() goes by the type of the error before its status", () => {
  const kinds = ([
    [404, "index_not_found_exception"],
    [403, "cluster_block_exception"],
    [400, "index_closed_exception"],
    [403, "security_exception"],
    [401, "security_exception"],
    [429, "circuit_breaking_exception"],
    [408, "unknown"],
    [500, "unknown"],
    [413, "unknown"],
    [400, "mapper_parsing_exception"],
    [404, "unknown"],
    [405, "unknown"],
  ] as const).map(([status, type]) => explainStatus(status, type, "m").kind);
  deepEqual(kinds, [
    "index-missing",
    "index-blocked",
    "index-blocked",
    "server-refused",
    "server-refused",
    "sink-busy",
    "server-unavailable",
    "server-unavailable",
    "request-refused",
    "request-refused",
    "server-refused",
    "server-refused",
  ]);
});
