import { parse as parseJson, type ValueNode } from "@humanwhocodes/momoa";
import { z } from "zod";

/** A document as it is in an index. */
export interface IndexedDocument {
  /** `_source` as it came over the wire. */
  readonly source: string;
  readonly version: string;
  readonly routing: string | undefined;
}

/** Elasticsearch, as a test looks at it. */
export interface Search {
  request(
    method: string,
    path: string,
    body?: string,
  ): Promise<{ status: number; text: string }>;
  /** Every document of `index` by id, after a refresh. */
  documents(index: string): Promise<Map<string, IndexedDocument>>;
  /** Deletes the indexes whose names begin with `prefix`. */
  deleteIndexes(prefix: string): Promise<void>;
}

/** Below Elasticsearch's limit of 10,000 documents in an answer. */
const PAGE_SIZE = 5_000;

const Page = z.object({
  _scroll_id: z.string(),
  hits: z.object({ hits: z.array(z.unknown()) }),
});

/** Opens the Elasticsearch at `url`. */
export function openSearch(url: string): Search {
  const request: Search["request"] = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, text: await response.text() };
  };

  async function demand(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<string> {
    const { status, text } = await request(
      method,
      path,
      body === undefined ? undefined : JSON.stringify(body),
    );
    if (status < 300) return text;
    throw new Error(`Cannot ${method} ${path}: status is ${status}, ${text}`);
  }

  return {
    request,
    async documents(index) {
      const documents = new Map<string, IndexedDocument>();
      await demand("POST", `/${index}/_refresh`);
      let text = await demand("POST", `/${index}/_search?scroll=1m`, {
        size: PAGE_SIZE,
        sort: ["_doc"],
        version: true,
      });
      for (;;) {
        const page = Page.parse(JSON.parse(text));
        for (const [id, document] of readHits(text)) {
          documents.set(id, document);
        }
        const scroll = { "scroll_id": page._scroll_id };
        if (page.hits.hits.length < PAGE_SIZE) {
          await demand("DELETE", "/_search/scroll", scroll);
          return documents;
        }
        text = await demand("POST", "/_search/scroll", {
          scroll: "1m",
          ...scroll,
        });
      }
    },
    async deleteIndexes(prefix) {
      const text = await demand("GET", `/${prefix}*/_alias`);
      for (
        const name of Object.keys(z.looseObject({}).parse(JSON.parse(text)))
      ) {
        await demand("DELETE", `/${name}`);
      }
    },
  };
}

/** The documents of an answer, each cut out of its text: parsing would rewrite numbers. */
export function* readHits(text: string): Generator<[string, IndexedDocument]> {
  const { body } = parseJson(text, { mode: "json", ranges: true });
  const hits = member(member(body, "hits"), "hits");
  if (hits?.type !== "Array") return;
  for (const { value: hit } of hits.elements) {
    const cut = (name: string) => {
      const range = member(hit, name)?.range;
      return range === undefined ? undefined : text.slice(...range);
    };
    const id: string = JSON.parse(cut("_id") ?? "null");
    const routing: string | undefined = JSON.parse(cut("_routing") ?? "null") ??
      undefined;
    const version = cut("_version") ?? "";
    yield [id, { source: cut("_source") ?? "", version, routing }];
  }
}

function member(
  node: ValueNode | undefined,
  name: string,
): ValueNode | undefined {
  if (node?.type !== "Object") return undefined;
  return node.members.find(({ name: key }) =>
    key.type === "String" && key.value === name
  )?.value;
}
