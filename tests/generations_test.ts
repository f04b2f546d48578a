import { deepEqual, equal } from "node:assert/strict";
import {
  isOfName,
  listGenerations,
  markGeneration,
  noteGeneration,
} from "../src/generations.ts";
import { createIndex } from "../src/index_requests.ts";
import { bodyOf } from "../src/made_from.ts";
import { NEVER, openTestCluster } from "./servers.ts";

const INGREDIENTS = {
  indexConfig: { mappings: { _meta: { owner: "films" } } },
  document: "select id from film",
};

Deno.test("listGenerations() has what the agent made for a name, from the oldest mark on, and nothing else", async () => {
  await using target = openTestCluster();
  const { cluster, index: name, fetch } = target;
  const old = `${name}-00000001`;
  const searched = `${name}-00000002`;
  const made = bodyOf(INGREDIENTS);
  const mark = { role: "old", since: "2026-01-02T00:00:00.000Z" } as const;
  const marked = bodyOf(INGREDIENTS, noteGeneration(mark));
  await createIndex(cluster, { name: old, body: marked, signal: NEVER });
  await createIndex(cluster, {
    name: searched,
    body: { ...made, aliases: { [name]: {} } },
    signal: NEVER,
  });
  const others = [`${name}-eu-00000003`, `${name}-2026`, `${name}-00000004`];
  for (const other of others) {
    const isStranger = other.endsWith("4");
    const body = isStranger ? { mappings: {} } : marked;
    await createIndex(cluster, { name: other, body, signal: NEVER });
  }
  const found = await listGenerations(cluster, name, NEVER);
  deepEqual(
    found.map(({ name, isSearched, mark }) => ({ name, isSearched, mark })),
    [
      { name: searched, isSearched: true, mark: undefined },
      { name: old, isSearched: false, mark },
    ],
  );
  equal(found[0]?.madeFrom.document, INGREDIENTS.document);

  const now = { role: "searched", since: "2026-01-03T00:00:00.000Z" } as const;
  await markGeneration(cluster, { name: old, mark: now, signal: NEVER });
  const after = await listGenerations(cluster, name, NEVER);
  deepEqual(after.find((one) => one.name === old)?.mark, now);
  // what others have noted is theirs
  const text = JSON.stringify(await fetch("GET", `/${old}/_mapping`));
  equal(text.includes('"owner":"films"'), true);
});

Deno.test("isOfName() keeps apart names of which one begins with the other", () => {
  equal(isOfName("movies-eu-00000001", "movies-eu"), true);
  equal(isOfName("movies-eu-00000001", "movies"), false);
  equal(isOfName("movies-0000000g", "movies"), false);
  equal(isOfName("movies", "movies"), false);
});
