import type {
  DocumentsVerification,
  DocumentVerification,
} from "./document_verification.ts";
import type { Settlement } from "./settlement.ts";
import type { Replay } from "./replay.ts";
import type { Verification } from "./verify.ts";

/**
 * What came of comparing an index, as lines for people.
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { describeSettlement } from "./verification_text.ts";
 * equal(describeSettlement({ written: 3, superseded: 0, rejected: 1 }), "3 written, 1 rejected");
 * ```
 */
export function describeVerification(found: Verification): string[] {
  const { index, name, compared, reason, repaired, seconds } = found;
  const lines = [
    `${index}: ${found.equal ? "equal" : "different"}; ` +
    `${found.documents} documents in PostgreSQL, ${found.indexed} in ${name}, ` +
    `compared by ${compared} in ${seconds} s`,
  ];
  if (reason !== undefined) lines.push(`  by ids only: ${reason}`);
  for (const kind of ["missing", "different", "extra"] as const) {
    if (found[kind] === 0) continue;
    const ids = found.ids[kind];
    const more = found[kind] > ids.length ? ", …" : "";
    lines.push(`  ${kind} ${found[kind]}: ${ids.join(", ")}${more}`);
  }
  if (found.deadLetters !== undefined) {
    lines.push(`  of these are dead letters: ${found.deadLetters}`);
  }
  if (found.changing > 0) {
    lines.push(`  changing all the time, not compared: ${found.changing}`);
  }
  if (found.unreadable > 0) {
    lines.push(`  cannot be made by PostgreSQL: ${found.unreadable}`);
  }
  if (found.incomplete !== undefined) {
    lines.push(
      `  the index could not be read to its end (${found.incomplete}): ` +
        "nothing is known of what is extra; run it again",
    );
  }
  if (found.refused !== undefined) {
    const { extra, documents } = found.refused;
    lines.push(
      `  nothing was deleted: at least ${extra} of ${documents} documents are ` +
        "not in PostgreSQL; where this is right, add --force",
    );
  }
  if (repaired !== undefined) {
    lines.push(`  repaired: ${describeSettlement(repaired)}`);
  }
  return lines;
}

/** What came of comparing some documents, as lines for people: with the values of the fields that differ. */
export function describeDocuments(found: DocumentsVerification): string[] {
  const { index, documents, repaired } = found;
  const lines = documents.flatMap((document) =>
    describeDocument(index, document)
  );
  if (repaired !== undefined) {
    lines.push(`${index}: repaired: ${describeSettlement(repaired)}`);
  }
  return lines;
}

/**
 * What came of a replay, as lines for people.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { describeReplay } from "./verification_text.ts";
 * const indexes = [{ index: "movies", replayed: 3, left: 1, refused: 1 }];
 * deepEqual(describeReplay({ indexes, unknownIds: ["8"] }), [
 *   "movies: 3 dead letters replayed, 1 left, 1 refused again",
 *   "no dead letter has the id 8",
 * ]);
 * ```
 */
export function describeReplay({ indexes, unknownIds }: Replay): string[] {
  if (indexes.length + unknownIds.length === 0) return ["no dead letters"];
  return [
    ...indexes.map(({ index, replayed, left, refused, kept }) =>
      kept === undefined
        ? `${index}: ${replayed} dead letters replayed, ${left} left, ` +
          `${refused} refused again`
        : `${index}: ${left} dead letters kept: ${kept}`
    ),
    ...unknownIds.map((id) => `no dead letter has the id ${id}`),
  ];
}

/** How documents were settled, in words. */
export function describeSettlement(
  { written, superseded, rejected }: Settlement,
): string {
  const parts = [`${written} written`];
  if (superseded > 0) parts.push(`${superseded} newer there already`);
  if (rejected > 0) parts.push(`${rejected} rejected`);
  return parts.join(", ");
}

const STATES: Readonly<Record<DocumentVerification["state"], string>> = {
  equal: "equal",
  missing: "in PostgreSQL, not in the index",
  different: "different",
  extra: "in the index, not in PostgreSQL",
  absent: "in neither",
  unreadable: "cannot be made by PostgreSQL",
};

function describeDocument(
  index: string,
  { id, state, fields = [] }: DocumentVerification,
): string[] {
  const isSame = state === "different" && fields.length === 0;
  const words = isSame ? "the same fields, in other bytes" : STATES[state];
  return [
    `${index} ${id}: ${words}`,
    ...fields.flatMap(({ field, postgres, index }) => [
      `  ${field}`,
      `    PostgreSQL: ${describeValue(postgres)}`,
      `    index:      ${describeValue(index)}`,
    ]),
  ];
}

function describeValue(value: unknown): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}
