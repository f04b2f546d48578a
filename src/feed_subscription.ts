import { joinKey, type Key } from "./keys.ts";
import type { Lsn } from "./lsn.ts";
import type { Relation, Tuple, WalMessage } from "./pgoutput.ts";
import { pause } from "./ticks.ts";
import type { WalTable } from "./wal_tables.ts";

/** What the stream brings: messages, and how far it has come between transactions. */
export type StreamItem =
  | WalMessage
  | { readonly kind: "reached"; readonly lsn: Lsn };

/** What has changed in one table. */
export interface TableChanges {
  readonly table: WalTable;
  /** The keys of rows as they are, and as they were. */
  readonly keys: readonly Key[];
  /** Rows as they were, where their documents depend on more than the key: the former columns. */
  readonly former: readonly (readonly (string | null)[])[];
}

/** Changes of committed transactions, each row once. */
export interface ChangeBatch {
  readonly tables: readonly TableChanges[];
  /** Whether a table was truncated, so that any document may have changed. */
  readonly isTruncated: boolean;
  /** Once this is settled, all before this place is; none within a large transaction. */
  readonly lsn: Lsn | undefined;
}

/** The changes that reach one index, from a place in the log on, for as long as the stream lasts. */
export interface Subscription {
  /** Every change that is committed behind this is told of. */
  readonly from: Lsn;
  /** What tells the publication, and its tables, from others of the same name. */
  readonly publication: string;
  /** Aborted when nothing comes any more. */
  readonly ended: AbortSignal;
  /** All that is committed before this has come. */
  readonly received: Lsn;
  /** What has come and was not taken. */
  take(): ChangeBatch | undefined;
  /** Waits until something has come, or ended, for `limitMs` at most. */
  untilNews(limitMs: number, signal: AbortSignal): Promise<void>;
  /** Has the server tell how far it is. */
  hurry(): void;
  /** Makes sure that nothing was kept from the stream so far; ends it otherwise. */
  verify(signal: AbortSignal): Promise<boolean>;
  /** All before `lsn` is settled, and that is on disk. */
  saved(lsn: Lsn): void;
  /** Ends it from this side. */
  end(): void;
}

/** The other side of a subscription. */
export interface Subscriber extends Subscription {
  /** The index. */
  readonly name: string;
  readonly tables: readonly WalTable[];
  readonly isFull: boolean;
  /** Up to where it needs nothing again. */
  readonly needed: Lsn;
  push(item: StreamItem): void;
  /** Resolves when something was taken, or it has ended. */
  untilTaken(): Promise<void>;
}

/** So many rows are held for an index; what comes after them stays with the server. */
const MAX_ROWS = 10_000;

/** What was saved counts after this time: the position that is kept in Elasticsearch as well follows within. */
const SAVED_AFTER_MS = 5_000;

interface Buffer {
  readonly table: WalTable;
  readonly keys: Set<Key>;
  readonly former: Map<string, readonly (string | null)[]>;
}

/** Where the columns of a table are in the tuples of a relation. */
interface Places {
  readonly buffer: Buffer;
  readonly key: readonly number[];
  readonly former: readonly number[];
}

