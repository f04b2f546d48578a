import type { Finding, Observation } from "./check_finding.ts";
import { observeFailure, warn } from "./check_finding.ts";
import { EtlError } from "./failure.ts";
import { faultOf, STANDBY_STATE, StandbyState } from "./load_reads.ts";
import { identifySource } from "./preflight.ts";
import type { Servers } from "./servers.ts";

const REMEDY =
  "Write the address of a standby of the cluster that the other keys of postgres lead to";

/** What keeps loads from being read on the read hosts: a warning each, since they are read on the primary then. */
export async function checkReadHosts(
  { source, readHosts }: Servers,
  signal: AbortSignal,
): Promise<Omit<Finding, "index">[]> {
  if (readHosts === undefined) return [];
  const { system } = await identifySource(source, signal);
  const findings: Omit<Finding, "index">[] = [];
  for (const [place, host] of readHosts.hosts.entries()) {
    const opened = readHosts.openOne(host);
    try {
      const [state] = await opened.query({
        label: "read host",
        sql: STANDBY_STATE,
        row: StandbyState,
      }, { signal });
      const fault = state && faultOf(state, system);
      if (fault !== undefined) add(place, describeFault(fault));
    } catch (error) {
      if (!(error instanceof EtlError)) throw error;
      add(place, { ...observeFailure(error), level: "warning" });
    } finally {
      await opened[Symbol.asyncDispose]();
    }
  }
  return findings;

  function add(place: number, { level, text, remedy }: Observation): void {
    const path = ["postgres", "read_hosts", place];
    findings.push({
      level,
      path,
      text: `${text}: no load is read on it`,
      remedy,
    });
  }
}

function describeFault(fault: string): Observation {
  const words = fault === "no standby" ? fault : `of ${fault}`;
  return warn(`the read host is ${words}`, REMEDY);
}
