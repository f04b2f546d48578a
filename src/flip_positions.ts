import type { Checkpoint } from "./checkpoint.ts";
import type { DeadLetterOffice } from "./dead_letters.ts";
import type { Cluster } from "./elasticsearch.ts";
import { findIndexes } from "./index_requests.ts";
import type { Log } from "./logging.ts";
import type { Position } from "./position.ts";
import type { Stop } from "./stop.ts";

/** What keeps where the indexes of a name stand: the searched one under that name, each other under its own. */
export interface Standings {
  readonly cluster: Cluster;
  readonly checkpoint: Checkpoint;
  readonly deadLetters: DeadLetterOffice;
  readonly stop: Stop;
}

/**
 * Has the positions follow the alias `name`, where it stands for another index than the saved position is of: the agent died
 * right after it had flipped it. The alias decides, so that this can be done at any time, and again.
 */
export async function settleFlip(
  standings: Standings,
  { name, log }: { name: string; log: Log },
): Promise<void> {
  const { cluster, checkpoint, deadLetters, stop } = standings;
  const position = checkpoint.load(name);
  if (position === undefined) return;
  const found = await findIndexes(cluster, name, stop.kill);
  const [searched, ...others] = Object.entries(found);
  if (searched === undefined || others.length > 0) return;
  const [physical, { settings }] = searched;
  const beside = checkpoint.load(physical);
  if (physical === position.index.name) {
    // the last step of a flip; without an alias it is the one name
    if (physical === name) return;
    await forgetLetters(deadLetters, { index: physical, signal: stop.kill });
    return;
  }
  if (beside?.index.uuid !== settings.index.uuid) return;
  await exchangePositions(standings, { name, position, beside });
  log.info("going on with the index that is searched since the last run", {
    name: physical,
  });
}

/** Gives the name to the position of the index that is searched now, `beside`; that of the one before goes under its own name. */
export async function exchangePositions(
  { checkpoint, deadLetters, stop }: Standings,
  { name, position, beside }: {
    name: string;
    position: Position;
    beside: Position;
  },
): Promise<void> {
  const signal = stop.kill;
  const before = position.index.name;
  const now = beside.index.name;
  const letters = await deadLetters.list(signal);
  const refusedIds = new Set(
    letters.filter(({ index }) => index === now).map(({ id }) => id),
  );
  const version = laterNumber(position, beside);
  // what the index refuses that is searched now was refused by the other too; the rest is in it
  const settled = letters.filter(({ index, id }) =>
    index === name && !refusedIds.has(id)
  );
  await deadLetters.of(name)
    .clear(settled.map(({ id }) => id), { version, signal });
  await checkpoint.replace(
    new Map<string, Position | undefined>([
      [now, undefined],
      // an index that had the plain name itself is gone
      ...(before === name ? [] : [[before, position] as const]),
      [name, {
        ...beside,
        ...(version === undefined ? {} : { document_version: version }),
      }],
    ]),
    signal,
  );
  await forgetLetters(deadLetters, { index: now, signal });
}

/** Takes out every dead letter of an index, which is known by another name now, or gone. */
export async function forgetLetters(
  deadLetters: DeadLetterOffice,
  { index, signal }: { index: string; signal: AbortSignal },
): Promise<void> {
  const letters = await deadLetters.list(signal);
  const ids = letters.filter((letter) => letter.index === index)
    .map(({ id }) => id);
  if (ids.length === 0) return;
  await deadLetters.of(index).clear(ids, { version: undefined, signal });
}

/** The higher of two numbers: what is kept under one name never goes back. */
function laterNumber(one: Position, other: Position): string | undefined {
  const numbers = [one, other].flatMap(({ document_version: version }) =>
    version === undefined ? [] : [BigInt(version)]
  );
  const [first, second = first] = numbers;
  if (first === undefined || second === undefined) return undefined;
  return String(first > second ? first : second);
}
