import fc from "fast-check";

/** One act of one of several sessions, between two statements of the agent. */
export type Move =
  | { readonly act: "begin"; readonly session: number; readonly hasId: boolean }
  | {
    readonly act: "write";
    readonly session: number;
    readonly write: Write;
    readonly stamp: Stamp;
    readonly savepoint: "none" | "released" | "undone";
  }
  | {
    readonly act: "commit" | "rollback" | "prepare";
    readonly session: number;
  }
  | {
    readonly act: "commit prepared" | "rollback prepared";
    readonly place: number;
  };

/** What a session writes; rows are named by small numbers. */
export type Write =
  | { readonly what: "film" | "title" | "delete film"; readonly film: number }
  | { readonly what: "name"; readonly person: number }
  | {
    readonly what: "link" | "unlink";
    readonly film: number;
    readonly person: number;
  };

/** What the database's own clock says, in three ways. */
export type Stamp = (typeof STAMPS)[number];
const STAMPS = ["now()", "clock_timestamp()", "statement_timestamp()"] as const;

/** One step of a history: a move, or a pass of the agent with moves before its statements. */
export type Step =
  | Move
  | { readonly act: "restart" }
  | {
    readonly act: "pass";
    /** The moves before the first statement, before the second, and so on. */
    readonly pauses: readonly (readonly Move[])[];
    /** How it ends, before which statement: by itself, by a drain as on SIGTERM, or by a crash; after these comes a restart. */
    readonly end: "finish" | "drain" | "crash";
    readonly endAt: number;
  };

/** How many sessions, films and persons there are; the first films are there from the beginning, and all persons. */
export const SESSIONS = 4;
export const FILMS = 10;
export const FIRST_FILMS = 8;
export const PERSONS = 3;

/** Histories of up to 40 steps; with `deletes`, films and links are deleted too. */
export function histories(
  { deletes }: { deletes: boolean },
): fc.Arbitrary<Step[]> {
  const move = moves(writes(deletes));
  const pass = fc.record({
    act: fc.constant("pass" as const),
    pauses: fc.array(fc.array(move, { maxLength: 2 }), {
      maxLength: 12,
      size: "max",
    }),
    end: fc.oneof(
      { weight: 8, arbitrary: fc.constant("finish" as const) },
      { weight: 1, arbitrary: fc.constant("drain" as const) },
      { weight: 1, arbitrary: fc.constant("crash" as const) },
    ),
    endAt: fc.nat({ max: 12 }),
  });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 16, arbitrary: move },
    { weight: 4, arbitrary: pass },
    { weight: 1, arbitrary: fc.constant({ act: "restart" as const }) },
  );
  return fc.array(step, { maxLength: 40, size: "max" });
}

function moves(write: fc.Arbitrary<Write>): fc.Arbitrary<Move> {
  const session = fc.nat({ max: SESSIONS - 1 });
  const place = fc.nat({ max: 2 });
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        act: fc.constant("begin" as const),
        session,
        hasId: fc.boolean(),
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({
        act: fc.constant("write" as const),
        session,
        write,
        stamp: fc.constantFrom(...STAMPS),
        savepoint: fc.constantFrom(
          "none" as const,
          "none" as const,
          "released" as const,
          "undone" as const,
        ),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ act: fc.constant("commit" as const), session }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        act: fc.constantFrom("rollback" as const, "prepare" as const),
        session,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        act: fc.constantFrom(
          "commit prepared" as const,
          "rollback prepared" as const,
        ),
        place,
      }),
    },
  );
}

function writes(deletes: boolean): fc.Arbitrary<Write> {
  const film = fc.nat({ max: FILMS - 1 });
  const person = fc.nat({ max: PERSONS - 1 });
  const ofFilm = deletes
    ? fc.constantFrom(
      "film" as const,
      "title" as const,
      "delete film" as const,
    )
    : fc.constantFrom("film" as const, "title" as const);
  const ofLink = deletes
    ? fc.constantFrom("link" as const, "unlink" as const)
    : fc.constant("link" as const);
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ what: ofFilm, film }) },
    {
      weight: 2,
      arbitrary: fc.record({ what: fc.constant("name" as const), person }),
    },
    { weight: 2, arbitrary: fc.record({ what: ofLink, film, person }) },
  );
}
