import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { readHits } from "../integration/search.ts";
import { openSession } from "../integration/world.ts";
import { LAST_YEAR } from "./transactions.ts";

/** How an index and the query of its documents differ, by ids. */
export interface Difference {
  readonly missing: string[];
  readonly stale: string[];
  readonly extra: string[];
  /** Dead letters of documents that are not refusable, and refusable ones that are no dead letters. */
  readonly lettered: string[];
}

/** What was compared. */
export interface Comparison {
  readonly difference: Difference;
  readonly documents: number;
  /** Documents that are not in the index, or not as they are, since the index refuses them. */
  readonly refused: number;
}

const PAGE_SIZE = 250;

const Row = z.object({
  id: z.string(),
  hash: z.string(),
  is_refusable: z.string().transform((text) => text === "t"),
});
const Page = z.object({
  _scroll_id: z.string(),
  hits: z.object({ hits: z.array(z.unknown()) }),
});
const DeadLetter = z.looseObject({ id: z.string() });

/** Holds the index against the document query, by the hash of each document's bytes. */
export async function compare(
  { databaseUrl, document, searchUrl, deadLetters, mayLinger }: {
    databaseUrl: string;
    /** The document query of the configuration. */
    document: string;
    /** The address of the index. */
    searchUrl: string;
    /** The ids that are dead letters; nothing where the agent keeps none. */
    deadLetters: ReadonlySet<string> | undefined;
    /** Whether letters may outlive their reason: another agent than the one that wrote them cannot clear them. */
    mayLinger: boolean;
  },
): Promise<Comparison> {
  const expected = await readExpected(databaseUrl, document);
  const documents = expected.size;
  const difference: Difference = {
    missing: [],
    stale: [],
    extra: [],
    lettered: [],
  };
  let refused = 0;
  const isRefused = (id: string, isRefusable: boolean) => {
    const counts = isRefusable && (deadLetters?.has(id) ?? true);
    if (counts) refused++;
    return counts;
  };
  for (const [id, { isRefusable }] of expected) {
    const isLettered = deadLetters?.has(id) ?? isRefusable;
    const isWrong = isLettered ? !isRefusable && !mayLinger : isRefusable;
    if (isWrong) difference.lettered.push(id);
  }
  for await (const [id, hash] of readIndexed(searchUrl)) {
    const row = expected.get(id);
    expected.delete(id);
    if (row === undefined) difference.extra.push(id);
    else if (row.hash !== hash && !isRefused(id, row.isRefusable)) {
      difference.stale.push(id);
    }
  }
  for (const [id, { isRefusable }] of expected) {
    if (!isRefused(id, isRefusable)) difference.missing.push(id);
  }
  return { difference, documents, refused };
}

async function readExpected(
  url: string,
  document: string,
): Promise<Map<string, { hash: string; isRefusable: boolean }>> {
  await using session = await openSession(url);
  await session.sql(
    "set timezone = 'UTC'; set datestyle = 'ISO, YMD'; set extra_float_digits = 1",
  );
  const rows = await session.sql(
    `select id::text as id,
       md5(replace(row_to_json(q)::text, e'\\n', ' ')) as hash,
       coalesce(creation_date >= '${
      LAST_YEAR + 1
    }-01-01', false) as is_refusable
     from (${document}) q`,
  );
  return new Map(
    Row.array().parse(rows).map(({ id, hash, is_refusable: isRefusable }) => [
      id,
      { hash, isRefusable },
    ]),
  );
}

/** The id and the hash of the bytes of every document, a page at a time. */
async function* readIndexed(url: string): AsyncGenerator<[string, string]> {
  await demand(`${url}/_refresh`);
  const { origin } = new URL(url);
  const query = { size: PAGE_SIZE, sort: ["_doc"] };
  let text = await demand(`${url}/_search?scroll=1m`, query);
  for (;;) {
    const page = Page.parse(JSON.parse(text));
    for (const [id, { source }] of readHits(text)) {
      yield [id, createHash("md5").update(source).digest("hex")];
    }
    if (page.hits.hits.length === 0) return;
    text = await demand(`${origin}/_search/scroll`, {
      scroll: "1m",
      "scroll_id": page._scroll_id,
    });
  }
}

async function demand(url: string, body?: unknown): Promise<string> {
  const response = await fetch(url, {
    method: "POST",
    signal: AbortSignal.timeout(30_000),
    ...(body !== undefined && {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  if (response.ok) return text;
  throw new Error(`Cannot ask ${url}: status is ${response.status}, ${text}`);
}

/** Whether there is no difference. */
export function isEqual(difference: Difference): boolean {
  return Object.values(difference).every((ids) => ids.length === 0);
}

/** The ids of the dead letters in these folders of agents. */
export async function readDeadLetters(
  folders: readonly string[],
): Promise<Set<string>> {
  const ids = new Set<string>();
  for (const folder of folders) {
    const file = join(folder, "dead_letters.jsonl");
    const text = await Deno.readTextFile(file).catch(() => "");
    for (const line of text.split("\n")) {
      if (line !== "") ids.add(DeadLetter.parse(JSON.parse(line)).id);
    }
  }
  return ids;
}
