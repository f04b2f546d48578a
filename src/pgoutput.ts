import type { Lsn } from "./lsn.ts";

/** A table as the stream describes it, before its first row and whenever it has changed. */
export interface Relation {
  readonly schema: string;
  readonly name: string;
  /** The names of its columns. */
  readonly columns: readonly string[];
}

/** The texts of a row's columns, in the order of the relation; undefined where one is not asked for, or is not sent since it is large and did not change. */
export type Tuple = readonly (string | null | undefined)[];

/** A message of pgoutput. */
export type WalMessage =
  /** A transaction begins, all of which is committed; its commit is recorded at `commitLsn`. */
  | { readonly kind: "begin"; readonly commitLsn: Lsn; readonly xid: number }
  /** It is over; what comes after is committed behind `endLsn`. */
  | { readonly kind: "commit"; readonly endLsn: Lsn }
  /** A row was written, or deleted: `old` is there where its replica identity says so. */
  | {
    readonly kind: "row";
    readonly relation: Relation;
    readonly old?: Tuple;
    readonly new?: Tuple;
  }
  | { readonly kind: "truncate"; readonly relations: readonly Relation[] };

/** Reads messages, PostgreSQL manual 55.9 "Logical Replication Message Formats", protocol version 1. */
export interface WalReader {
  /** The message; nothing for one that says nothing of rows. */
  read(message: Uint8Array): WalMessage | undefined;
  /** Looks anew what columns are wanted. */
  refresh(): void;
}

const CODES = {
  begin: code("B"),
  commit: code("C"),
  relation: code("R"),
  insert: code("I"),
  update: code("U"),
  delete: code("D"),
  truncate: code("T"),
} as const;

const TUPLE = {
  new: code("N"),
  null: code("n"),
  text: code("t"),
} as const;

function code(letter: string): number {
  return letter.charCodeAt(0);
}

const TEXT = new TextDecoder();

/** Opens a reader; of each relation only the columns that `isWanted` are made texts. */
export function openWalReader(
  isWanted: (relation: Relation, column: string) => boolean,
): WalReader {
  const relations = new Map<
    number,
    { readonly relation: Relation; readonly wanted: readonly boolean[] }
  >();

  function find(id: number) {
    const found = relations.get(id);
    if (found === undefined) {
      throw new RangeError(`Cannot read a row: relation ${id} is not known`);
    }
    return found;
  }

  function readRelation(input: Input): void {
    const id = input.int32();
    const schema = input.text();
    const name = input.text();
    input.skip(1); // the replica identity: the rows tell what it gives
    const columns = Array.from({ length: input.int16() }, () => {
      input.skip(1); // whether it is of the replica identity
      const column = input.text();
      input.skip(8); // its type
      return column;
    });
    // an empty name stands for pg_catalog
    const relation = { schema: schema || "pg_catalog", name, columns };
    learn(id, relation);
  }

  function learn(id: number, relation: Relation): void {
    const { columns } = relation;
    const wanted = columns.map((column) => isWanted(relation, column));
    relations.set(id, { relation, wanted });
  }

  function readRow(input: Input): WalMessage {
    const { relation, wanted } = find(input.int32());
    let old: Tuple | undefined;
    let next: Tuple | undefined;
    while (!input.isOver) {
      const kind = input.int8();
      const tuple = readTuple(input, wanted);
      if (kind === TUPLE.new) next = tuple;
      else old = tuple;
    }
    return {
      ...{ kind: "row", relation },
      ...(old === undefined ? {} : { old }),
      ...(next === undefined ? {} : { new: next }),
    };
  }

  return {
    refresh() {
      for (const [id, { relation }] of relations) learn(id, relation);
    },
    read(message) {
      const input = openInput(message);
      switch (input.int8()) {
        case CODES.begin: {
          const commitLsn = input.int64();
          input.skip(8); // the time of the commit
          return { kind: "begin", commitLsn, xid: input.int32() };
        }
        case CODES.commit: {
          input.skip(1 + 8); // flags, and where the commit is recorded
          return { kind: "commit", endLsn: input.int64() };
        }
        case CODES.relation:
          return void readRelation(input);
        case CODES.insert:
        case CODES.update:
        case CODES.delete:
          return readRow(input);
        case CODES.truncate: {
          const count = input.int32();
          input.skip(1); // cascade, restart identity
          const truncated = Array.from(
            { length: count },
            () => find(input.int32()).relation,
          );
          return { kind: "truncate", relations: truncated };
        }
        default: // an origin, a type, a message of an application
          return undefined;
      }
    },
  };
}

function readTuple(input: Input, wanted: readonly boolean[]): Tuple {
  const count = input.int16();
  const tuple: (string | null | undefined)[] = [];
  for (let column = 0; column < count; column++) {
    const kind = input.int8();
    if (kind === TUPLE.text) {
      const length = input.int32();
      tuple.push(
        wanted[column] ? input.textOf(length) : void input.skip(length),
      );
    } else tuple.push(kind === TUPLE.null ? null : undefined);
  }
  return tuple;
}

interface Input {
  readonly isOver: boolean;
  int8(): number;
  int16(): number;
  /** Unsigned. */
  int32(): number;
  int64(): bigint;
  skip(byteCount: number): void;
  /** A text that ends with a zero. */
  text(): string;
  textOf(byteCount: number): string;
}

function openInput(bytes: Uint8Array): Input {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  function textOf(byteCount: number): string {
    at += byteCount;
    return TEXT.decode(bytes.subarray(at - byteCount, at));
  }
  return {
    get isOver() {
      return at >= bytes.length;
    },
    int8: () => view.getUint8(at++),
    int16() {
      at += 2;
      return view.getUint16(at - 2);
    },
    int32() {
      at += 4;
      return view.getUint32(at - 4);
    },
    int64() {
      at += 8;
      return view.getBigUint64(at - 8);
    },
    skip(byteCount) {
      at += byteCount;
    },
    text() {
      const text = textOf(bytes.indexOf(0, at) - at);
      at++;
      return text;
    },
    textOf,
  };
}
