import { equal, ok } from "node:assert/strict";
import { formatState, readState } from "../../src/state_file.ts";
import type { World, WorldOptions } from "./world.ts";

/** A table of items, whose key is made of each number by `key`, an expression of `n`. */
export interface ItemsOptions {
  /** The type of the key as it is declared. */
  readonly type: string;
  readonly key: string;
  readonly count: number;
}

/** What a world of items is made of. */
export function itemsWorld(
  { type, key, count }: ItemsOptions,
): WorldOptions {
  return {
    sql: `
      create table item (id ${type} primary key, name text, n int, updated_at timestamptz not null default now());
      create table other (n int);
      insert into item (id, name, n) select ${key}, 'item ' || n, n from generate_series(1, ${count}) n;
      analyze item`,
    indexes: `
      - name: items
        index_config: any.json
        document: select id, name, 1.50 as price from item
        watch: [{table: item}]`,
    files: { "any.json": JSON.stringify({ mappings: { dynamic: false } }) },
  };
}

/** One operation of a bulk request: index with this source, or delete without one. */
export interface Tampering {
  readonly id: string;
  readonly source?: string;
  readonly routing?: string;
}

/** Writes to the world's first index behind the agent's back; the agent's next numbers are higher. */
export async function tamper(
  world: World,
  operations: readonly Tampering[],
): Promise<void> {
  const lines = operations.flatMap(({ id, source, routing }) => {
    const target = { _id: id, ...(routing === undefined ? {} : { routing }) };
    return source === undefined
      ? [JSON.stringify({ delete: target })]
      : [JSON.stringify({ index: target }), source];
  });
  const { status, text } = await world.search(
    "POST",
    `/${world.indexName()}/_bulk?refresh=true`,
    `${lines.join("\n")}\n`,
  );
  equal(status, 200, text);
  ok(text.includes('"errors":false'), text.slice(0, 1_000));
  await world.sql("create table if not exists tampered (n int)");
  await world.sql("insert into tampered values (1)");
}

/** Lets the world's first index be swept by content in the next run. */
export async function makeDue(world: World): Promise<void> {
  const { positions, slots } = await readState(world.stateFile);
  const name = world.indexName();
  const saved = positions[name];
  ok(saved, "the index has a position");
  const { swept: _, ...position } = saved;
  // a copy in Elasticsearch may be later than the file, by the number of a pass that found nothing
  await world.configure({ "elasticsearch.position_index": "off" });
  const text = formatState({
    slots,
    positions: { ...positions, [name]: position },
  });
  await Deno.writeTextFile(world.stateFile, text);
}

/** The sources of the documents in the world's first index by id. */
export async function readSources(world: World): Promise<Map<string, string>> {
  const documents = await world.documents();
  return new Map(
    [...documents].map(([id, { source }]) => [id, source] as const)
      .toSorted(([one], [other]) => one < other ? -1 : 1),
  );
}

/** A way to the Elasticsearch of a world that a test may meddle with. */
export interface Detour extends AsyncDisposable {
  readonly url: string;
}

/** Opens a detour: each request goes to the path that `redirect` gives, once it has. */
export function openDetour(
  url: string,
  redirect: (
    request: { method: string; path: string; body: string },
  ) => Promise<string> | string,
): Detour {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const { method } = request;
      const { pathname, search } = new URL(request.url);
      const body = await request.text();
      const path = await redirect({ method, path: pathname + search, body });
      const answer = await fetch(`${url}${path}`, {
        method,
        headers: request.headers,
        ...(body === "" ? {} : { body }),
      });
      const { status, headers } = answer;
      const type = headers.get("content-type") ?? "application/json";
      return new Response(await answer.arrayBuffer(), {
        status,
        headers: { "content-type": type },
      });
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
