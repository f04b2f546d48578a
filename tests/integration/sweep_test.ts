import { deepEqual, equal, ok } from "node:assert/strict";
import { type AgentRun, runPass, startAgent } from "./agent_run.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { readPosition } from "./moments.ts";
import {
  itemsWorld,
  makeDue,
  openDetour,
  readSources,
  tamper,
  type Tampering,
} from "./tampering.ts";
import { openWorld } from "./world.ts";

const KEYS = [
  {
    type: "uuid",
    key: "md5(n::text)::uuid",
    invent: () => crypto.randomUUID(),
    strange: ["no uuid", "6F9619FF-8B86-D011-B42D-00C04FC964FF"],
  },
  {
    type: "integer",
    key: "n",
    invent: (n: number) => String(1_000_000 + n),
    strange: ["007", "2147483648", "-0", "1e3", "one"],
  },
  {
    type: 'text collate "und-x-icu"',
    key: "(array['a', 'Ä', 'b', 'É', '-', '_', 'ё', 'Z'])[1 + n % 8] || n",
    invent: (n: number) => `invented ${n} Ö "'\\`,
    strange: [" ", "a b"],
  },
  {
    type: "date",
    key: "date '2000-01-01' + n",
    invent: (n: number) => `invented ${n}`,
    strange: ["2000-02-30", "Jan 7 2001"],
  },
];

for (const { type, key, invent, strange } of KEYS) {
  Deno.test(`runAgent() mends what was done behind its back, with keys of ${type}`, async () => {
    const count = type === "date" ? 60 : 1_000;
    const world = itemsWorld({ type, key, count: 3 * count });
    await using opened = await openWorld(world);
    await runPass(opened);
    const loaded = await readSources(opened);
    equal(loaded.size, 3 * count);
    const ids = [...loaded.keys()];
    const invented = [...strange];
    for (let n = invented.length; n < count; n++) invented.push(invent(n));
    await tamper(opened, [
      ...ids.slice(0, count).map((id) => ({ id })),
      ...ids.slice(count, 2 * count).map((id, n): Tampering => {
        const source = loaded.get(id) ?? "";
        // the same number in other bytes is another document
        const other = n % 2 === 0
          ? source.replace("1.50", "1.5")
          : source.replace("item", "it\\u0065m");
        return { id, source: other };
      }),
      ...invented.map((id) => ({ id, source: "{}" })),
    ]);

    // the limit of max_delete is for a table that is lost, not for this
    await opened.configure({ "indexes.0.max_delete": "50%" });
    await makeDue(opened);
    const swept = await runPass(opened);
    deepEqual(findings(swept), [{
      compared: "content",
      missing: count,
      different: count,
      extra: count,
      written: 3 * count,
    }]);
    deepEqual(await readSources(opened), loaded);
    deepEqual(findings(await runPass(opened)), []);
    await makeDue(opened);
    const again = await runPass(opened);
    deepEqual(findings(again).map(({ written }) => written), [0]);
  });
}

Deno.test("runAgent() mends by a sweep what polling cannot see", async () => {
  await using world = await openWorld();
  await runPass(world);
  await world.sql(
    `delete from content.film_work where id in (select id from content.film_work order by id limit 3);
     delete from content.person_film_work
     where id in (select id from content.person_film_work order by id limit 5);
     update content.genre set updated_at = '2001-01-01', name = name || '!' where name < 'C'`,
  );
  await makeDue(world);
  const [found] = findings(await runPass(world));
  equal(found?.extra, 3);
  deepEqual(await indexedFilms(world), await readFilms(world));
});