/** Opens a subscription that is told items by `push`. */
export function openSubscriber(
  { name, tables, from, publication, verify, hurry, onUntold }: {
    name: string;
    tables: readonly WalTable[];
    from: Lsn;
    publication: string;
    verify: Subscription["verify"];
    hurry: () => void;
    /** Called where the key of a row that was written is not told: its change is found by no other way than polling. */
    onUntold: (table: WalTable) => void;
  },
): Subscriber {
  const ending = new AbortController();
  const places = new WeakMap<Relation, readonly Places[]>();
  const saves: { readonly lsn: Lsn; readonly atMs: number }[] = [];
  let buffers = open();
  let rowCount = 0;
  let isTruncated = false;
  /** Whether there is something of a transaction that has come to its end. */
  let hasWhole = false;
  let isInTransaction = false;
  let isPassedOver = false;
  let received = from;
  let needed = from;
  let news = new AbortController();
  let taken = Promise.withResolvers<void>();

  function open(): readonly Buffer[] {
    return tables.map((table) => ({
      table,
      keys: new Set(),
      former: new Map(),
    }));
  }
  function tell(): void {
    news.abort();
  }
  function isFull(): boolean {
    return rowCount >= MAX_ROWS;
  }
  /** Whether something can be taken: a transaction as a whole, or as much of it as is held. */
  function isReady(): boolean {
    return isFull() || hasWhole;
  }

  function findPlaces(relation: Relation): readonly Places[] {
    const known = places.get(relation);
    if (
      known !== undefined &&
      known.every(({ buffer }) => buffers.includes(buffer))
    ) {
      return known;
    }
    const place = ({ name }: { name: string }) =>
      relation.columns.indexOf(name);
    const found = buffers.filter(({ table: { name } }) =>
      name.name === relation.name && name.schema === relation.schema
    ).map((buffer): Places => ({
      buffer,
      key: buffer.table.plan.key.map(place),
      former: buffer.table.formerColumns.map(place),
    }));
    places.set(relation, found);
    return found;
  }

  function addRow(relation: Relation, old?: Tuple, next?: Tuple): void {
    for (const { buffer, key, former } of findPlaces(relation)) {
      const before = rowsOf(buffer);
      const known = [next, old].map((tuple) => tuple && rowOf(tuple, key));
      // of a deleted row it may be none by the replica identity, which was told at the start
      const isTold = known.some((row) => row !== undefined);
      if (next !== undefined && !isTold) onUntold(buffer.table);
      for (const row of known) {
        const rowKey = row && keyOf(row);
        if (rowKey !== undefined) buffer.keys.add(rowKey);
      }
      const row = old && rowOf(old, former);
      if (row !== undefined && row.length > 0) {
        const text = JSON.stringify(row);
        const isSame = next !== undefined &&
          JSON.stringify(rowOf(next, former)) === text;
        if (!isSame) buffer.former.set(text, row);
      }
      rowCount += rowsOf(buffer) - before;
    }
  }

  return {
    name,
    tables,
    from,
    publication,
    ended: ending.signal,
    get received() {
      return received;
    },
    get isFull() {
      return isFull();
    },
    get needed() {
      const dueMs = performance.now() - SAVED_AFTER_MS;
      while (saves[0] !== undefined && saves[0].atMs <= dueMs) {
        const { lsn } = saves.shift() ?? { lsn: needed };
        if (lsn > needed) needed = lsn;
      }
      return needed;
    },
    push(item) {
      switch (item.kind) {
        case "begin":
          isInTransaction = true;
          isPassedOver = item.commitLsn < from;
          break;
        case "row":
          if (!isPassedOver) addRow(item.relation, item.old, item.new);
          if (isFull()) tell();
          break;
        case "truncate":
          isTruncated ||= !isPassedOver &&
            item.relations.some((relation) => findPlaces(relation).length > 0);
          break;
        case "commit":
          isInTransaction = false;
          if (item.endLsn > received) received = item.endLsn;
          hasWhole = rowCount > 0 || isTruncated;
          if (hasWhole) tell();
          break;
        case "reached":
          if (!isInTransaction && item.lsn > received) received = item.lsn;
          tell();
      }
    },
    take() {
      if (!isReady()) return undefined;
      const batch: ChangeBatch = {
        tables: buffers.filter((buffer) => rowsOf(buffer) > 0)
          .map(({ table, keys, former }) => ({
            table,
            keys: [...keys],
            former: [...former.values()],
          })),
        // within a transaction the rest of it is yet to come
        isTruncated: isTruncated && !isInTransaction,
        lsn: hasWhole ? received : undefined,
      };
      hasWhole = false;
      buffers = open();
      rowCount = 0;
      isTruncated &&= isInTransaction;
      taken.resolve();
      taken = Promise.withResolvers();
      return batch;
    },
    async untilNews(limitMs, signal) {
      if (news.signal.aborted) news = new AbortController();
      if (isReady() || ending.signal.aborted) return;
      const current = news;
      const stop = () => current.abort();
      ending.signal.addEventListener("abort", stop, { once: true });
      signal.addEventListener("abort", stop, { once: true });
      await pause(limitMs, current.signal);
      ending.signal.removeEventListener("abort", stop);
      signal.removeEventListener("abort", stop);
    },
    hurry,
    verify,
    saved(lsn) {
      const last = saves.at(-1)?.lsn ?? needed;
      if (lsn > last) saves.push({ lsn, atMs: performance.now() });
    },
    end() {
      ending.abort();
      taken.resolve();
    },
    untilTaken: () => taken.promise,
  };
}

function rowsOf({ keys, former }: Buffer): number {
  return keys.size + former.size;
}

/** The texts at these places; nothing where one is not told. */
function rowOf(
  tuple: Tuple,
  places: readonly number[],
): readonly (string | null)[] | undefined {
  const row = places.map((place) => tuple[place]);
  return row.every((text) => text !== undefined) ? row : undefined;
}

/** The key of these texts; nothing where one is null. */
function keyOf(row: readonly (string | null)[]): Key | undefined {
  const parts = row.filter((part) => part !== null);
  return parts.length < row.length ? undefined : joinKey(parts);
}
