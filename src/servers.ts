import type { LoadedConfig } from "./config.ts";
import { type Cluster, openCluster } from "./elasticsearch.ts";
import type { Log } from "./logging.ts";
import { openSource, type Source } from "./postgres.ts";
import { openPressure, type Pressure } from "./pressure.ts";
import { openRate, type Rate } from "./rate.ts";
import { createPersister, type Persister } from "./retry.ts";
import type { Fitness } from "./postgres_hosts.ts";
import type { Host } from "./postgres_session.ts";
import type { Scope } from "./scope.ts";
import { NO_TELEMETRY, type Telemetry } from "./telemetry.ts";
import { watchCluster, watchSource, watchTries } from "./watched_servers.ts";

/** The two servers of a configuration. */
export interface Servers {
  readonly source: Source;
  readonly cluster: Cluster;
  /** The hosts that full loads read on, where these are not those of `source`. */
  readonly readHosts: ReadHosts | undefined;
  /** Carries calls to PostgreSQL across its outages. */
  readonly sourcePersister: Persister;
  /** Elasticsearch for what nothing waits for: every request is tried once. */
  readonly triedOnce: Cluster;
  /** Carries calls to Elasticsearch across its outages. */
  readonly persister: Persister;
  /** Bounds what is sent to Elasticsearch at once. */
  readonly pressure: Pressure;
  /** Spaces out the reading of documents. */
  readonly rate: Rate;
  readonly telemetry: Telemetry;
}

/** Carries nothing: what fails has failed. */
const ONCE: Persister = { persist: (action) => action() };

/** Hosts that full loads read on, in place of the source's. */
export interface ReadHosts {
  /** Opens them; calls are tried once, on a host that is fit. */
  open(fitness: Fitness): Source;
  /** Opens one of them, whatever it is. */
  openOne(host: Host): Source;
  /** In the order in which they are tried. */
  readonly hosts: readonly Host[];
  /** How long they are waited for before the source itself is read. */
  readonly waitMs: number;
}

/** Opens both servers in `scope`; connections are made when they are needed. */
export function openServers(
  { config, secrets }: Pick<LoadedConfig, "config" | "secrets">,
  { scope, log, drain, telemetry = NO_TELEMETRY }: {
    scope: Scope;
    log: Log;
    drain: AbortSignal;
    telemetry?: Telemetry;
  },
): Servers {
  const options = { limits: config.retry, log, drain, telemetry };
  const sourcePersister = createPersister("PostgreSQL", options);
  const source = scope.add(openSource(config.postgres, {
    persister: sourcePersister,
    log,
    secrets,
    maxConnections: poolSizeOf(config),
  }));
  const persister = createPersister("Elasticsearch", options);
  const search = { ...config.elasticsearch, secrets };
  const cluster = scope.add(openCluster(search, persister));
  const tries = watchTries(ONCE, { server: "Elasticsearch", telemetry });
  const triedOnce = scope.add(openCluster(search, tries));
  const pressure = openPressure(config.elasticsearch, log);
  const rate = openRate(config.limit.documentsPerSecond);
  return {
    source: watchSource(source, telemetry),
    readHosts: openReadHosts({ config, secrets }, { log, telemetry }),
    sourcePersister,
    cluster: watchCluster(cluster, telemetry),
    triedOnce,
    persister,
    pressure,
    rate,
    telemetry,
  };
}

/** Connections beside that of the writer lock, and of the stream of changes where there is one. */
function poolSizeOf({ limit, indexes }: LoadedConfig["config"]): number {
  const isByWal = indexes.some(({ follow }) => follow === "wal");
  return limit.postgresConnections - (isByWal ? 2 : 1);
}

/** The read hosts of a configuration, where it has some. */
function openReadHosts(
  { config, secrets }: Pick<LoadedConfig, "config" | "secrets">,
  { log, telemetry }: { log: Log; telemetry: Telemetry },
): ReadHosts | undefined {
  const { postgres, limit } = config;
  const { readHosts: hosts } = postgres;
  const [first, ...otherHosts] = hosts ?? [];
  if (hosts === undefined || first === undefined) return undefined;
  const maxConnections = limit.postgresConnections - 1;
  const options = { persister: ONCE, log, secrets, maxConnections };
  const address = { ...postgres, targetSessionAttrs: "any" } as const;
  return {
    hosts,
    waitMs: postgres.connectTimeoutMs,
    open: (fitness) =>
      watchSource(
        openSource({ ...address, ...first, otherHosts }, {
          ...options,
          fitness,
        }),
        telemetry,
      ),
    openOne: (host) =>
      openSource({ ...address, ...host, otherHosts: [] }, options),
  };
}
