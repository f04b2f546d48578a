import { z } from "zod";
import type { LoadedConfig } from "./config.ts";
import { EtlError } from "./failure.ts";
import { timeText } from "./horizon.ts";
import { laterPosition } from "./kept_checkpoint.ts";
import { openKeptPositions } from "./kept_position.ts";
import { createLog } from "./logging.ts";
import { entryOf, type Position } from "./position.ts";
import type { Source, Statement } from "./postgres.ts";
import { identifySource } from "./preflight.ts";
import { openScope, type Scope } from "./scope.ts";
import { openServers, type Servers } from "./servers.ts";
import { readState } from "./state_file.ts";

const NOW: Statement<{ now: string }> = {
  label: "clock_timestamp",
  sql: `select ${timeText("clock_timestamp()")} as now`,
  row: z.object({ now: z.string() }),
};

/** What can be known of an agent without asking it: what it saved, and the servers. Nothing is changed, and each call is tried once. */
export interface SavedState {
  readonly servers: Servers;
  readonly signal: AbortSignal;
  /** Where an index stands: the later one of the state file and what is kept in Elasticsearch. */
  position(index: string): Promise<Position | undefined>;
  /** The time of the database's clock. */
  now(): Promise<string>;
}

/** Runs `use` with what is saved, and closes it. */
export async function withSavedState<Result>(
  loaded: LoadedConfig,
  use: (state: SavedState) => Promise<Result>,
): Promise<Result> {
  const scope = openScope();
  try {
    return await use(openSavedState(loaded, scope));
  } finally {
    await scope.close();
  }
}

function openSavedState(loaded: LoadedConfig, scope: Scope): SavedState {
  const { config } = loaded;
  const log = createLog();
  const { signal } = new AbortController();
  // what is being drained tries nothing again
  const drain = AbortSignal.abort();
  const servers = openServers(loaded, { scope, log, drain });
  const { positionIndex: name } = config.elasticsearch;
  const kept = name === undefined
    ? undefined
    : scope.add(openKeptPositions(servers.triedOnce, { name, log }));
  let identity: Position["source"] | undefined;

  /** What is kept; nothing where it cannot be read: the file alone says less, and nothing that is not so. */
  async function readKept(index: string): Promise<Position | undefined> {
    if (kept === undefined) return undefined;
    try {
      const source = identity ??= await identifySource(servers.source, signal);
      return await kept.read(index, { source, isNeeded: false, signal });
    } catch (error) {
      if (error instanceof EtlError) return undefined;
      throw error;
    }
  }

  return {
    servers,
    signal,
    async position(index) {
      const { positions } = await readState(config.stateFile);
      const saved = entryOf(positions, index);
      return laterPosition(saved, await readKept(index));
    },
    now: () => readNow(servers.source, signal),
  };
}

async function readNow(source: Source, signal: AbortSignal): Promise<string> {
  const [row] = await source.query(NOW, { signal });
  if (row === undefined) {
    throw new RangeError("Cannot read the clock: no row came");
  }
  return row.now;
}
