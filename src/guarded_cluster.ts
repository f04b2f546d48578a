import type { Cluster } from "./elasticsearch.ts";
import type { WriterLock } from "./writer_lock.ts";

/**
 * `cluster` for the one who has the lock alone: each request makes sure of it right before it goes, as a process that stood
 * still for a while does not know yet what it has lost.
 */
export function guardCluster(
  cluster: Cluster,
  { assertHeld }: Pick<WriterLock, "assertHeld">,
): Cluster {
  return {
    ...cluster,
    async request(request, signal) {
      assertHeld();
      return await cluster.request(request, signal);
    },
    async bulk(bulk, signal) {
      assertHeld();
      return await cluster.bulk(bulk, signal);
    },
  };
}
