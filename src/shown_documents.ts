import { Buffer } from "node:buffer";
import { z } from "zod";
import { findKeys } from "./document_ids.ts";
import type { Documents } from "./documents.ts";
import type { Entry } from "./indexed_documents.ts";
import type { Key } from "./keys.ts";
import type { Entry as OperationEntry, Operations } from "./operations.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source } from "./postgres.ts";

/** A document as the query shows it. */
export interface ShownDocument {
  readonly key: Key;
  readonly entry: Entry;
  /** What would be its `_source`. */
  readonly source: string;
}

/** What the query says of some keys; a key in neither list has no document. */
export interface Shown {
  readonly documents: readonly ShownDocument[];
  /** Documents that PostgreSQL cannot make, or that are too large. */
  readonly unreadable: readonly Key[];
  /** Keys that were left out since the reading had grown too large. */
  readonly rest: readonly Key[];
}

const LINE_END = 0x0a;

const Action = z.object({
  index: z.object({ _id: z.string(), routing: z.string().optional() }),
}).transform(({ index: { _id: id, routing } }): Entry =>
  routing === undefined ? { id } : { id, routing }
);

/** The documents of `keys`, in the very bytes that are sent. */
export async function readShown(
  documents: Documents,
  keys: readonly Key[],
  signal: AbortSignal,
): Promise<Shown> {
  const { requests, rejections, rest } = await documents.read(keys, signal);
  const shown: ShownDocument[] = [];
  for (const request of requests) {
    for (const entry of request.entries) {
      const document = parseOperation(request, entry);
      if (document !== undefined) shown.push(document);
    }
    documents.recycle(request);
  }
  const unreadable = rejections.map(({ key }) => key);
  return { documents: shown, unreadable, rest };
}

/** The document of an operation; none of one that deletes. */
function parseOperation(
  { buffer }: Operations,
  { key, start, end }: OperationEntry,
): ShownDocument | undefined {
  const text = Buffer.from(
    buffer.buffer,
    buffer.byteOffset + start,
    end - start,
  );
  if (text.toString("latin1", 2, 7) !== "index") return undefined;
  const line = text.indexOf(LINE_END);
  const entry = Action.parse(JSON.parse(text.toString("utf8", 0, line)));
  return {
    key,
    entry,
    source: text.toString("utf8", line + 1, end - start - 1),
  };
}

/** An entry of the index that is no document of the query. */
export interface Stray {
  readonly entry: Entry;
  /** Whether the query shows a document of this id, but with another routing: the entry is a second copy. */
  readonly isCopy: boolean;
}

/** Which of `entries` the query does not show, by a query without fields; what cannot be read counts as shown. */
export async function findStrays(
  { source, plan, brief }: {
    source: Source;
    plan: IndexPlan;
    brief: Documents;
  },
  entries: readonly Entry[],
  signal: AbortSignal,
): Promise<Stray[]> {
  const ids = [...new Set(entries.map(({ id }) => id))];
  const columns = plan.root.key;
  const keys = await findKeys(source, { ids, columns, signal });
  const shown = new Map<string, Entry>();
  let rest: readonly Key[] = [...keys];
  const unreadable = new Set<Key>();
  while (rest.length > 0) {
    const page = rest.slice(0, plan.pageSize);
    const reading = await readShown(brief, page, signal);
    for (const { entry } of reading.documents) shown.set(entry.id, entry);
    for (const key of reading.unreadable) unreadable.add(key);
    rest = [...reading.rest, ...rest.slice(page.length)];
  }
  return entries.flatMap((entry): Stray[] => {
    if (unreadable.has(entry.id)) return [];
    const document = shown.get(entry.id);
    if (document === undefined) return [{ entry, isCopy: false }];
    return document.routing === entry.routing ? [] : [{ entry, isCopy: true }];
  });
}
