import { parse, stringify } from "@std/yaml";
import { dirname } from "node:path";
import { z } from "zod";
import { EtlError } from "./failure.ts";
import type { Persister } from "./retry.ts";

/** The place of a row in the order of changes: its stamp, then the columns of its key, as PostgreSQL's text. */
export type Place = z.infer<typeof Place>;
const Place = z.array(z.string()).min(2).readonly();

/** How far the scan of one table is within a pass. */
export type TableScan = z.infer<typeof TableScan>;
const TableScan = z.strictObject({
  /** The table's next `seen`, once the pass is done: the oldest transaction that was not finished at the pass's notice. */
  seen: z.string().regex(/^\d+$/).optional(),
  /** The last row whose documents are settled. */
  after: Place.optional(),
  /** The last row of the page whose documents are being settled, and the last of these documents. */
  upto: Place.optional(),
  after_id: z.string().optional(),
  done: z.boolean().optional(),
});

/** Where one index stands: everything before it is settled. */
export type Position = z.infer<typeof Position>;
export const Position = z.strictObject({
  /** The database that was read: its cluster's system identifier and its name. */
  source: z.strictObject({ system: z.string(), database: z.string() }),
  /** The index that was written. */
  index: z.strictObject({ name: z.string(), uuid: z.string() }),
  /** There while the full load is not finished: the key of the last document settled, none at its beginning. */
  load: z.strictObject({ after: z.array(z.string()).optional() }).optional(),
  /** The highest number that a reading had. */
  document_version: z.string().regex(/^\d+$/).optional(),
  /** The last number that PostgreSQL gave: it goes down, or to another timeline, only when PostgreSQL fails over or goes back. */
  source_version: z.string().regex(/^\d+$/).optional(),
  /** Changes are looked for from this time on, by the database's clock. */
  low: z.string(),
  /** For each watched table: rows written by transactions older than this were seen. */
  seen: z.record(z.string(), z.string().regex(/^\d+$/)),
  /** For each watched table whose changes are ordered by a number: the highest one that was seen. */
  high: z.record(z.string(), z.string()).optional(),
  /** When all ids, and all contents, were compared last. */
  swept: z.strictObject({
    ids: z.string().optional(),
    content: z.string().optional(),
  }).optional(),
  /** There while a pass is under way. */
  scan: z.strictObject({
    /** Where the pass began to look. */
    from: z.string(),
    /** The next `low`, once the pass is done. */
    low: z.string(),
    tables: z.record(z.string(), TableScan),
  }).optional(),
});

const State = z.strictObject({
  version: z.literal(1),
  indexes: z.record(z.string(), Position),
});

/** The state file, open: the one saver for all indexes of an agent. */
export interface Checkpoint {
  /** Where `index` stands, if it was ever saved. */
  load(index: string): Position | undefined;
  /**
   * Saves where `index` stands; on return it is on disk.
   *
   * Tried again while the disk is full or not writable. Saves that come while one is written are written as one.
   */
  save(index: string, position: Position, signal: AbortSignal): Promise<void>;
  /** Remembers where `index` stands when nothing was settled since: saved only where the last save is long ago, since it costs a sync of the disk. */
  keep(index: string, position: Position, signal: AbortSignal): Promise<void>;
  /** Forgets where `index` stands, so that it is loaded from the beginning; on disk with the next save. */
  forget(index: string): void;
}

/** What an idle agent has to look at again after a restart is this much at most. */
const KEEP_MS = 60_000;

const HEADER =
  `# Where each index stands, written by pg2es after what comes before was acknowledged.
# Deleting this file loads every index again from the beginning.
`;

/**
 * Opens the state file; a file that is not there is an empty state.
 * @throws {EtlError} `checkpoint-invalid` when it is there and cannot be read: never a silent fresh start;
 * `config-invalid` when this process has no permission to write it, which time cannot mend.
 */
export async function openCheckpoint(
  file: string,
  persister: Persister,
): Promise<Checkpoint> {
  await checkPermission(file);
  let positions = await readPositions(file);
  let writing = Promise.resolve();
  let waiting: Promise<void> | undefined;
  let writtenMs = performance.now();

  async function write(signal: AbortSignal): Promise<void> {
    await persister.persist(() => writePositions(file, positions), signal);
    writtenMs = performance.now();
  }

  function save(
    index: string,
    position: Position,
    signal: AbortSignal,
  ): Promise<void> {
    positions = { ...positions, [index]: position };
    // whoever comes while a write waits for its turn is written by it
    waiting ??= writing = writing.catch(() => {}).then(() => {
      waiting = undefined;
      return write(signal);
    });
    return waiting;
  }

  return {
    load: (index) => positions[index],
    save,
    async keep(index, position, signal) {
      if (performance.now() - writtenMs > KEEP_MS) {
        return await save(index, position, signal);
      }
      positions = { ...positions, [index]: position };
    },
    forget(index) {
      const { [index]: _, ...others } = positions;
      positions = others;
    },
  };
}

async function checkPermission(file: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "write", path: file });
  if (state === "granted") return;
  const fault = `Cannot write state file ${file}: the agent is not permitted ` +
    "to. Write state_file_name: with a file in the agent's own folder";
  throw new EtlError({ kind: "config-invalid", faults: [fault] });
}

async function readPositions(file: string): Promise<Record<string, Position>> {
  let text: string;
  try {
    text = await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    const detail = `it cannot be read: ${
      error instanceof Error ? error.name : "unknown"
    }`;
    throw new EtlError({ kind: "checkpoint-invalid", file, detail }, {
      cause: error,
    });
  }
  try {
    return State.parse(parse(text)).indexes;
  } catch (error) {
    const detail = error instanceof z.ZodError
      ? describeIssues(error)
      : "it is not YAML, or cut off";
    throw new EtlError({ kind: "checkpoint-invalid", file, detail }, {
      cause: error,
    });
  }
}

function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("; ");
}

/** Written beside, synced and renamed: whenever the power goes, the file is the old one or the new one. */
async function writePositions(
  file: string,
  indexes: Record<string, Position>,
): Promise<void> {
  const draft = `${file}.draft`;
  try {
    const text = HEADER + stringify(State.parse({ version: 1, indexes }));
    await Deno.writeTextFile(draft, text, { mode: 0o600 });
    await sync(draft);
    await Deno.rename(draft, file);
    await sync(dirname(file));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = "code" in error ? String(error.code) : error.name;
    throw new EtlError({ kind: "checkpoint-unwritable", file, code }, {
      cause: error,
    });
  }
}

async function sync(path: string): Promise<void> {
  // Windows opens no folders; there the rename itself is all that can be had
  if (Deno.build.os === "windows" && (await Deno.stat(path)).isDirectory) {
    return;
  }
  const file = await Deno.open(path);
  try {
    await file.sync();
  } finally {
    file.close();
  }
}