Deno.test("runAgent() sweeps in time, and what a first load may have missed at once", async () => {
  await using world = await openWorld({
    ...itemsWorld({ type: "int", key: "n", count: 10 }),
    follow: "polling",
  });
  deepEqual(findings(await runPass(world)).map(({ compared }) => compared), [
    "ids",
  ]);
  const { swept, low } = await readPosition(world) ?? {};
  equal(swept?.content, low);
  ok((swept?.ids ?? "") > (low ?? ""));
  deepEqual(findings(await runPass(world)), []);

  await tamper(world, [{ id: "4" }, { id: "5", source: "{}" }]);
  await world.configure({ "indexes.0.sweep": { ids: "1s", content: "30d" } });
  await using agent = startAgent(world);
  const { fields } = await agent.untilLogged("sweep finished", { missing: 1 });
  deepEqual([fields["compared"], fields["different"]], ["ids", 0]);
});

Deno.test("runAgent() sweeps nothing when told so", async () => {
  const options = itemsWorld({ type: "int", key: "n", count: 10 });
  const settings = { "indexes.0.sweep": "off" };
  await using world = await openWorld({ ...options, settings });
  deepEqual(findings(await runPass(world)), []);
  await makeDue(world);
  deepEqual(findings(await runPass(world)), []);
});

Deno.test("runAgent() deletes nothing when a table is emptied, and says why", async () => {
  const count = 300;
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count }),
  );
  await runPass(world);
  await world.sql("truncate item");
  await makeDue(world);
  const run = await runPass(world);
  const [told, ...others] = run.records.filter(({ level }) =>
    level === "error"
  );
  equal(others.length, 0);
  equal(
    told?.message,
    "too many documents are not in PostgreSQL: nothing is deleted",
  );
  deepEqual([told?.fields["extra"], told?.fields["of"]], [count, count]);
  ok(String(told?.fields["remedy"]).includes("--repair --force"));
  equal((await world.documents()).size, count);
  // fewer than a hundred always go
  await world.sql(
    "insert into item (id) select n from generate_series(1, 201) n",
  );
  await makeDue(world);
  equal(findings(await runPass(world))[0]?.extra, 99);
  equal((await world.documents()).size, 201);
});

Deno.test("runAgent() deletes nothing after an incomplete reading, and mends it at the next time", async () => {
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count: 30 }),
  );
  await runPass(world);
  await tamper(world, [{ id: "1" }, { id: "x", source: "{}" }]);
  let lossCount = 0;
  const pointInTime = /"pit":\{"id":"([^"]+)"/;
  const scroll = /"scroll_id":"([^"]+)"/;
  await using detour = openDetour(world.elasticsearchUrl, async (request) => {
    if (lossCount > 0) return request.path;
    const [, id] = request.body.includes('"search_after"')
      ? pointInTime.exec(request.body) ?? []
      : [];
    const [, scrollId] = request.path.startsWith("/_search/scroll")
      ? scroll.exec(request.body) ?? []
      : [];
    const [path, body] = id === undefined
      ? ["/_search/scroll", { scroll_id: scrollId }]
      : ["/_pit", { id }];
    if (id === undefined && scrollId === undefined) return request.path;
    lossCount++;
    const { text } = await world.search("DELETE", path, JSON.stringify(body));
    ok(text.includes('"succeeded":true'), text);
    return request.path;
  });
  await world.configure({ "elasticsearch.node": detour.url });
  await makeDue(world);
  const run = await runPass(world);
  equal(lossCount, 1);
  const told = run.records.filter(({ level }) => level === "warning");
  deepEqual(
    told.map(({ message, fields: { reason } }) => ({ message, reason })),
    [{
      message: "the index could not be read to its end: nothing is deleted",
      reason: "search_context_missing_exception",
    }],
  );
  const { missing, extra } = findings(run)[0] ?? {};
  deepEqual([missing, extra], [1, 0]);
  equal((await world.documents()).size, 31);
  deepEqual(findings(await runPass(world)).map(({ extra }) => extra), [1]);
  equal((await world.documents()).size, 30);
});

