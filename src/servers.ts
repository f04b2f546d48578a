import type { Config } from "./config.ts";
import { type Cluster, openCluster } from "./elasticsearch.ts";
import type { Log } from "./logging.ts";
import { openSource, type Source } from "./postgres.ts";
import { createPersister, type Persister } from "./retry.ts";
import type { Scope } from "./scope.ts";

/** The two servers of a configuration. */
export interface Servers {
  readonly source: Source;
  readonly cluster: Cluster;
  /** Carries calls to Elasticsearch across its outages. */
  readonly persister: Persister;
}

/** Opens both servers in `scope`; connections are made when they are needed. */
export function openServers(
  config: Config,
  { scope, log, drain }: { scope: Scope; log: Log; drain: AbortSignal },
): Servers {
  const options = { limits: config.retry, log, drain };
  const source = scope.add(openSource(config.postgres, {
    persister: createPersister("PostgreSQL", options),
    log,
  }));
  const persister = createPersister("Elasticsearch", options);
  const cluster = scope.add(openCluster(config.elasticsearch, persister));
  return { source, cluster, persister };
}
