import { parse, stringify } from "@std/yaml";
import { createHash } from "node:crypto";
import { z } from "zod";
import { EtlError } from "./failure.ts";
import { codeOf, replaceFile } from "./file_replacement.ts";
import { Position } from "./position.ts";

/** Where each index stands, by its name. */
export type Positions = Readonly<Record<string, Position>>;

/** What a state file holds. */
export interface State {
  readonly positions: Positions;
  /** Replication slots that this agent made, or was about to make: it is to drop them once no index follows them. */
  readonly slots: readonly string[];
}

/** What is wrong with a state file, and what to do where it is not to restore or delete it. */
interface StateFault {
  readonly detail: string;
  readonly advice?: string;
}

/** The version of the format; a file of a later one is refused. */
const VERSION = 1;

const NO_STATE: State = { positions: {}, slots: [] };

const Content = z.strictObject({
  version: z.literal(VERSION),
  slots: z.array(z.string()).min(1).optional(),
  indexes: z.record(z.string(), Position),
});

/** What each version of the format has. */
const Versioned = z.looseObject({ version: z.int() });

const HEADER =
  `# Where each index stands, written by pg2es after what comes before was acknowledged.
# Do not edit it: a file that does not match its checksum is refused. To load everything again: pg2es run --reload.
`;

/** The checksum is of all that comes after its line. */
const CHECKSUM = /^sha256: ([0-9a-f]{64})\n/m;

/**
 * What the file says; a file that is not there is an empty state.
 * @throws {EtlError} `checkpoint-invalid` when it is there and cannot be used: never a silent fresh start.
 */
export async function readState(file: string): Promise<State> {
  let state: State | { fault: StateFault };
  try {
    state = parseState(await Deno.readFile(file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return NO_STATE;
    state = { fault: explainUnread(codeOf(error)) };
  }
  if ("positions" in state) return state;
  throw new EtlError({ kind: "checkpoint-invalid", file, ...state.fault });
}

function explainUnread(code: string): StateFault {
  const detail = `it cannot be read, code is ${code}`;
  if (code !== "EACCES" && code !== "EPERM") return { detail };
  return { detail, advice: "Let the agent's user read and write it" };
}

function parseState(
  bytes: Uint8Array,
): State | { fault: StateFault } {
  const text = new TextDecoder().decode(bytes);
  if (text.trim() === "") return { fault: { detail: "it is empty" } };
  let content: unknown;
  try {
    content = parse(text);
  } catch {
    return { fault: { detail: "it is not YAML, or cut off" } };
  }
  const { data: versioned } = Versioned.safeParse(content);
  if (versioned !== undefined && versioned.version > VERSION) {
    const detail = "it was written by a newer version of pg2es, " +
      `its format is version ${versioned.version} and not ${VERSION}`;
    return { fault: { detail, advice: "Upgrade this pg2es" } };
  }
  const found = CHECKSUM.exec(text);
  const below = text.slice((found?.index ?? 0) + (found?.[0].length ?? 0));
  if (found?.[1] !== checksumOf(below)) {
    const detail = "it was changed or cut off after it was written, " +
      "its checksum is another";
    return { fault: { detail } };
  }
  const { data, error } = Content.safeParse(parse(below));
  if (error !== undefined) return { fault: { detail: describeIssues(error) } };
  return { positions: data.indexes, slots: data.slots ?? [] };
}

function describeIssues({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join(".")}: ${message}`)
    .join("; ");
}

/**
 * The text of a state file.
 * @example
 * ```ts
 * import { match } from "node:assert/strict";
 * import { formatState } from "./state_file.ts";
 * match(formatState({ positions: {}, slots: [] }), /^# .*\n# .*\nsha256: [0-9a-f]{64}\nversion: 1\nindexes: \{\}\n$/);
 * ```
 */
export function formatState({ positions, slots }: State): string {
  const content = {
    version: VERSION,
    ...(slots.length === 0 ? {} : { slots: [...slots] }),
    indexes: positions,
  };
  const below = stringify(Content.parse(content));
  return `${HEADER}sha256: ${checksumOf(below)}\n${below}`;
}

function checksumOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/**
 * Puts a new state file in the place of the one that is there; on return it is on disk, and whenever the power goes it is
 * the old one or the new one.
 * @throws {EtlError} `checkpoint-unwritable`; the file is as it was, or the new one.
 */
export async function writeState(
  file: string,
  state: State,
): Promise<void> {
  const text = formatState(state);
  try {
    await replaceFile(file, text);
  } catch (error) {
    const code = codeOf(error);
    throw new EtlError({ kind: "checkpoint-unwritable", file, code }, {
      cause: error,
    });
  }
}
