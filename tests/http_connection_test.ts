import { deepEqual, rejects } from "node:assert/strict";
import { z } from "zod";
import { openCluster } from "../src/elasticsearch.ts";

Deno.test("a request that is cut on a connection used before is not sent again", async () => {
  const seen: string[] = [];
  const arrived = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
  const server = Deno.serve(options, async (request) => {
    const { pathname } = new URL(request.url);
    await request.text();
    seen.push(pathname);
    if (pathname === "/held") {
      arrived.resolve();
      await released.promise;
    }
    return Response.json({});
  });
  const node = `http://127.0.0.1:${server.addr.port}`;
  const cluster = openCluster({ nodes: [node], requestTimeoutMs: 10_000 }, {
    persist: (action) => action(),
  });
  const never = new AbortController().signal;
  const ask = (path: string, signal = never) =>
    cluster.request({
      ...{ method: "POST", path, index: "movies" } as const,
      answer: z.unknown(),
    }, signal);
  await ask("/first");
  const kill = new AbortController();
  const cut = ask("/held", kill.signal);
  await arrived.promise;
  kill.abort(new Error("killed"));
  await rejects(cut, /killed/);
  // what is sent again would be on its way by now
  await ask("/second");
  await ask("/third");
  deepEqual(seen, ["/first", "/held", "/second", "/third"]);
  released.resolve();
  await cluster[Symbol.asyncDispose]();
  await server.shutdown();
});
