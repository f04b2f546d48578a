import { parseArgs } from "node:util";
import { z } from "zod";

/** How the soak is run. */
export interface SoakOptions {
  /** For how long, without the start of the servers. */
  readonly minutes: number;
  /** What all decisions come from: the same ones on every run with the same seed. */
  readonly seed: number;
  /** Where changes come from. */
  readonly follow: "polling" | "wal";
}

const USAGE = "write deno task soak [--minutes N] [--seed S] [--follow wal]";

const Values = z.object({
  minutes: z.coerce.number().positive().max(10_000).default(10),
  seed: z.coerce.number().int().min(0).max(0xffff_ffff).optional(),
  follow: z.enum(["polling", "wal"]).default("polling"),
});

/**
 * The options of a command line; `makeSeed` gives a seed where none is written.
 * @throws {Error} when the words are others.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { parseOptions } from "./options.ts";
 * deepEqual(parseOptions(["--minutes", "3"], () => 7), { minutes: 3, seed: 7, follow: "polling" });
 * ```
 */
export function parseOptions(
  words: readonly string[],
  makeSeed: () => number,
): SoakOptions {
  const values = readValues(words);
  const parsed = Values.safeParse(values);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(
      `Cannot read --${issue?.path.join(".")}: ${issue?.message}; ${USAGE}`,
    );
  }
  const { minutes, seed = makeSeed(), follow } = parsed.data;
  return { minutes, seed, follow };
}

function readValues(words: readonly string[]): unknown {
  try {
    return parseArgs({
      args: words.filter((word) => word !== "--"),
      options: {
        minutes: { type: "string" },
        seed: { type: "string" },
        follow: { type: "string" },
      },
    }).values;
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot read the command line: ${told}; ${USAGE}`);
  }
}