Deno.test("runAgent() finds what is extra on a server without Elasticsearch's points in time", async () => {
  const options = itemsWorld({ type: "int", key: "n", count: 12_000 });
  await using world = await openWorld(options);
  await runPass(world);
  const invented = Array.from({ length: 700 }, (_, n) => `x${n}`);
  await tamper(world, invented.map((id) => ({ id, source: "{}" })));
  let scrollCount = 0;
  await using detour = openDetour(world.elasticsearchUrl, ({ path }) => {
    if (path.startsWith("/_search/scroll")) scrollCount++;
    return path.replace(/_pit\b/, "_search/point_in_place");
  });
  await world.configure({ "elasticsearch.node": detour.url });
  await makeDue(world);
  const { missing, extra } = findings(await runPass(world))[0] ?? {};
  deepEqual([missing, extra], [0, 700]);
  ok(scrollCount > 2, String(scrollCount));
  equal((await world.documents()).size, 12_000);
});

Deno.test("runAgent() deletes a copy of a document with another routing", async () => {
  const options = itemsWorld({ type: "int", key: "n", count: 20 });
  await using world = await openWorld({
    ...options,
    indexes: `
      - name: items
        index_config: any.json
        document: select id, name, 'r' || n % 3 as _routing from item
        watch: [{table: item}]`,
    files: {
      "any.json": JSON.stringify({
        settings: { number_of_shards: 3 },
        mappings: { dynamic: false },
      }),
    },
  });
  await runPass(world);
  await tamper(world, [
    { id: "7", source: "{}", routing: "elsewhere" },
    { id: "8", source: "{}", routing: "some" },
    { id: "9", source: "{}", routing: "r1" },
    { id: "99", source: "{}", routing: "there" },
    { id: "10", routing: "r1" },
    { id: "11", source: "{}", routing: "r2" },
  ]);
  await makeDue(world);
  await runPass(world);
  const documents = await world.documents();
  const expected = Array.from({ length: 20 }, (_, place) => {
    const n = place + 1;
    return [String(n), [`r${n % 3}`, `{"id":${n},"name":"item ${n}"}`]];
  });
  deepEqual(
    Object.fromEntries(
      [...documents].map((
        [id, { routing, source }],
      ) => [id, [routing, source]]),
    ),
    Object.fromEntries(expected),
  );
  const { text } = await world.search("GET", `/${world.indexName()}/_count`);
  ok(text.startsWith('{"count":20,'), text);
});

Deno.test("runAgent() compares ids where an index does not keep documents as they were sent", async () => {
  const options = itemsWorld({ type: "int", key: "n", count: 20 });
  const mappings = { dynamic: false, _source: { excludes: ["name"] } };
  await using world = await openWorld({
    ...options,
    files: { "any.json": JSON.stringify({ mappings }) },
  });
  await runPass(world);
  await tamper(world, [{ id: "3" }, { id: "4", source: "{}" }]);
  await makeDue(world);
  const run = await runPass(world);
  const told = run.records.filter(({ message }) =>
    message === "documents are compared by their ids only"
  );
  deepEqual(told.map(({ fields: { reason } }) => reason), [
    "the index leaves fields out of _source",
  ]);
  const [found] = findings(run);
  deepEqual([found?.compared, found?.missing, found?.different], ["ids", 1, 0]);
});

Deno.test("runAgent() follows changes while a sweep is under way", async () => {
  const count = 20_000;
  await using world = await openWorld(
    itemsWorld({ type: "int", key: "n", count }),
  );
  await runPass(world);
  await tamper(world, [{ id: "1" }]);
  await makeDue(world);
  await using agent = startAgent(world);
  await agent.untilLogged("sweep started", { kind: "content" });
  await world.sql(
    "update item set name = 'new', updated_at = now() where id = 7",
  );
  await agent.untilLogged("pass finished", { written: 1 });
  const { fields } = await agent.untilLogged("sweep finished");
  deepEqual(
    [fields["missing"], fields["different"], fields["extra"]],
    [1, 0, 0],
  );
});

/** What the sweeps in a log found. */
function findings({ records }: AgentRun) {
  return records.filter(({ message }) => message === "sweep finished")
    .map(({ fields }) => ({
      compared: fields["compared"],
      missing: fields["missing"],
      different: fields["different"],
      extra: fields["extra"],
      written: fields["written"],
    }));
}
