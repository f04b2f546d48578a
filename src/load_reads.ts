import { z } from "zod";
import type { Documents, Reading } from "./documents.ts";
import { EtlError, recovers } from "./failure.ts";
import type { Key } from "./keys.ts";
import type { Log } from "./logging.ts";
import type { Position } from "./position.ts";
import type { Answering, Source } from "./postgres.ts";
import { type Fitness, LATE_STANDBY } from "./postgres_hosts.ts";
import type { Session } from "./postgres_session.ts";
import type { ReadHosts } from "./servers.ts";
import { pause } from "./ticks.ts";
import {
  readVersion,
  timelineOf,
  VERSION_NUMBER,
  type Versions,
} from "./versions.ts";

/** What a full load reads with: its keys by the source, its documents. */
export interface LoadReads extends AsyncDisposable {
  readonly source: Source;
  readonly documents: Documents;
}

/** Between two tries of hosts that are waited for. */
const RETRY_MS = 250;

/** The primary is read for so long before the read hosts are tried again. */
const RETURN_MS = 30_000;

/** What is asked of a host before it is read. */
export const STANDBY_STATE = `select pg_is_in_recovery()::text as is_standby,
  (select system_identifier::text from pg_control_system()) as system,
  ${VERSION_NUMBER} as version`;

/** What a host answers to it; there is no version before anything was replayed. */
export const StandbyState = z.object({
  is_standby: z.enum(["true", "false"]),
  system: z.string(),
  version: z.string().regex(/^\d+$/).nullable(),
});

const States = z.tuple([StandbyState]);

/**
 * Opens what the load of `position` reads with: read hosts, and the primary while none of them is fit.
 *
 * A standby is fit once it has replayed as far as the primary was at the load's marks, since nobody looks again for what was
 * committed before these. What it shows is a state that the primary had, and so its reading bears the number of that state:
 * with the primary's own it would win over a reading of the primary that saw more.
 */
export function openLoadReads(
  hosts: Pick<ReadHosts, "open" | "waitMs">,
  { primary, position, versions, openDocuments, log }: {
    primary: Pick<LoadReads, "source" | "documents">;
    position: Position;
    versions: Versions;
    openDocuments: (options: {
      source: Source;
      versions: Pick<Versions, "next">;
    }) => Documents;
    log: Log;
  },
): LoadReads {
  const { document_version: least, source_version: latest } = position;
  // the numbers of a source that went back are below those that the index may hold: only the primary's are raised
  if (least === undefined || latest === undefined || isBelow(latest, least)) {
    log.warning(
      "the load is read on the primary: its numbers went back, or were not kept",
    );
    return { ...primary, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const fitness = openFitness({ least, system: position.source.system, log });
  const standby = hosts.open(fitness);
  const preference = openPreference(hosts.waitMs, log);
  const numbering = {
    async next(connection: Answering, signal: AbortSignal): Promise<string> {
      const version = await readVersion(connection, signal);
      expectReplayed(version, least); // not promoted since it was asked
      const known = versions.latest;
      if (known === undefined || isBelow(known, version)) {
        versions.observe(version);
      }
      return version;
    },
  };
  const documents = openDocuments({ source: standby, versions: numbering });
  const ofPrimary = new WeakSet<Uint8Array>();

  async function readPrimary(
    keys: readonly Key[],
    signal: AbortSignal,
  ): Promise<Reading> {
    const reading = await primary.documents.read(keys, signal);
    for (const { buffer } of reading.requests) ofPrimary.add(buffer);
    return reading;
  }

  return {
    source: {
      ...primary.source,
      query: (statement, options) =>
        preference.read(
          {
            standby: () => standby.query(statement, options),
            primary: () => primary.source.query(statement, options),
          },
          options.signal,
        ),
    },
    documents: {
      read: (keys, signal) =>
        preference.read({
          standby: () => documents.read(keys, signal),
          primary: () => readPrimary(keys, signal),
        }, signal),
      recycle(operations) {
        // each uses its own again: one that only gets them back would gather them
        const isOfPrimary = ofPrimary.has(operations.buffer);
        (isOfPrimary ? primary.documents : documents).recycle(operations);
      },
    },
    [Symbol.asyncDispose]: () => standby[Symbol.asyncDispose](),
  };
}

/** Reads on a standby, or on the primary while no standby can be read. */
function openPreference(waitMs: number, log: Log) {
  let isLeft = false;
  let returnAtMs = 0;

  function leave(error: EtlError): void {
    returnAtMs = performance.now() + RETURN_MS;
    if (isLeft) return;
    isLeft = true;
    log.warning("no read host can be used, the load is read on the primary", {
      error,
    });
  }

  return {
    async read<T>(
      on: { standby: () => Promise<T>; primary: () => Promise<T> },
      signal: AbortSignal,
    ): Promise<T> {
      const startedMs = performance.now();
      let failedMs: number | undefined;
      while (startedMs >= returnAtMs) {
        try {
          const result = await on.standby();
          if (isLeft) log.info("the load is read on a read host again");
          isLeft = false;
          return result;
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof EtlError) || recovers(error, "split")) {
            throw error;
          }
          const now = performance.now();
          failedMs ??= now;
          const isWaitedFor = !isLeft && recovers(error, "retry") &&
            now - failedMs < waitMs;
          if (!isWaitedFor) leave(error);
          else await pause(RETRY_MS, signal);
        }
        if (isLeft) break;
      }
      signal.throwIfAborted();
      return await on.primary();
    },
  };
}

/** Which hosts are fit: standbys of the cluster `system` that have replayed up to the number `least`. */
function openFitness(
  { least, system, log }: { least: string; system: string; log: Log },
): Fitness {
  const told = new Set<string>();
  return {
    async expect(session: Session) {
      const [state] = States.parse((await session.query(STANDBY_STATE)).rows);
      const fault = faultOf(state, system);
      if (fault !== undefined) {
        throw new EtlError({
          kind: "server-refused",
          server: "PostgreSQL",
          code: fault,
          hint: "Check postgres.read_hosts",
        });
      }
      expectReplayed(state.version, least);
    },
    onPassedOver(host, error) {
      const name = `${host.host}:${host.port}`;
      if (!recovers(error, "refuse") || told.has(name)) return;
      told.add(name);
      log.warning("read host passed over", { ...host, error });
    },
  };
}

/** Why a host is never read; nothing for a standby of the cluster `system`. */
export function faultOf(
  state: z.infer<typeof StandbyState>,
  system: string,
): string | undefined {
  if (state.system !== system) return "another cluster";
  return state.is_standby === "true" ? undefined : "no standby";
}

function expectReplayed(version: string | null, least: string): void {
  const isReplayed = version !== null && !isBelow(version, least) &&
    timelineOf(version) === timelineOf(least);
  if (isReplayed) return;
  throw new EtlError({
    kind: "server-unavailable",
    server: "PostgreSQL",
    code: LATE_STANDBY,
  });
}

function isBelow(version: string, other: string): boolean {
  return BigInt(version) < BigInt(other);
}
