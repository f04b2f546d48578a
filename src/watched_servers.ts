import type { Cluster } from "./elasticsearch.ts";
import { EtlError, type Server } from "./failure.ts";
import type { Source } from "./postgres.ts";
import type { Persister } from "./retry.ts";
import type { ServerCall, Telemetry } from "./telemetry.ts";

const STATEMENT: ServerCall = { server: "PostgreSQL", operation: "statement" };
const REQUEST: ServerCall = { server: "Elasticsearch", operation: "request" };

/** `source` with each statement that reads told of. */
export function watchSource(source: Source, telemetry: Telemetry): Source {
  return {
    ...source,
    query: (statement, options) =>
      telemetry.measure(STATEMENT, () => source.query(statement, options)),
    copy: (copy, signal) =>
      telemetry.measure(STATEMENT, () => source.copy(copy, signal)),
  };
}

/** `cluster` with each request told of. */
export function watchCluster(cluster: Cluster, telemetry: Telemetry): Cluster {
  return {
    ...cluster,
    request: (request, signal) =>
      telemetry.measure(REQUEST, () => cluster.request(request, signal)),
    bulk: (bulk, signal) =>
      telemetry.measure(
        { ...REQUEST, operation: "bulk", bytes: bulk.body.length },
        () => cluster.bulk(bulk, signal),
      ),
  };
}

/** A persister for what nothing waits for, with what becomes of it told of. */
export function watchTries(
  persister: Persister,
  { server, telemetry }: { server: Server; telemetry: Telemetry },
): Persister {
  return {
    async persist(action, signal) {
      try {
        const result = await persister.persist(action, signal);
        telemetry.met(server, undefined);
        return result;
      } catch (error) {
        if (error instanceof EtlError && !signal.aborted) {
          telemetry.met(server, error.failure);
        }
        throw error;
      }
    },
  };
}
