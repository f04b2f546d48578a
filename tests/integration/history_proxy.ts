import { z } from "zod";

/** A server between the agent and Elasticsearch that holds back, refuses or rewrites bulk requests. */
export interface BulkProxy extends AsyncDisposable {
  readonly url: string;
  /** Holds the next bulk request, which is not passed on before its release. */
  holdNext(): Held;
  /** Answers all bulk requests 503 until it is disposed of. */
  refuse(): Refusal;
}

/** A bulk request on its way. */
export interface Held {
  readonly arrived: Promise<void>;
  release(): void;
}

/** A time in which bulk requests are refused. */
export interface Refusal extends Disposable {
  /** Resolves with the first request that is refused. */
  readonly begun: Promise<void>;
}

/**
 * Starts a proxy; with `versions: false` documents are written without their versions, and the last one to arrive wins. With
 * a `clusterUuid` it passes for another cluster, whose writer lock is another one: so two agents write at once.
 */
export function startBulkProxy(
  { versions = true, clusterUuid }: {
    versions?: boolean;
    clusterUuid?: string;
  } = {},
): BulkProxy {
  const target = z.url().parse(Deno.env.get("PG2ES_TEST_ELASTICSEARCH"));
  let held: PromiseWithResolvers<void>[] = [];
  let refusal: PromiseWithResolvers<void> | undefined;

  async function answer(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    if (clusterUuid !== undefined && pathname.startsWith("/_cluster/state")) {
      return Response.json({ "cluster_uuid": clusterUuid });
    }
    const isBulk = pathname.endsWith("/_bulk");
    let body = await request.text();
    if (isBulk && refusal !== undefined) {
      refusal.resolve();
      return new Response("{}", { status: 503 });
    }
    if (isBulk) {
      const [arrived, released] = held;
      held = [];
      arrived?.resolve();
      await released?.promise;
      if (!versions) {
        body = body.replaceAll(/,"version":\d+,"version_type":"\w+"/g, "");
      }
    }
    const headers = new Headers({
      "content-type": request.headers.get("content-type") ?? "application/json",
    });
    const hasBody = request.method !== "GET" && request.method !== "HEAD";
    const response = await fetch(new URL(`${pathname}${search}`, target), {
      method: request.method,
      headers,
      ...(hasBody && body !== "" && { body }),
    });
    return new Response(await response.text(), {
      status: response.status,
      headers: { "content-type": "application/json" },
    });
  }

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    answer,
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    holdNext() {
      const arrived = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      held = [arrived, released];
      return { arrived: arrived.promise, release: () => released.resolve() };
    },
    refuse() {
      const begun = Promise.withResolvers<void>();
      refusal = begun;
      return {
        begun: begun.promise,
        [Symbol.dispose]: () => {
          refusal = undefined;
        },
      };
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
