import type { Difference } from "./comparison.ts";
import { findKeys } from "./document_ids.ts";
import { compareFields, type FieldDifference } from "./field_comparison.ts";
import {
  type Hand,
  type HandledIndex,
  openIndexes,
  openStages,
} from "./hand_tools.ts";
import { type Entry, readIndexed } from "./indexed_documents.ts";
import { mend } from "./mending.ts";
import type { Settlement } from "./settlement.ts";
import { readShown } from "./shown_documents.ts";
import { awaitAgent } from "./verify.ts";

/** One document, as both sides have it. */
export interface DocumentVerification {
  readonly id: string;
  /** `absent` is in neither; `unreadable` cannot be made by PostgreSQL. */
  readonly state:
    | "equal"
    | "missing"
    | "different"
    | "extra"
    | "absent"
    | "unreadable";
  /** What differs; none of a document whose fields say the same in other bytes. */
  readonly fields?: readonly FieldDifference[];
}

/** What came of comparing some documents of one index. */
export interface DocumentsVerification {
  readonly index: string;
  readonly equal: boolean;
  readonly documents: readonly DocumentVerification[];
  readonly repaired?: Settlement;
}

/** Compares these documents field by field; what differs is looked at once more, since an agent may be running. */
export async function verifyDocuments(
  hand: Hand,
  { ids, index: name, repair }: {
    ids: readonly string[];
    index?: string;
    repair: boolean;
  },
): Promise<DocumentsVerification[]> {
  const verifications: DocumentsVerification[] = [];
  for (const index of await openIndexes(hand, name)) {
    let documents = await lookAt(index, ids);
    if (documents.some(isDifferent)) {
      await awaitAgent(hand);
      documents = await lookAt(index, ids);
    }
    const different = documents.filter(isDifferent);
    let repaired: Settlement | undefined;
    if (repair) {
      const stages = await openStages(hand, index);
      const mending = { stages, sides: index.sides, stop: hand.stop };
      repaired = await mend(mending, different.map(toDifference));
    }
    verifications.push({
      index: index.plan.name,
      equal: repaired === undefined
        ? different.length === 0
        : repaired.rejected === 0,
      documents,
      ...(repaired === undefined ? {} : { repaired }),
    });
  }
  return verifications;
}

function isDifferent({ state }: DocumentVerification): boolean {
  return state !== "equal" && state !== "absent";
}

function toDifference({ id, state }: DocumentVerification): Difference {
  return state === "extra"
    ? { kind: "extra", entry: { id }, isCopy: false }
    : { kind: state === "missing" ? "missing" : "different", key: id };
}

async function lookAt(
  { plan, sides: { source, cluster, full, index, signal }, found }:
    HandledIndex,
  ids: readonly string[],
): Promise<DocumentVerification[]> {
  const columns = plan.root.key;
  const keys = await findKeys(source, { ids, columns, signal });
  const shown = new Map<string, { entry: Entry; source: string }>();
  const unreadable = new Set<string>();
  let rest: readonly string[] = [...keys];
  while (rest.length > 0) {
    const reading = await readShown(full, rest, signal);
    for (const document of reading.documents) {
      shown.set(document.entry.id, document);
    }
    for (const key of reading.unreadable) unreadable.add(key);
    rest = reading.rest;
  }
  const entries = ids.map((id) => shown.get(id)?.entry ?? { id });
  const indexed = await readIndexed(cluster, {
    ...{ index, entries, signal },
    withSource: true,
  });
  return ids.map((id, place): DocumentVerification => {
    const document = shown.get(id);
    const { isFound = false, source } = indexed[place] ?? {};
    if (unreadable.has(id)) return { id, state: "unreadable" };
    if (document === undefined) {
      return { id, state: isFound ? "extra" : "absent" };
    }
    if (!isFound) return { id, state: "missing" };
    if (document.source === source) return { id, state: "equal" };
    const fields = source === undefined
      ? []
      : compareFields(document.source, source);
    // where the bytes are not kept, what they say is what can be compared
    const isEqual = found.unfaithful !== undefined && fields.length === 0;
    return isEqual
      ? { id, state: "equal" }
      : { id, state: "different", fields };
  });
}
