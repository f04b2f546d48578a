import type { WalConfig } from "./config_wal.ts";
import { EtlError, recovers } from "./failure.ts";
import type { Log } from "./logging.ts";
import type { Lsn } from "./lsn.ts";
import type { Source } from "./postgres.ts";
import {
  fingerprintOf,
  publicationSql,
  readPublication,
  type Refusal,
} from "./postgres_publication.ts";
import type { PostgresOptions } from "./postgres_session.ts";
import {
  alterPublication,
  createSlot,
  dropFreedSlot,
  NO_FREE_SLOT,
  readFlushed,
  readSlot,
  readSlotGround,
  refuseGround,
  type SlotGround,
} from "./postgres_slot.ts";
import type { Secrets } from "./secrets.ts";

/** What is opened with. */
export interface FeedOptions {
  readonly wal: WalConfig;
  readonly postgres: PostgresOptions;
  readonly source: Source;
  readonly secrets: Secrets;
  readonly log: Log;
  /** Called before a slot is made: on return it is on disk that this agent is to drop it. */
  readonly claimSlot: (slot: string, signal: AbortSignal) => Promise<void>;
}

/** Why the log cannot be followed for now; told, and tried again. */
export class FeedRefusal extends Error {
  override readonly name = "FeedRefusal";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.reason);
    this.refusal = refusal;
  }
}

/** A publication that has what an index needs. */
export interface PreparedPublication {
  readonly fingerprint: string;
  /** Where it was changed: what was logged before may be missing. */
  readonly changedLsn: Lsn | undefined;
}

/**
 * Makes sure that the publication tells of `tables`.
 * @throws {FeedRefusal} where it does not, and the agent may not change it, or cannot follow the log anyway.
 */
export async function preparePublication(
  { wal, postgres, source, secrets, log }: FeedOptions,
  { tables, signal }: { tables: readonly string[]; signal: AbortSignal },
): Promise<PreparedPublication> {
  const name = wal.publication;
  const found = await readPublication(source, name, signal);
  const known = found && found.isWhole && fingerprintOf(found, tables);
  if (known) return { fingerprint: known, changedLsn: undefined };
  await requireGround(source, signal);
  const statements = publicationSql(name, { tables, found });
  try {
    const options = { secrets, log, signal };
    await alterPublication(postgres, { ...options, statements });
  } catch (error) {
    if (!isForbidden(error)) throw error;
    throw new FeedRefusal({
      reason: found === undefined
        ? `there is no publication ${name}, and the agent may not make it`
        : `publication ${name} does not tell of every watched table, and the agent may not change it`,
      remedy: `Run: ${statements.join("; ")}`,
    });
  }
  log.info("the publication was brought to what is watched", {
    publication: name,
  });
  const changed = await readPublication(source, name, signal);
  const fingerprint = changed && fingerprintOf(changed, tables);
  if (fingerprint === undefined) {
    throw new FeedRefusal({
      reason: `publication ${name} is changed by somebody else as well`,
      remedy: "Write wal.publication: with a name that nobody else uses",
    });
  }
  return { fingerprint, changedLsn: (await readFlushed(source, signal)).lsn };
}

/** What there is to follow the log with; throws where that cannot be. */
async function requireGround(
  source: Source,
  signal: AbortSignal,
): Promise<SlotGround> {
  const ground = await readSlotGround(source, signal);
  const [refusal] = refuseGround(ground);
  if (refusal !== undefined) throw new FeedRefusal(refusal);
  return ground;
}

/** Whether this is what the role may not do, or the table's owner alone. */
function isForbidden(error: unknown): boolean {
  return error instanceof EtlError && "code" in error.failure &&
    error.failure.code === "42501";
}

/**
 * Makes sure that there is a slot that can be streamed from, and returns where it begins.
 * @throws {FeedRefusal} where there can be none for now.
 */
export async function prepareSlot(
  { wal, postgres, source, secrets, log, claimSlot }: FeedOptions,
  signal: AbortSignal,
): Promise<Lsn> {
  const name = wal.slot;
  const ground = await requireGround(source, signal);
  const options = { name, secrets, log, signal };
  let slot = await readSlot(source, name, signal);
  if (slot !== undefined && !slot.isFit) {
    throw new FeedRefusal({
      reason:
        `replication slot ${name} is of another kind, or another database`,
      remedy: "Write wal.slot: with a name that nobody else uses",
    });
  }
  if (slot?.isLost) {
    log.warning(
      "PostgreSQL has given the replication slot up: making it anew",
      { slot: name },
    );
    await dropFreedSlot(postgres, options);
    slot = undefined;
  }
  if (slot === undefined) {
    // whoever dies on the next line leaves a slot that PostgreSQL keeps its log for
    await claimSlot(name, signal);
    try {
      await createSlot(postgres, { ...options, release: ground.release });
    } catch (error) {
      throw explainSlot(error) ?? error;
    }
    log.info("a replication slot was made", { slot: name });
    slot = await readSlot(source, name, signal);
  }
  if (slot?.activePid !== undefined) {
    throw new FeedRefusal({
      reason: `replication slot ${name} is in use by process ${slot.activePid}`,
      remedy: "Give each agent a name of its own with wal.slot",
    });
  }
  if (slot?.confirmedLsn === undefined) {
    throw new FeedRefusal({
      reason: `replication slot ${name} is gone again`,
      remedy: "See who drops it",
    });
  }
  return slot.confirmedLsn;
}

/** What the server says when no slot can be had. */
function explainSlot(error: unknown): FeedRefusal | undefined {
  if (!recovers(error, "retry") || !("code" in error.failure)) return undefined;
  // configuration_limit_exceeded: "all replication slots are in use"
  if (error.failure.code !== "53400") return undefined;
  return new FeedRefusal(NO_FREE_SLOT);
}
