import { checkCluster } from "./check_cluster.ts";
import { checkDatabase, checkRights } from "./check_database.ts";
import {
  type Finding,
  formatFinding,
  type Observation,
  observeFailure,
  warn,
} from "./check_finding.ts";
import { checkHttp } from "./check_http.ts";
import { checkIndex } from "./check_index.ts";
import { checkReadHosts } from "./check_read_hosts.ts";
import type { Relation } from "./check_relations.ts";
import { checkWal } from "./check_wal.ts";
import type { LoadedConfig } from "./config.ts";
import { formatPath } from "./config_faults.ts";
import { EtlError } from "./failure.ts";
import { createLog } from "./logging.ts";
import { openScope } from "./scope.ts";
import { openServers } from "./servers.ts";

/** Everything that a check found. */
export interface CheckReport {
  /** Versions of the servers that were reached. */
  readonly servers: {
    readonly postgresql?: string;
    readonly elasticsearch?: string;
  };
  /** In the order of the configuration. */
  readonly findings: readonly Finding[];
}

const OFF = warn(
  "the index is off: the agent does not follow it",
  "Delete the key where it is to be followed",
);

/**
 * Everything that can be told before the first row is loaded. Nothing is written but an index that is made for the check
 * and deleted after it; nothing is tried twice.
 */
export async function checkConfig(
  loaded: LoadedConfig,
  signal: AbortSignal,
): Promise<CheckReport> {
  const { config } = loaded;
  const findings: Finding[] = [];
  const scope = openScope();
  try {
    // a run that is being drained tries nothing again
    const drain = AbortSignal.abort();
    const servers = openServers(loaded, { scope, log: createLog(), drain });
    const { source, cluster } = servers;
    const add = (
      path: Finding["path"],
      observations: readonly Observation[],
    ) => {
      findings.push(...observations.map((found) => ({ ...found, path })));
    };
    add(["http", "stalled_after"], checkHttp(config));
    const postgres = ["postgres"];
    const isByWal = config.indexes.some(({ follow }) => follow === "wal");
    const database = await reach(
      () => checkDatabase(source, { isByWal, signal }),
    );
    add(postgres, database.observations);
    if ("version" in database && database.isUsable) {
      findings.push(...await checkReadHosts(servers, signal));
    }
    const names = config.indexes.map(({ name }) => name);
    const state = await reach(() => checkCluster(cluster, { names, signal }));
    add(["elasticsearch"], state.observations);
    const versions = {
      ...("version" in database ? { postgresql: database.version } : {}),
      ...("version" in state ? { elasticsearch: state.version } : {}),
    };
    if (!("version" in database) || !database.isUsable) {
      return { servers: versions, findings };
    }
    const relations = new Map<string, Relation>();
    for (const [place, definition] of config.indexes.entries()) {
      if (!definition.enabled) {
        const path = ["indexes", place, "enabled"];
        findings.push({ ...OFF, index: definition.name, path });
      }
      const index = await checkOne({
        index: definition.name,
        path: ["indexes", place],
      }, () =>
        checkIndex({
          config,
          definition,
          path: ["indexes", place],
          servers,
          hasCluster: "version" in state,
          signal,
        }));
      findings.push(...index.findings);
      for (const found of index.relations) relations.set(found.id, found);
    }
    findings.push(...await checkWal(source, { config, signal }));
    const { role } = database;
    if (role !== undefined) {
      const read = [...relations.values()];
      const rights = { role, relations: read, signal };
      add(postgres, await checkRights(source, rights));
    }
    return { servers: versions, findings };
  } finally {
    await scope.close();
  }
}

/** What `ask` finds of a server, or that it cannot be reached. */
async function reach<State extends { observations: readonly Observation[] }>(
  ask: () => Promise<State>,
): Promise<State | { observations: readonly Observation[] }> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof EtlError)) throw error;
    return { observations: [observeFailure(error)] };
  }
}

async function checkOne(
  place: Pick<Finding, "path"> & { readonly index: string },
  check: () => ReturnType<typeof checkIndex>,
): ReturnType<typeof checkIndex> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof EtlError)) throw error;
    return {
      findings: [{ ...observeFailure(error), ...place }],
      relations: [],
    };
  }
}

/** Whether a report holds an error, by which the agent would keep documents out of an index. */
export function hasErrors({ findings }: CheckReport): boolean {
  return findings.some(({ level }) => level === "error");
}

/** The report as lines for people. */
export function formatReport(
  { servers, findings }: CheckReport,
  locate: LoadedConfig["locate"],
): string {
  const { postgresql = "not reached", elasticsearch = "not reached" } = servers;
  const errorCount = findings.filter(({ level }) => level === "error").length;
  const warningCount = findings.length - errorCount;
  const lines = [
    ...findings.map((finding) => formatFinding(finding, locate)),
    `PostgreSQL ${postgresql}, Elasticsearch ${elasticsearch}: ${
      count(errorCount, "error")
    }, ${count(warningCount, "warning")}`,
  ];
  return `${lines.join("\n")}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** The report as one line of JSON for machines. */
export function reportJson(
  { servers, findings }: CheckReport,
  locate: LoadedConfig["locate"],
): string {
  const located = findings.map(({ path, ...finding }) => ({
    ...finding,
    path: formatPath(path),
    place: locate(path),
  }));
  return `${JSON.stringify({ servers, findings: located })}\n`;
}
