import {
  compare,
  type Comparison,
  isEqual,
  readDeadLetters,
} from "./comparison.ts";
import type { Stage } from "./stage.ts";
import { configOption, runAgentCommand, type Talents } from "./talents.ts";
import { sleep } from "./writer.ts";

/** What a look at a quiet moment found. */
export interface Found {
  /** Empty when the index is equal. */
  readonly problems: readonly string[];
  readonly documents: number;
  readonly refused: number;
  /** How long the agent took to get there. */
  readonly afterMs: number;
}

interface Checking {
  readonly stage: Stage;
  readonly talents: Talents;
  readonly signal: AbortSignal;
  /** Whether a second agent has written: then letters may outlive their reason in the folder of the other one. */
  readonly hadSecond: boolean;
}

/** Far longer than a full load and a sweep take. */
const LIMIT_MS = 90_000;
const PAUSE_MS = 500;
const MAX_IDS_SHOWN = 5;

/** Waits until the index is equal to PostgreSQL, where nobody writes and no fault is; for 90 s at most. */
export async function findDifference(
  checking: Checking,
): Promise<Found> {
  const { signal } = checking;
  const startedMs = performance.now();
  const afterMs = () => performance.now() - startedMs;
  for (;;) {
    const found = await look(checking);
    const isLate = signal.aborted || afterMs() > LIMIT_MS;
    if (typeof found === "string") {
      if (isLate) {
        const problems = signal.aborted ? [] : [found];
        return { problems, documents: 0, refused: 0, afterMs: afterMs() };
      }
    } else if (isLate || isEqual(found.difference)) {
      const problems = signal.aborted ? [] : describe(found);
      return { ...found, problems, afterMs: afterMs() };
    }
    await sleep(PAUSE_MS, signal);
  }
}

/** What differs now; a text when it cannot be told. */
async function look(
  { stage, talents, hadSecond }: Checking,
): Promise<Comparison | string> {
  try {
    const folders = [
      stage.first.folder,
      ...(talents.waits ? [stage.second.folder] : []),
    ];
    const deadLetters = talents.letters
      ? await readDeadLetters(folders)
      : undefined;
    return await compare({ ...stage, deadLetters, mayLinger: hadSecond });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function describe({ difference }: Comparison): string[] {
  return Object.entries(difference).filter(([, ids]) => ids.length > 0)
    .map(([what, ids]: [string, string[]]) =>
      `${ids.length} ${what}: ${ids.slice(0, MAX_IDS_SHOWN).join(", ")}`
    );
}

/** What the agent's own comparison says; nothing when it finds the index equal. */
export async function verify(stage: Stage): Promise<string[]> {
  const { folder, env } = stage.first;
  const words = ["verify", ...configOption(folder)];
  const { code, stdout, stderr } = await runAgentCommand(folder, words, env(0));
  return code === 0 ? [] : [`verify ended with ${code}: ${stdout}${stderr}`];
}
