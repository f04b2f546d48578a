import { z } from "zod";
import type { Cluster } from "./elasticsearch.ts";
import { EtlError } from "./failure.ts";
import type { Entry } from "./indexed_documents.ts";

/** A part of what an index holds; nothing may be concluded from an incomplete reading. */
export type EntryPage =
  | {
    readonly kind: "entries";
    readonly entries: readonly Entry[];
    /** How many documents the index holds. */
    readonly totalCount: number;
  }
  | { readonly kind: "incomplete"; readonly reason: string };

/** How an index is read from one moment on: by a point in time, or, where the server has none, by a scroll. */
interface Reader {
  first(): Promise<Answer>;
  next(answer: Hits): Promise<Answer>;
  /** Frees what the server keeps for it; it frees that by itself after a while. */
  close(): Promise<void>;
}

/** What a request for a page came to. */
type Answer = Hits | { readonly lost: string };
type Hits = z.infer<typeof Hits>;
const Hits = z.object({
  _scroll_id: z.string().optional(),
  pit_id: z.string().optional(),
  timed_out: z.boolean(),
  _shards: z.object({ failed: z.int() }),
  hits: z.object({
    total: z.object({ value: z.int() }).optional(),
    hits: z.array(z.object({
      _id: z.string(),
      _routing: z.string().optional(),
      sort: z.array(z.unknown()).optional(),
    })),
  }),
});

const Lost = z.object({
  error: z.object({
    type: z.string(),
    root_cause: z.array(z.object({ type: z.string() })).optional(),
  }),
}).transform(({ error }) => ({
  lost: error.root_cause?.[0]?.type ?? error.type,
}));

/** A pass of following may come between two pages; what is not asked for again for so long is lost. */
const KEEP_ALIVE = "10m";

/** Runtimes before Deno 2.3 never send the body of a DELETE, and so never get its answer. */
const FREEING_MS = 2_000;

/** The answers when the point in time, or what it is of, is gone: 503 where the index was deleted in between. */
const GONE = [404, 503];

/** Without a refresh what was written last may be overlooked: it is found the next time. */
const NOT_PERMITTED = 403;

/** What a server says that has no such API: OpenSearch, whose own points in time cannot be read in an order. */
const UNKNOWN_API = [400, 405];

/**
 * Everything in `index` as a search finds it at one moment, in no order, page by page.
 *
 * What was written before the call is there. The last page is `incomplete` when the server could not show all.
 */
export async function* readEntries(
  cluster: Cluster,
  { index, pageSize, signal }: {
    index: string;
    pageSize: number;
    signal: AbortSignal;
  },
): AsyncGenerator<EntryPage> {
  const options = { index, pageSize, signal };
  await send(cluster, options, {
    method: "POST",
    path: `/${encodeURIComponent(index)}/_refresh`,
    ignore: [NOT_PERMITTED],
    answer: z.unknown(),
  });
  const id = await openPointInTime(cluster, options);
  const reader = id === undefined
    ? scroll(cluster, options)
    : readPointInTime(cluster, { ...options, id });
  try {
    let answer = await reader.first();
    let totalCount = 0;
    for (;;) {
      if ("lost" in answer) {
        yield { kind: "incomplete", reason: answer.lost };
        return;
      }
      const { timed_out, _shards: { failed }, hits: { hits, total } } = answer;
      if (timed_out || failed > 0) {
        const reason = timed_out ? "timed_out" : `${failed} shards failed`;
        yield { kind: "incomplete", reason };
        return;
      }
      totalCount = total?.value ?? totalCount;
      if (hits.length === 0) return;
      const entries = hits.map(({ _id: id, _routing: routing }): Entry =>
        routing === undefined ? { id } : { id, routing }
      );
      yield { kind: "entries", entries, totalCount };
      answer = await reader.next(answer);
    }
  } finally {
    await reader.close();
  }
}

interface ReadOptions {
  readonly index: string;
  readonly pageSize: number;
  readonly signal: AbortSignal;
}

/** The id of a point in time; none where the server does not know them. */
async function openPointInTime(
  cluster: Cluster,
  options: ReadOptions,
): Promise<string | undefined> {
  return await send(cluster, options, {
    method: "POST",
    path: `/${encodeURIComponent(options.index)}/_pit`,
    query: { keep_alive: KEEP_ALIVE },
    ignore: UNKNOWN_API,
    answer: z.union([
      z.object({ id: z.string() }).transform(({ id }) => id),
      z.unknown().transform(() => undefined),
    ]),
  });
}

function readPointInTime(
  cluster: Cluster,
  options: ReadOptions & { id: string },
): Reader {
  let { id } = options;
  async function search(after?: readonly unknown[]): Promise<Answer> {
    const answer = await send(cluster, options, {
      method: "POST",
      path: "/_search",
      body: {
        size: options.pageSize,
        _source: false,
        pit: { id, keep_alive: KEEP_ALIVE },
        sort: ["_shard_doc"],
        track_total_hits: after === undefined,
        ...(after === undefined ? {} : { search_after: after }),
      },
      ignore: GONE,
      answer: z.union([Hits, Lost]),
    });
    if (!("lost" in answer)) id = answer.pit_id ?? id;
    return answer;
  }
  return {
    first: () => search(),
    next: ({ hits: { hits } }) => search(hits.at(-1)?.sort),
    close: () => free(cluster, options, { path: "/_pit", body: { id } }),
  };
}

function scroll(cluster: Cluster, options: ReadOptions): Reader {
  let id: string | undefined;
  async function search(
    request: Pick<Sent<Answer>, "path" | "query" | "body">,
  ): Promise<Answer> {
    const answer = await send(cluster, options, {
      method: "POST",
      ...request,
      ignore: GONE,
      answer: z.union([Hits, Lost]),
    });
    if (!("lost" in answer)) id = answer._scroll_id ?? id;
    return answer;
  }
  return {
    first: () =>
      search({
        path: `/${encodeURIComponent(options.index)}/_search`,
        query: { scroll: KEEP_ALIVE },
        body: {
          size: options.pageSize,
          _source: false,
          sort: ["_doc"],
          track_total_hits: true,
        },
      }),
    next: () =>
      search({
        path: "/_search/scroll",
        body: { scroll: KEEP_ALIVE, scroll_id: id },
      }),
    close: () =>
      free(cluster, options, {
        path: "/_search/scroll",
        body: { scroll_id: id },
      }),
  };
}

type Sent<Answer> =
  & Omit<Parameters<Cluster["request"]>[0], "answer" | "index">
  & { readonly answer: z.ZodType<Answer> };

function send<Answer>(
  cluster: Cluster,
  { index, signal }: ReadOptions,
  request: Sent<Answer>,
): Promise<Answer> {
  return cluster.request({ ...request, index }, signal);
}

/** Frees what the server keeps for a reading: a courtesy that holds up nothing, since the server forgets it by itself. */
async function free(
  cluster: Cluster,
  { index, signal }: ReadOptions,
  request: Pick<Sent<unknown>, "path" | "body">,
): Promise<void> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), FREEING_MS);
  try {
    await cluster.request({
      method: "DELETE",
      ...request,
      index,
      ignore: GONE,
      answer: z.unknown(),
    }, AbortSignal.any([signal, late.signal]));
  } catch (error) {
    const isExpected = error instanceof EtlError || signal.aborted ||
      late.signal.aborted;
    if (!isExpected) throw error;
  } finally {
    clearTimeout(timer);
  }
}
