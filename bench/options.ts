import { parseArgs } from "node:util";
import { z } from "zod";

/** The parts that can be asked for by `--only`. */
export const PARTS = [
  "load",
  "loop",
  "follow",
  "latency",
  "idle",
  "growth",
  "wal",
] as const;

/** A part of the measuring. */
export type Part = typeof PARTS[number];

/** What is measured, and how often. */
export interface Options {
  readonly films: number;
  readonly repeat: number;
  readonly only: readonly Part[];
  /** The file that the results are written to. */
  readonly json: string;
  /** The sizes of idle and growth. */
  readonly idleSizes: readonly number[];
  readonly growthSizes: readonly number[];
  /** The size of the transaction of the part wal. */
  readonly transactionFilms: number;
  /** How many statements are out in PostgreSQL alone; as many as the agent's without it. */
  readonly connections?: number;
  /** How many requests are out in Elasticsearch alone; the best of several without it. */
  readonly concurrency?: number;
  /** How long changes are written in the part latency. */
  readonly latencySeconds: number;
  /** Values of the agent's configuration by path. */
  readonly settings: Readonly<Record<string, string>>;
}

const count = z.string().regex(/^\d+$/, "write a whole number")
  .transform(Number).pipe(z.int().min(1));

const list = <Item>(item: z.ZodType<Item, string>) =>
  z.string().transform((text) => text.split(",")).pipe(z.array(item).min(1));

const setting = z.string().regex(/^[\w.]+=/, "write KEY=VALUE");

const Written = z.object({
  films: count.default(200_000),
  repeat: count.default(5),
  only: list(z.enum(PARTS)).default([...PARTS]),
  json: z.string().min(1).default(".servers/bench/results.json"),
  idle: list(count).optional(),
  growth: list(count).optional(),
  connections: count.optional(),
  concurrency: count.optional(),
  "latency-seconds": count.default(30),
  full: z.boolean().default(false),
  set: z.array(setting).default([]),
});

const FULL = 1_000_000;

/**
 * Reads the command line.
 * @throws {Error} that names the option and says what to write.
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { parseOptions } from "./options.ts";
 * const options = parseOptions(["--films", "2000", "--only", "load,loop"]);
 * equal(options.films, 2000);
 * deepEqual(options.only, ["load", "loop"]);
 * ```
 */
export function parseOptions(args: readonly string[]): Options {
  const own = args[0] === "--" ? args.slice(1) : [...args];
  const parsed = Written.safeParse(splitArguments(own));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(
      `Cannot measure: --${String(issue?.path[0])} is wrong: ${issue?.message}`,
    );
  }
  const { idle, growth, full, set, connections, concurrency, ...rest } =
    parsed.data;
  return {
    films: rest.films,
    repeat: rest.repeat,
    only: rest.only,
    json: rest.json,
    latencySeconds: rest["latency-seconds"],
    idleSizes: idle ?? [1_000, 100_000, ...(full ? [FULL] : [])],
    transactionFilms: full ? FULL : rest.films,
    growthSizes: growth ?? [10_000, 100_000, ...(full ? [FULL] : [])],
    ...(connections === undefined ? {} : { connections }),
    ...(concurrency === undefined ? {} : { concurrency }),
    settings: Object.fromEntries(set.map((text) => {
      const at = text.indexOf("=");
      return [text.slice(0, at), text.slice(at + 1)];
    })),
  };
}

function splitArguments(args: string[]): Record<string, unknown> {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args,
      options: {
        films: text,
        repeat: text,
        only: text,
        json: text,
        idle: text,
        growth: text,
        connections: text,
        concurrency: text,
        "latency-seconds": text,
        full: { type: "boolean" },
        set: { type: "string", multiple: true },
      },
    }).values;
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot measure: ${told}. See bench/README.md`);
  }
}
