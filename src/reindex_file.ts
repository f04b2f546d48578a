import { z } from "zod";
import { EtlError } from "./failure.ts";
import { codeOf, removeFile, replaceFile } from "./file_replacement.ts";

/** What somebody asks of the indexes of one name by hand, and what the agent answers. */
export type ReindexEntry = z.infer<typeof ReindexEntry>;
const ReindexEntry = z.strictObject({
  version: z.literal(1),
  /** When it was asked for; tells one request from another. */
  asked: z.iso.datetime(),
  /** Another index beside the one that is searched, or the way back to the one before. */
  kind: z.enum(["reindex", "rollback"]),
  /** Whether an index that has the plain name may be deleted when an alias takes its place. */
  forced: z.boolean(),
  outcome: z.discriminatedUnion("state", [
    /** It is being done; how far it is, where that is known. */
    z.strictObject({
      state: z.literal("begun"),
      documents: z.int().optional(),
      total: z.int().optional(),
    }),
    /** The alias stands for the index `name` now. */
    z.strictObject({ state: z.literal("done"), name: z.string() }),
    /** It cannot be done, or not yet. */
    z.strictObject({ state: z.literal("refused"), why: z.string() }),
  ]).optional(),
});

/** Far more than a request takes: what is larger is none. */
const MAX_BYTES = 100_000;

/**
 * The file by which somebody asks the agent with this state file for something.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { reindexFileOf } from "./reindex_file.ts";
 * equal(reindexFileOf("/data/state.yaml", "movies"), "/data/state.yaml.reindex.movies");
 * ```
 */
export function reindexFileOf(stateFile: string, index: string): string {
  return `${stateFile}.reindex.${index}`;
}

/**
 * What the file says; nothing where there is none.
 * @throws {EtlError} `config-invalid` when it is there and cannot be used.
 */
export async function readReindexEntry(
  file: string,
): Promise<ReindexEntry | undefined> {
  let content: unknown;
  try {
    const { size } = await Deno.stat(file);
    if (size > MAX_BYTES) throw refusal(file, "it is too large");
    content = JSON.parse(await Deno.readTextFile(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof EtlError) throw error;
    throw refusal(file, `it cannot be read, code is ${codeOf(error)}`);
  }
  const { data } = ReindexEntry.safeParse(content);
  if (data === undefined) throw refusal(file, "it is not one of pg2es");
  return data;
}

/**
 * Writes it in the place of what was there.
 * @throws {EtlError} `config-invalid` when it cannot be written.
 */
export async function writeReindexEntry(
  file: string,
  entry: ReindexEntry,
): Promise<void> {
  await change(
    file,
    () => replaceFile(file, `${JSON.stringify(entry, undefined, 2)}\n`),
  );
}

/** Removes it, where it is there. */
export async function removeReindexEntry(file: string): Promise<void> {
  await change(file, () => removeFile(file));
}

async function change(
  file: string,
  action: () => Promise<void>,
): Promise<void> {
  try {
    await action();
  } catch (error) {
    const fault = `Cannot write control file ${file}: code is ${
      codeOf(error)
    }. Let the agent's user write to its folder`;
    throw new EtlError({ kind: "config-invalid", faults: [fault] }, {
      cause: error,
    });
  }
}

function refusal(file: string, detail: string): EtlError {
  const fault = `Cannot use control file ${file}: ${detail}. Delete it, and ` +
    "ask again by pg2es reindex";
  return new EtlError({ kind: "config-invalid", faults: [fault] });
}
