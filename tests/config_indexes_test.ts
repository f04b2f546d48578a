import { deepEqual, equal } from "node:assert/strict";
import { ELASTICSEARCH, INDEXES, POSTGRES, setup } from "./config_folder.ts";

Deno.test("loadConfig() reads watched tables of every shape", async () => {
  await using world = await setup();
  const { config } = await world.load(`${POSTGRES}
${ELASTICSEARCH}
${INDEXES}      - table: '"My Schema"."a "" b"'
        key: [film_id, '"Person"']
        updated_at: Created_At
        document_ids: select unnest($1) where true or $2 is null;
`);
  deepEqual(config.indexes[0]?.watch[1], {
    table: { schema: "My Schema", name: 'a " b' },
    label: '"My Schema"."a "" b"',
    updatedAt: "created_at",
    key: ["film_id", "Person"],
    documentIds: "select unnest($1) where true or $2 is null",
    path: ["indexes", 0, "watch", 1],
  });
});

Deno.test("loadConfig() reads how an index is followed and swept", async () => {
  await using world = await setup();
  const index = await world.loadIndex(
    "{lookback: 5m, sweep: {ids: 90s, content: 30d}, max_delete: 35%}",
  );
  equal(index?.lookbackMs, 300_000);
  deepEqual(index?.sweep, { idsMs: 90_000, contentMs: 2_592_000_000 });
  equal(index?.maxDeleteShare, 0.35);
});

for (
  const [written, sweep] of [
    ["off", {}],
    ["{ids: off, content: off}", {}],
    ["{ids: off}", { contentMs: 86_400_000 }],
    ["{content: off}", { idsMs: 3_600_000 }],
    ["{ids: 30m}", { idsMs: 1_800_000, contentMs: 86_400_000 }],
    ["{}", { idsMs: 3_600_000, contentMs: 86_400_000 }],
  ] as const
) {
  Deno.test(`loadConfig() takes sweep: ${written}`, async () => {
    await using world = await setup();
    const index = await world.loadIndex(`{sweep: ${written}}`);
    deepEqual(index?.sweep, sweep);
  });
}

for (
  const [written, share] of [
    ["0%", 0],
    ["0.5%", 0.005],
    ["7 %", 0.07],
    ["100%", 1],
  ] as const
) {
  Deno.test(`loadConfig() takes max_delete: ${written}`, async () => {
    await using world = await setup();
    const index = await world.loadIndex(`{max_delete: ${written}}`);
    equal(index?.maxDeleteShare, share);
  });
}

for (
  const [written, name] of [
    ["Europe/Berlin", "Europe/Berlin"],
    ["America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"],
    ["Etc/GMT+5", "Etc/GMT+5"],
    ["UTC", "UTC"],
    ["utc", "UTC"],
  ] as const
) {
  Deno.test(`loadConfig() takes time_zone: ${written}`, async () => {
    await using world = await setup();
    const index = await world.loadIndex(
      `{watch: [{table: film, time_zone: ${written}}]}`,
    );
    equal(index?.root.timeZone, name);
  });
}

Deno.test("loadConfig() takes a table that is watched by several columns", async () => {
  await using world = await setup();
  const index = await world.loadIndex(`
    watch:
      - {table: film, key: [a, b]}
      - table: film
        updated_at: published_at
        key: [a, b]
        document_ids: select a, b from film where a = any($1) and b = any($2)`);
  deepEqual(index?.watch.map(({ updatedAt, key }) => [updatedAt, key]), [
    ["updated_at", ["a", "b"]],
    ["published_at", ["a", "b"]],
  ]);
  equal(index?.root, index?.watch[0]);
});
