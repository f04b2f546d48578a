import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import { type AnsweredDocument, cutDocuments } from "./source_text.ts";

/** A document as Elasticsearch tells it apart. */
export interface Entry {
  readonly id: string;
  /** Where it was written with one. */
  readonly routing?: string;
}

/**
 * What `index` holds of these documents now, in their order: also what no search finds yet.
 * @throws {EtlError} `index-missing` when the index is gone.
 */
export async function readIndexed(
  cluster: Cluster,
  { index, entries, withSource, signal }: {
    index: string;
    entries: readonly Entry[];
    withSource: boolean;
    signal: AbortSignal;
  },
): Promise<AnsweredDocument[]> {
  if (entries.length === 0) return [];
  const docs = entries.map(({ id, routing }) =>
    routing === undefined ? { _id: id } : { _id: id, routing }
  );
  return await cluster.request({
    method: "POST",
    path: `/${encodeURIComponent(index)}/_mget`,
    query: { _source: String(withSource), realtime: "true" },
    body: { docs },
    index,
    isText: true,
    answer: z.string().transform((text, context) => {
      const documents = cutDocuments(text);
      const error = documents.find(({ error }) => error !== undefined)?.error;
      if (error !== undefined) throw explainError(error, index);
      if (documents.length !== entries.length) {
        context.addIssue("is not as many documents as were asked for");
      }
      return documents;
    }),
  }, signal);
}

function explainError(type: string, index: string): EtlError {
  return type === "index_not_found_exception"
    ? new EtlError({ kind: "index-missing", index })
    : new EtlError({
      kind: "server-unavailable",
      server: "Elasticsearch",
      code: type,
    });
}
