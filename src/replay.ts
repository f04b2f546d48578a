import type { DeadLetter } from "./dead_letter_line.ts";
import type { DeadLetterOffice } from "./dead_letters.ts";
import { isOfName } from "./generations.ts";
import {
  type Hand,
  openIndexes,
  openOffice,
  openStages,
} from "./hand_tools.ts";
import { addSettlements, type Settlement } from "./settlement.ts";
import { findDefinition } from "./named_index.ts";
import { settleIds } from "./refresh.ts";
import { isPossibleId } from "./transform.ts";

/** Which dead letters are replayed: all, those of an index, those with these ids. */
export interface ReplaySelection {
  readonly index?: string;
  readonly ids?: readonly string[];
}

/** What a replay did. */
export interface Replay {
  readonly indexes: readonly ReplayedIndex[];
  /** Ids that were asked for, and are of no dead letter. */
  readonly unknownIds: readonly string[];
}

/** What became of the dead letters of one index that were asked for. */
export interface ReplayedIndex {
  readonly index: string;
  /** How many documents were read again. */
  readonly replayed: number;
  /** How many of those asked for are dead letters still, or again. */
  readonly left: number;
  /** How many were refused again. */
  readonly refused: number;
  /** Why none was read again, if none was. */
  readonly kept?: string;
}

/**
 * Reads documents that were refused from PostgreSQL again and settles them; what is settled is no dead letter any more.
 *
 * An agent may run meanwhile: a document that it refuses in a newer reading stays a dead letter.
 * @throws {EtlError} `config-invalid` when there is no such index, `index-missing` when Elasticsearch has none.
 */
export async function replayDeadLetters(
  hand: Hand,
  { index, ids }: ReplaySelection,
): Promise<Replay> {
  const { config, stop } = hand;
  if (index !== undefined) findDefinition(config, index);
  // what is outstanding already must not end what is to mend it
  const office = await openOffice(hand, { stopAfter: undefined });
  const wanted = ids === undefined ? undefined : new Set(ids);
  // an index beside the searched one is the agent's alone
  const isBeside = ({ index }: DeadLetter) =>
    !config.indexes.some(({ name }) => name === index) &&
    config.indexes.some(({ name }) => isOfName(index, name));
  const asked = (await office.list(stop.kill)).filter((letter) =>
    !isBeside(letter) &&
    (index === undefined || letter.index === index) &&
    (wanted === undefined || wanted.has(letter.id))
  );
  const found = new Set(asked.map(({ id }) => id));
  const indexes: ReplayedIndex[] = [];
  const names = config.indexes.map(({ name }) => name);
  // in the order of the configuration, those that it does not have at the end
  const placeOf = (name: string) =>
    names.includes(name) ? names.indexOf(name) : names.length;
  const groups = [...Map.groupBy(asked, ({ index }) => index)]
    .toSorted(([one], [other]) => placeOf(one) - placeOf(other));
  for (const [name, letters] of groups) {
    const kept = name === index ? undefined : reasonToKeep(hand, name);
    indexes.push(
      kept === undefined
        ? await replayIndex(hand, { name, letters, office })
        : {
          index: name,
          replayed: 0,
          left: letters.length,
          refused: 0,
          kept,
        },
    );
  }
  return {
    indexes,
    unknownIds: [...wanted ?? []].filter((id) => !found.has(id)),
  };
}

function reasonToKeep({ config }: Hand, name: string): string | undefined {
  const definition = config.indexes.find((index) => index.name === name);
  if (definition === undefined) return "the configuration has no such index";
  return definition.enabled ? undefined : "the index is not enabled";
}

async function replayIndex(
  hand: Hand,
  { name, letters, office }: {
    name: string;
    letters: readonly DeadLetter[];
    office: DeadLetterOffice;
  },
): Promise<ReplayedIndex> {
  const [index] = await openIndexes(hand, name);
  if (index === undefined) throw new RangeError("Cannot replay: no index");
  const signal = hand.stop.kill;
  const stages = await openStages(hand, { ...index, office });
  const { pageSize } = index.plan;
  let settled: Settlement = { written: 0, superseded: 0, rejected: 0 };
  for (let start = 0; start < letters.length; start += pageSize) {
    const ids = letters.slice(start, start + pageSize).map(({ id }) => id);
    const page = await settleIds(hand, { index, stages, ids });
    settled = addSettlements(settled, page);
  }
  // an id that no index can have is not deleted either: what was not refused again has no document
  const times = new Map(letters.map(({ id, time }) => [id, time]));
  const impossible = (await office.list(signal)).filter((letter) =>
    letter.index === name && !isPossibleId(letter.id) &&
    times.get(letter.id) === letter.time
  );
  const version = stages.versions.last;
  await office.of(name)
    .clear(impossible.map(({ id }) => id), { version, signal });
  const left = (await office.list(signal)).filter((letter) =>
    letter.index === name && times.has(letter.id)
  );
  return {
    index: name,
    replayed: letters.length,
    left: left.length,
    refused: settled.rejected,
  };
}
