import { deepEqual, equal } from "node:assert/strict";
import { readChanges } from "../../src/table_scan.ts";
import { NEVER, openDatabase, openQuickSource } from "../servers.ts";
import { runPass } from "./agent_run.ts";
import { type Shape, SHAPES } from "./history_shapes.ts";
import { openWorld, type World } from "./world.ts";

for (const shape of SHAPES) {
  Deno.test(`runAgent() follows a table ${shape.name}`, async () => {
    await using world = await openShape(shape);
    await expectEqual(world, shape);
    for (const { sql, sends } of shape.changes) {
      const before = await world.documents();
      await world.sql(sql);
      const { written } = (await runPass(world)).summary();
      equal(written, sends.length);
      const after = await world.documents();
      const sent = [...after].filter(([id, { version }]) =>
        before.get(id)?.version !== version
      ).map(([id]) => id);
      deepEqual(sent.sort(), [...sends].sort());
      await expectEqual(world, shape);
    }
    equal((await runPass(world)).summary().written, 0);
  });
}

Deno.test("readChanges() finds what is stamped in the hour that a local clock shows twice", async () => {
  await using database = await openDatabase();
  await database.query(
    `create table item (id int primary key, updated_at timestamp not null)`,
  );
  // 2026-10-25 01:00 UTC is 02:00 in Berlin again, after 02:59:59
  await database.query(
    `insert into item select n, ('2026-10-25 00:00Z'::timestamptz + n * interval '10 minutes') at time zone 'Europe/Berlin'
     from generate_series(0, 17) n`,
  );
  await using source = openQuickSource(database.options);
  const key = [{ name: "id", type: "integer" }];
  const table = {
    label: "item",
    from: "item",
    key,
    stamp: {
      name: "updated_at",
      type: "timestamp without time zone",
      kind: "local",
      timeZone: "Europe/Berlin",
    },
  } as const;
  for (let from = 0; from <= 17; from++) {
    const minutes = String(from * 10 % 60).padStart(2, "0");
    const hours = String(Math.floor(from / 6)).padStart(2, "0");
    const rows = await readChanges(source, table, {
      from: `2026-10-25 ${hours}:${minutes}:00.000000+00`,
      lookbackMs: 0,
      high: undefined,
      seen: undefined,
      after: undefined,
      upto: undefined,
      limit: 100,
      signal: NEVER,
    });
    const found = new Set(rows.map(({ key }) => Number(key)));
    for (let id = from; id <= 17; id++) {
      equal(found.has(id), true, `row ${id} from ${from}`);
    }
  }
});

/** A world of this shape, loaded. */
async function openShape(shape: Shape): Promise<World> {
  const world = await openWorld({
    sql: shape.sql,
    indexes: `
    - name: items
      index_config: items.json
      document: ${JSON.stringify(shape.document)}
      watch: ${shape.watch}`,
    files: {
      "items.json": JSON.stringify({ mappings: { dynamic: false } }),
    },
    settings: { "postgres.page_size": 10 },
  });
  try {
    await runPass(world);
    return world;
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}

/** Expects that each document is the query's row. */
async function expectEqual(world: World, { document }: Shape): Promise<void> {
  const rows = await world.sql(
    `select replace(row_to_json(d)::text, e'\\n', ' ') as source from (${document}) d`,
  );
  const sources = [...(await world.documents()).values()]
    .map(({ source }) => source);
  deepEqual(sources.sort(), rows.map(({ source }) => source).sort());
}
