import {
  deepEqual,
  equal,
  match,
  notEqual,
  ok,
  rejects,
} from "node:assert/strict";
import { switchAlias } from "../src/aliases.ts";
import { EtlError } from "../src/failure.ts";
import {
  ensureIndex,
  ensureIndexBeside,
  findIndex,
  type IndexRecipe,
} from "../src/index_lifecycle.ts";
import { recordLog } from "./recorded_log.ts";
import { NEVER, openTestCluster, type TestCluster } from "./servers.ts";

function recipeOf(name: string, rest: Partial<IndexRecipe> = {}): IndexRecipe {
  return {
    name,
    indexConfig: {
      settings: { "number_of_shards": 1, "number_of_replicas": 0 },
      mappings: { dynamic: "strict", properties: { id: { type: "keyword" } } },
    },
    document: "select id from films",
    source: { system: "73", database: "films" },
    ...rest,
  };
}

function ensure(
  { cluster }: TestCluster,
  recipe: IndexRecipe,
  log = recordLog().log,
) {
  return ensureIndex(cluster, { recipe, log, signal: NEVER });
}

/** The part of an answer under these names. */
function dig(answer: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>(
    (part, name) =>
      typeof part === "object" && part !== null
        ? Object.entries(part).find(([key]) => key === name)?.[1]
        : undefined,
    answer,
  );
}

Deno.test("ensureIndex() makes the index with a write alias, which nobody searches yet", async () => {
  await using target = openTestCluster();
  const { log, lines } = recordLog();
  const { index } = target;
  const made = await ensure(target, recipeOf(index), log);
  match(made.name, new RegExp(`^${index}-[0-9a-f]{8}$`));
  equal(made.alias, `${made.name}-write`);
  equal(made.isSearched, false);
  const found = await target.fetch("GET", `/${made.name}`);
  deepEqual(dig(found, made.name, "aliases"), { [made.alias]: {} });
  equal(dig(found, made.name, "settings", "index", "uuid"), made.uuid);
  equal(dig(found, made.name, "mappings", "dynamic"), "strict");
  equal(dig(found, made.name, "settings", "index", "gc_deletes"), "10m");
  equal(dig(found, made.name, "settings", "index", "number_of_replicas"), "0");
  deepEqual(lines.map(({ message, fields }) => [message, fields]), [
    ["index made", { name: made.name }],
  ]);
});

Deno.test("switchAlias() lets people search the index, and another in its place", async () => {
  await using target = openTestCluster();
  const { index: name, cluster } = target;
  const recipe = recipeOf(name);
  const first = await ensure(target, recipe);
  await switchAlias(cluster, { name, target: first, signal: NEVER });
  deepEqual(await ensure(target, recipe), { ...first, isSearched: true });
  const second = await ensureIndexBeside(cluster, {
    recipe: { ...recipe, document: "select 1 as id" },
    log: recordLog().log,
    signal: NEVER,
  });
  equal(second.isSearched, false);
  await switchAlias(cluster, { name, target: second, signal: NEVER });
  const found = await target.fetch("GET", `/${name}`);
  deepEqual(Object.keys(found), [second.name]);
  // again, as after a crash
  await switchAlias(cluster, { name, target: second, signal: NEVER });
  deepEqual(Object.keys(await target.fetch("GET", `/${name}`)), [second.name]);
});

Deno.test("switchAlias() leaves an index that has the plain name alone", async () => {
  await using target = openTestCluster();
  const { index: name, cluster } = target;
  const made = await ensure(target, recipeOf(name));
  await target.fetch("PUT", `/${name}`);
  await rejects(
    switchAlias(cluster, { name, target: made, signal: NEVER }),
    (error) =>
      error instanceof EtlError && error.failure.kind === "index-unusable",
  );
  deepEqual(Object.keys(await target.fetch("GET", `/${name}`)), [name]);
});

Deno.test("ensureIndex() finds the index that it made, and makes no other", async () => {
  await using target = openTestCluster();
  const { log, lines } = recordLog();
  const { index: name, cluster } = target;
  const recipe = recipeOf(name);
  const made = await ensure(target, recipe);
  deepEqual(await ensure(target, recipe, log), made);
  await switchAlias(cluster, { name, target: made, signal: NEVER });
  // what is behind the alias is used, whatever it was made from
  const changed = { ...recipe, document: "select id, title from films" };
  const found = { ...made, isSearched: true };
  deepEqual(await ensure(target, changed, log), found);
  deepEqual(lines, []);
});

