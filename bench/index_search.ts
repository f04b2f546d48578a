import { z } from "zod";

/** Elasticsearch as an application asks it. */
export interface IndexSearch {
  /** How many documents of the index `movies` hold this value, after a refresh; all of them without a field. */
  count(term?: Readonly<Record<string, string>>): Promise<number>;
  /** Deletes every index that was made here. */
  clear(): Promise<void>;
  /** Whether Elasticsearch still merges what was written. */
  isMerging(): Promise<boolean>;
  /** The title of each of these films that is there, read as it is at this moment. */
  readTitles(ids: readonly string[]): Promise<Map<string, string>>;
  /** The title of each of these films that a search finds. */
  searchTitles(ids: readonly string[]): Promise<Map<string, string>>;
  version(): Promise<string>;
}

const Count = z.object({ count: z.int() });
const Root = z.object({ version: z.object({ number: z.string() }) });
const Indexes = z.array(z.object({ index: z.string() }));

const Merging = z.object({
  "_all": z.object({
    total: z.object({ merges: z.object({ current: z.int() }) }),
  }),
});

const Source = z.object({ title: z.string() });
const Read = z.object({
  docs: z.array(z.object({ "_id": z.string(), "_source": Source.optional() })),
});
const Hits = z.object({
  hits: z.object({
    hits: z.array(z.object({ "_id": z.string(), "_source": Source })),
  }),
});

/** Opens Elasticsearch at this address. */
export function openIndexSearch(url: string): IndexSearch {
  async function send(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<unknown> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (answer.ok) return JSON.parse(text);
    throw new Error(`Cannot ask Elasticsearch: ${method} ${path}: ${text}`);
  }

  return {
    async count(term) {
      await send("POST", "/movies*/_refresh");
      const query = term === undefined ? { "match_all": {} } : { term };
      return Count.parse(await send("POST", "/movies*/_count", { query }))
        .count;
    },
    async clear() {
      const found = await send("GET", "/_cat/indices/movies*?format=json");
      for (const { index } of Indexes.parse(found)) {
        await send("DELETE", `/${encodeURIComponent(index)}`);
      }
    },
    async isMerging() {
      const stats = await send("GET", "/movies*/_stats/merge");
      return Merging.parse(stats)._all.total.merges.current > 0;
    },
    async readTitles(ids) {
      const { docs } = Read.parse(
        await send("POST", "/movies/_mget?_source_includes=title", { ids }),
      );
      return new Map(
        docs.flatMap(({ _id: id, _source: source }) =>
          source === undefined ? [] : [[id, source.title]]
        ),
      );
    },
    async searchTitles(ids) {
      const { hits } = Hits.parse(
        await send("POST", "/movies/_search?_source_includes=title", {
          query: { terms: { id: ids } },
          size: ids.length,
        }),
      );
      return new Map(hits.hits.map(({ _id: id, _source: source }) => [
        id,
        source.title,
      ]));
    },
    async version() {
      return Root.parse(await send("GET", "/")).version.number;
    },
  };
}
