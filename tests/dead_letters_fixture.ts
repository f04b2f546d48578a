import { join } from "node:path";
import { z } from "zod";
import { type DeadLetterOffice, openDeadLetters } from "../src/dead_letters.ts";
import type { RefusedDocument } from "../src/operations.ts";
import { createPersister } from "../src/retry.ts";
import { type RecordedLine, recordLog } from "./recorded_log.ts";
import { NEVER, QUICK } from "./servers.ts";

/** The line of a dead letter. */
export const Line = z.strictObject({
  time: z.iso.datetime(),
  index: z.string(),
  id: z.string(),
  version: z.string().nullable(),
  error: z.strictObject({
    type: z.string(),
    reason: z.string().optional(),
    field: z.string().optional(),
  }),
  document: z.unknown(),
});

/** How a file of dead letters is opened. */
export interface OpeningOptions {
  readonly maxBytes?: number;
  readonly stopAfter?: number;
  readonly secrets?: readonly string[];
}

/** A folder with a file of dead letters; disposing of it removes it. */
export interface LetterFolder extends AsyncDisposable {
  readonly folder: string;
  readonly file: string;
  readonly log: readonly RecordedLine[];
  open(options?: OpeningOptions): Promise<DeadLetterOffice>;
  names(): Promise<string[]>;
  text(): Promise<string>;
}

/** A folder for a file of dead letters, which is opened as often as one likes. */
export async function openFolder(): Promise<LetterFolder> {
  const folder = await Deno.makeTempDir();
  const file = join(folder, "dead_letters.jsonl");
  const { log, lines } = recordLog();
  /** The names of the files of letters, in order. */
  async function names(): Promise<string[]> {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.map(({ name }) => name)
      .filter((name) => !name.endsWith(".lock")).sort();
  }
  return {
    folder,
    file,
    log: lines,
    open(
      { maxBytes = 1e6, stopAfter, secrets = [] }: OpeningOptions = {},
    ): Promise<DeadLetterOffice> {
      return openDeadLetters({ file, maxBytes, stopAfter }, {
        persister: createPersister("dead-letter file", {
          limits: QUICK,
          log,
          drain: NEVER,
        }),
        secrets: new Set(secrets),
        signal: NEVER,
      });
    },
    names,
    async text(): Promise<string> {
      let text = "";
      for (const name of await names()) {
        text += await Deno.readTextFile(join(folder, name));
      }
      return text;
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** A refused document. */
export function refuse(
  key: string,
  rest: Partial<RefusedDocument> = {},
): RefusedDocument {
  return { key, type: "parsing", version: "7", document: "{}", ...rest };
}

/** The ids of all letters, in order. */
export async function idsOf(office: DeadLetterOffice): Promise<string[]> {
  return (await office.list(NEVER)).map(({ id }) => id).sort();
}
