import { z } from "zod";
import { EtlError, recovers } from "./failure.ts";
import type { Log } from "./logging.ts";
import { explainError } from "./postgres_failure.ts";
import {
  connectSession,
  type Host,
  type PostgresOptions,
  type Session,
} from "./postgres_session.ts";
import type { Secrets } from "./secrets.ts";

const NO_HOST = "no read-write host";

/** The code of a standby that will be fit once it has replayed more. */
export const LATE_STANDBY = "standby is late";

const WAITED_FOR: ReadonlySet<string> = new Set([NO_HOST, LATE_STANDBY]);

const Recovery = z.tuple([z.object({ is_standby: z.enum(["true", "false"]) })]);

/** The hosts of a cluster, of which one is fit at a time. */
export interface Hosts {
  /**
   * A connection to the first host that is fit, beginning with the one that was fit last.
   * @throws {EtlError} `server-unavailable` with code `no read-write host` when one was reached and none is fit; else
   * what the hosts were refused or lost by.
   */
  connect(signal: AbortSignal): Promise<Session>;
}

/** What else a host must be, beside what the options ask for. */
export interface Fitness {
  /** Throws an {@linkcode EtlError} where the session's host is not fit; asked of each connection, and before each use. */
  readonly expect: (session: Session) => Promise<void>;
  /** Called for each host that cannot be reached, or is not fit. */
  readonly onPassedOver: (host: Host, error: unknown) => void;
}

/** Opens the hosts of these options. */
export function openHosts(
  options: PostgresOptions,
  { secrets, log, fitness }: {
    secrets: Secrets | undefined;
    log: Log;
    fitness?: Fitness | undefined;
  },
): Hosts {
  const { otherHosts = [] } = options;
  const hosts = [{ host: options.host, port: options.port }, ...otherHosts];
  let best = 0;
  return {
    async connect(signal) {
      const errors: unknown[] = [];
      for (let tried = 0; tried < hosts.length; tried++) {
        const place = (best + tried) % hosts.length;
        const host = hosts[place];
        if (host === undefined) break; // there is one, as `place` is less than their number
        let session: Session | undefined;
        const abort = () => session?.destroy();
        signal.addEventListener("abort", abort, { once: true });
        try {
          session = await connectSession(options, {
            host,
            secrets,
            log,
            signal,
          });
          await expectFit(session, options);
          await fitness?.expect(session);
          if (place !== best) log.info("using another host", { ...host });
          best = place;
          return session;
        } catch (error) {
          session?.destroy();
          signal.throwIfAborted();
          const explained = explainError(error, "connection");
          fitness?.onPassedOver(host, explained);
          errors.push(explained);
        } finally {
          signal.removeEventListener("abort", abort);
        }
      }
      throw mostTelling(errors);
    },
  };
}

/**
 * Makes sure that a session is with a host that takes writes, where this is asked for. Not by transaction_read_only: the
 * agent's own sessions are read only.
 * @throws {EtlError} `server-unavailable` with code `no read-write host`.
 */
export async function expectFit(
  session: Session,
  { targetSessionAttrs }: PostgresOptions,
): Promise<void> {
  if (targetSessionAttrs !== "read-write") return;
  const { rows } = await session.query(
    "select pg_is_in_recovery()::text as is_standby",
  );
  if (Recovery.parse(rows)[0].is_standby === "false") return;
  throw new EtlError({
    kind: "server-unavailable",
    server: "PostgreSQL",
    code: NO_HOST,
  });
}

/** One host may be down as another one says what is wrong: a standby that waits for its promotion or is late, a refused login. */
function mostTelling(errors: readonly unknown[]): unknown {
  return errors.find((error) =>
    error instanceof EtlError && "code" in error.failure &&
    WAITED_FOR.has(error.failure.code)
  ) ?? errors.find((error) => recovers(error, "refuse")) ?? errors.at(-1);
}
