import { verifyDocuments } from "./document_verification.ts";
import { EtlError } from "./failure.ts";
import { withHand } from "./hand_tools.ts";
import { refreshDocuments } from "./refresh.ts";
import { replayDeadLetters } from "./replay.ts";
import type { Tally } from "./tally.ts";
import {
  describeDocuments,
  describeReplay,
  describeSettlement,
  describeVerification,
} from "./verification_text.ts";
import { verifyIndexes } from "./verify.ts";

/** The command line of `verify`. */
export interface VerifyArguments {
  readonly config: string;
  readonly index?: string;
  readonly ids?: readonly string[];
  readonly repair: boolean;
  readonly force: boolean;
  readonly json: boolean;
  readonly show: number;
}

/** The command line of `refresh`. */
export interface RefreshArguments {
  readonly config: string;
  readonly index: string;
  readonly ids?: readonly string[];
  readonly where?: string;
  readonly json: boolean;
}

/** The command line of `replay`. */
export interface ReplayArguments {
  readonly config: string;
  readonly index?: string;
  readonly ids?: readonly string[];
  readonly json: boolean;
}

/** How often a line tells how far it is where nobody watches, and where somebody does. */
const PROGRESS_MS = { plain: 10_000, terminal: 200 };

/** Compares, and tells what differs; returns whether all is equal. */
export async function verify(given: VerifyArguments): Promise<boolean> {
  const { ids, index, repair, force, json, show } = given;
  const named = index === undefined ? {} : { index };
  return await withHand(given.config, async (hand) => {
    if (ids !== undefined) {
      const found = await verifyDocuments(hand, { ...named, ids, repair });
      const equal = found.every(({ equal }) => equal);
      tell(json ? { equal, indexes: found } : found.flatMap(describeDocuments));
      return equal;
    }
    const progress = openProgress();
    const found = await verifyIndexes(hand, {
      ...named,
      ...{ repair, force, showCount: show },
      onProgress: progress.show,
    });
    progress.end();
    const equal = found.every(({ equal }) => equal);
    tell(
      json ? { equal, indexes: found } : found.flatMap(describeVerification),
    );
    return equal;
  });
}

/** Reads documents again and settles them; returns whether none was refused. */
export async function refresh(given: RefreshArguments): Promise<boolean> {
  const { index, ids, where, json } = given;
  if ((ids === undefined) === (where === undefined)) {
    const fault = "refresh: write either --ids or --where";
    throw new EtlError({ kind: "config-invalid", faults: [fault] });
  }
  const selection = where === undefined ? { ids: ids ?? [] } : { where };
  return await withHand(given.config, async (hand) => {
    const found = await refreshDocuments(hand, { index, ...selection });
    const line = `${index}: ${found.documents} documents read again, ` +
      describeSettlement(found);
    tell(json ? found : [line]);
    return found.rejected === 0;
  });
}

/** Settles dead letters; returns whether none is left of those asked for. */
export async function replay(
  { config, index, ids, json }: ReplayArguments,
): Promise<boolean> {
  const selection = {
    ...(index === undefined ? {} : { index }),
    ...(ids === undefined ? {} : { ids }),
  };
  return await withHand(config, async (hand) => {
    const found = await replayDeadLetters(hand, selection);
    tell(json ? found : describeReplay(found));
    return found.indexes.every(({ left }) => left === 0);
  });
}

/** Writes lines, or an object as JSON, to standard output. */
function tell(result: readonly string[] | object): void {
  const text = Array.isArray(result)
    ? result.map((line) => `${line}\n`).join("")
    : `${JSON.stringify(result)}\n`;
  write(Deno.stdout, text);
}

/** Tells on standard error how far a comparison is: one line that is written over on a terminal, else a line now and then. */
function openProgress() {
  const isTerminal = Deno.stderr.isTerminal();
  const periodMs = isTerminal ? PROGRESS_MS.terminal : PROGRESS_MS.plain;
  let toldMs = performance.now();
  let hasTold = false;
  return {
    show(index: string, tally: Readonly<Tally>): void {
      if (performance.now() - toldMs < periodMs) return;
      toldMs = performance.now();
      hasTold = true;
      const { documents, missing, different, extra } = tally;
      const line = `${index}: ${documents} documents compared, ` +
        `${missing} missing, ${different} different, ${extra} extra`;
      write(Deno.stderr, isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
    },
    end(): void {
      if (isTerminal && hasTold) write(Deno.stderr, "\r\x1b[K");
    },
  };
}

function write(
  stream: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(stream.writeSync(bytes));
}