Deno.test("ensureIndex() puts the write alias back on the index that it made", async () => {
  await using target = openTestCluster();
  const recipe = recipeOf(target.index);
  const made = await ensure(target, recipe);
  await target.fetch("DELETE", `/${made.name}/_alias/_all`);
  deepEqual(await ensure(target, recipe), made);
  const found = await target.fetch("GET", `/${made.name}`);
  deepEqual(dig(found, made.name, "aliases"), { [made.alias]: {} });
});

Deno.test("ensureIndexBeside() makes an index of its own for each recipe and each database", async () => {
  await using target = openTestCluster();
  const recipe = recipeOf(target.index);
  const recipes = [
    recipe,
    { ...recipe, document: "select 1 as id" },
    { ...recipe, indexConfig: { mappings: {} } },
    { ...recipe, source: { ...recipe.source, system: "74" } },
    { ...recipe, source: { ...recipe.source, database: "books" } },
  ];
  const { log } = recordLog();
  const names = new Set<string>();
  for (const recipe of recipes) {
    const options = { recipe, log, signal: NEVER };
    names.add((await ensureIndexBeside(target.cluster, options)).name);
  }
  equal(names.size, recipes.length);
});

Deno.test("findIndex() finds the very index, and not another of its name", async () => {
  await using target = openTestCluster();
  const { index: name, cluster } = target;
  const recipe = recipeOf(name);
  const made = await ensure(target, recipe);
  const find = () => findIndex(cluster, { index: made, name, signal: NEVER });
  deepEqual(await find(), made);
  await target.fetch("DELETE", `/${made.name}`);
  equal(await find(), undefined);
  const again = await ensure(target, recipe);
  equal(again.name, made.name);
  notEqual(again.uuid, made.uuid);
  equal(await find(), undefined);
});

Deno.test("ensureIndex() uses an index of the plain name as it is, and adds a write alias", async () => {
  await using target = openTestCluster();
  const { index } = target;
  const settings = { "number_of_shards": 1, "number_of_replicas": 0 };
  await target.fetch("PUT", `/${index}`, {
    settings,
    aliases: { [`${index}x`]: {} },
  });
  const used = await ensure(target, recipeOf(index));
  equal(used.name, index);
  equal(used.isSearched, true);
  equal(used.alias, `${index}-write`);
  const found = await target.fetch("GET", `/${index}`);
  deepEqual(dig(found, index, "aliases"), {
    [`${index}x`]: {},
    [`${index}-write`]: {},
  });
  deepEqual(dig(found, index, "mappings"), {});
  deepEqual(await ensure(target, recipeOf(index)), used);
});

Deno.test("ensureIndex() refuses an alias over two indexes", async () => {
  await using target = openTestCluster();
  const { index } = target;
  for (const name of [`${index}a`, `${index}b`]) {
    await target.fetch("PUT", `/${name}`, {
      settings: { "number_of_shards": 1, "number_of_replicas": 0 },
      aliases: { [index]: {} },
    });
  }
  await rejects(ensure(target, recipeOf(index)), {
    failure: {
      kind: "index-unusable",
      index,
      detail: "the alias stands for 2 indexes; leave it on one",
    },
  });
});

Deno.test("ensureIndex() tells why Elasticsearch does not take the settings or mappings, and leaves nothing behind", async () => {
  await using target = openTestCluster();
  const { index } = target;
  const configs = [
    {
      indexConfig: { settings: { refresh_intervall: "1s" }, mappings: {} },
      reason: /unknown setting \[index.refresh_intervall\]/,
    },
    {
      indexConfig: { mappings: { properties: { id: { type: "keywrd" } } } },
      reason: /type \[keywrd\]/,
    },
  ];
  for (const { indexConfig, reason } of configs) {
    await rejects(ensure(target, recipeOf(index, { indexConfig })), (error) => {
      ok(error instanceof EtlError);
      equal(error.failure.kind, "request-refused");
      match(error.message, reason);
      return true;
    });
  }
  deepEqual(await target.fetch("GET", `/${index}*`), {});
});

Deno.test("ensureIndex() leaves a gc_deletes of the configuration as it is, however it is written", async () => {
  const written = [
    { gc_deletes: "5m" },
    { "index.gc_deletes": "5m" },
    { index: { gc_deletes: "5m" } },
  ];
  for (const settings of written) {
    await using target = openTestCluster();
    const indexConfig = { settings, mappings: {} };
    const made = await ensure(target, recipeOf(target.index, { indexConfig }));
    const found = await target.fetch("GET", `/${made.name}`);
    const kept = dig(found, made.name, "settings", "index", "gc_deletes");
    equal(kept, "5m", JSON.stringify(settings));
  }
});
