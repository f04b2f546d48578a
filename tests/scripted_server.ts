import { openCluster } from "../src/elasticsearch.ts";
import type { Cluster } from "../src/elasticsearch.ts";
import { recordLog } from "./recorded_log.ts";
import { quickPersister } from "./servers.ts";

/** What a scripted server says: a status, and a body that is JSON unless it is text. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly body: unknown;
}

/** An HTTP server that answers like Elasticsearch, request by request. */
export interface ScriptedServer extends AsyncDisposable {
  readonly cluster: Cluster;
  /** The requests that came: their URL and their body. */
  readonly requests: { readonly url: URL; readonly body: string }[];
}

/** Serves what `answer` says to each request's body and place, from 0. */
export function openScriptedServer(
  answer: (
    body: string,
    place: number,
  ) => ScriptedAnswer | Promise<ScriptedAnswer>,
  { requestTimeoutMs = 10_000 }: { requestTimeoutMs?: number } = {},
): ScriptedServer {
  const requests: { url: URL; body: string }[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const body = await request.text();
      requests.push({ url: new URL(request.url), body });
      const { status = 200, body: said } = await answer(
        body,
        requests.length - 1,
      );
      return typeof said === "string"
        ? new Response(said, {
          status,
          headers: { "content-type": "text/html" },
        })
        : Response.json(said, { status });
    },
  );
  const { port } = server.addr;
  const cluster = openCluster(
    { nodes: [`http://127.0.0.1:${port}`], requestTimeoutMs },
    quickPersister("Elasticsearch", recordLog().log),
  );
  return {
    cluster,
    requests,
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      await server.shutdown();
    },
  };
}
