import { deepEqual, ok, rejects } from "node:assert/strict";
import { z } from "zod";
import { openCluster, type Request } from "../src/elasticsearch.ts";
import { EtlError } from "../src/failure.ts";
import { NEVER, quickPersister } from "./servers.ts";

const Anything: Request<{ count: number }> = {
  method: "GET",
  path: "/movies/_count",
  index: "movies",
  answer: z.object({ count: z.number() }),
};

/** A server of TCP that reads what comes and says `said`, whatever was asked, and nothing more. */
function openSilentServer(said: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closed = Promise.withResolvers<void>();
  const heard = Promise.withResolvers<void>();
  async function hear(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      await connection.read(buffer);
      await connection.write(new TextEncoder().encode(said));
      heard.resolve();
      while (await connection.read(buffer) !== null);
    } catch {
      // it was cut, as is expected
    } finally {
      connection.close();
      closed.resolve();
    }
  }
  (async () => {
    for await (const connection of listener) void hear(connection);
  })();
  return {
    node: `http://127.0.0.1:${listener.addr.port}`,
    heard: heard.promise,
    /** Resolves when the client has ended a connection. */
    closed: closed.promise,
    [Symbol.dispose]: () => listener.close(),
  };
}

const SILENCES = {
  "says nothing": "",
  "stops within the head of its answer": "HTTP/1.1 200 OK\r\nconte",
  "stops within its answer":
    'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"items',
};

const BULK = {
  alias: "movies-write",
  body: new TextEncoder().encode('{"delete":{"_id":"a"}}\n'),
  operationCount: 1,
};

for (const [name, said] of Object.entries(SILENCES)) {
  Deno.test(`bulk() waits no longer than its time for a server that ${name}`, async () => {
    using server = openSilentServer(said);
    await using cluster = openCluster(
      { nodes: [server.node], requestTimeoutMs: 100 },
      quickPersister("Elasticsearch"),
    );
    await rejects(cluster.bulk(BULK, NEVER), (error) => {
      ok(error instanceof EtlError);
      deepEqual(error.failure, {
        kind: "server-unavailable",
        server: "Elasticsearch",
        code: "timeout",
      });
      return true;
    });
    await server.closed;
  });

  Deno.test(`bulk() is cut by its signal from a server that ${name}`, async () => {
    using server = openSilentServer(said);
    await using cluster = openCluster(
      { nodes: [server.node], requestTimeoutMs: 60_000 },
      quickPersister("Elasticsearch"),
    );
    const killing = new AbortController();
    const sent = cluster.bulk(BULK, killing.signal);
    await server.heard;
    const reason = new Error("killed");
    killing.abort(reason);
    await rejects(sent, (error) => error === reason);
    await server.closed;
  });
}

Deno.test("bulk() takes a slow answer for its time, and no longer", async () => {
  const head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
  const body = '{"items":[{"delete":{"status":404}}]}';
  for (const [pauseMs, isInTime] of [[5, true], [60, false]] as const) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = (async () => {
      using connection = await listener.accept();
      try {
        await connection.read(new Uint8Array(65_536));
        const text = `${head}content-length: ${body.length}\r\n\r\n${body}`;
        for (const letter of text.slice(0, -1)) {
          await connection.write(new TextEncoder().encode(letter));
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        await connection.write(new TextEncoder().encode(text.slice(-1)));
        await connection.read(new Uint8Array(1));
      } catch {
        // it was cut, which is what the answer tells
      }
    })();
    {
      await using cluster = openCluster(
        {
          nodes: [`http://127.0.0.1:${listener.addr.port}`],
          requestTimeoutMs: isInTime ? 10_000 : 300,
        },
        quickPersister("Elasticsearch"),
      );
      const answered = cluster.bulk(BULK, NEVER);
      if (isInTime) deepEqual(await answered, [{ status: 404 }]);
      else await rejects(answered, /code is timeout/);
    }
    await serving;
    listener.close();
  }
});

Deno.test("openCluster() tries a secret that was changed in its file, and keeps it out of the log", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "old");
  const headers: (string | null)[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => {
      const header = request.headers.get("authorization");
      headers.push(header);
      return header === "ApiKey new"
        ? Response.json({ count: 1 })
        : Response.json({ error: { type: "security_exception" } }, {
          status: 401,
        });
    },
  );
  const secrets = new Set(["old"]);
  {
    await using cluster = openCluster({
      nodes: [`http://127.0.0.1:${server.addr.port}`],
      auth: { apiKey: "old", file },
      requestTimeoutMs: 10_000,
      secrets,
    }, quickPersister("Elasticsearch"));
    await rejects(cluster.request(Anything, NEVER), /code is 401/);
    await Deno.writeTextFile(file, "new\n");
    deepEqual(await cluster.request(Anything, NEVER), { count: 1 });
  }
  deepEqual(headers, ["ApiKey old", "ApiKey old", "ApiKey new"]);
  ok(secrets.has("new"));
  await server.shutdown();
  await Deno.remove(file);
});
