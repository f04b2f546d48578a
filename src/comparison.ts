import { type Documents, openDocuments } from "./documents.ts";
import type { Cluster } from "./elasticsearch.ts";
import type { Key } from "./keys.ts";
import type { IndexPlan } from "./plan.ts";
import type { Source } from "./postgres.ts";
import type { Stray } from "./shown_documents.ts";
import type { Versions } from "./versions.ts";

/** The two sides that are held against each other. */
export interface Sides {
  readonly source: Source;
  readonly cluster: Cluster;
  readonly plan: IndexPlan;
  /** The index by its own name, not an alias. */
  readonly index: string;
  /** Documents in the bytes that are sent. */
  readonly full: Documents;
  /** Whether there are documents, and no more of them. */
  readonly brief: Documents;
  readonly signal: AbortSignal;
}

/** How a comparison is made. */
export interface ComparisonOptions {
  /** By the bytes of each document; otherwise by the ids alone. */
  readonly byContent: boolean;
  /** A difference counts once it was seen again, unchanged, after so many pauses; at least 1. */
  readonly lookCount: number;
}

/** What differs. */
export type Difference =
  | { readonly kind: "missing" | "different"; readonly key: Key }
  | ({ readonly kind: "extra" } & Stray);

/** One step of a comparison, which may be left between any two. */
export type Step =
  /** So many documents of the query were held against the index. */
  | { readonly kind: "documents"; readonly count: number }
  /** So many documents of the index, of that many in all, were held against the query. */
  | {
    readonly kind: "entries";
    readonly count: number;
    readonly totalCount: number;
  }
  /** Something differs: whoever follows changes should catch up before it is looked at again. */
  | { readonly kind: "pause" }
  /** These differ, and it is not that their changes are still on the way. */
  | {
    readonly kind: "differences";
    readonly differences: readonly Difference[];
  }
  /** These changed between every two looks. */
  | { readonly kind: "changing"; readonly keys: readonly Key[] }
  /** PostgreSQL cannot make these documents. */
  | { readonly kind: "unreadable"; readonly keys: readonly Key[] }
  /** More would be deleted than is allowed: nothing more is looked for. */
  | {
    readonly kind: "refused";
    readonly extraCount: number;
    readonly totalCount: number;
  }
  /** The index could not be read to its end: nothing is known of what is extra. */
  | { readonly kind: "incomplete"; readonly reason: string };

/** What is held in memory to be looked at again, 200 bytes each. */
export const MAX_SUSPECTS = 10_000;

/** Documents are compared in readings of about this size, which is in memory a few times. */
const READING_BYTES = 4 * 2 ** 20;

/** Nothing is sent of what is read here. */
const UNNUMBERED: Versions = {
  last: "0",
  latest: undefined,
  observe: () => {},
  next: () => Promise.resolve("0"),
};

/** Opens the two sides of one index. */
export function openSides(
  { source, cluster, plan, index, signal }: Omit<Sides, "full" | "brief">,
): Sides {
  const limits = {
    maxRequestBytes: READING_BYTES,
    maxReadingBytes: READING_BYTES,
  };
  const options = { source, plan, versions: UNNUMBERED, limits };
  const document = { ...plan.document, fields: [] };
  return {
    ...{ source, cluster, plan, index, signal },
    full: openDocuments(options),
    brief: openDocuments({ ...options, plan: { ...plan, document } }),
  };
}
