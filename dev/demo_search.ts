import { z } from "zod";

/** What a search found. */
export interface Found {
  /** How many films in all. */
  readonly total: number;
  /** The best few of them. */
  readonly films: readonly { readonly title: string; readonly year: string }[];
}

const Answer = z.object({
  hits: z.object({
    total: z.object({ value: z.int() }),
    hits: z.array(z.object({
      "_source": z.object({
        title: z.string(),
        "creation_date": z.string().nullable(),
      }),
    })),
  }),
});

/** Films whose title or description has a word, in any of its forms. */
export function searchWord(url: string, word: string): Promise<Found> {
  const fields = ["title^3", "description"];
  return search(url, { "multi_match": { query: word, fields } });
}

/** Films in which an actor of exactly this name plays. */
export function searchActor(url: string, name: string): Promise<Found> {
  const query = { term: { "actors.name.raw": name } };
  return search(url, { nested: { path: "actors", query } });
}

/** All films; none while the index is not there. */
export function searchAll(url: string): Promise<Found> {
  return search(url, { "match_all": {} });
}

async function search(url: string, query: unknown): Promise<Found> {
  // a refresh makes what was indexed a moment ago visible at once
  await send(`${url}/movies/_refresh?ignore_unavailable=true`);
  const text = await send(
    `${url}/movies/_search?ignore_unavailable=true`,
    { query, size: 3, "track_total_hits": true },
  );
  const { hits } = Answer.parse(JSON.parse(text));
  const films = hits.hits.map(({ _source: source }) => ({
    title: source.title,
    year: source.creation_date?.slice(0, 4) ?? "year unknown",
  }));
  return { total: hits.total.value, films };
}

async function send(url: string, body?: unknown): Promise<string> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await answer.text();
  if (answer.ok) return text;
  throw new Error(`Cannot search Elasticsearch: status is ${answer.status}`);
}
