import { equal, match } from "node:assert/strict";
import { join } from "node:path";
import {
  expectNoStack,
  expectTold,
  openTemporary,
  runToEnd,
} from "./agent_process.ts";
import { openWorld } from "./world.ts";

const JSON_LOG = { "logging.format": "json" };

Deno.test("pg2es exits 2 on a configuration that is missing or broken", async () => {
  await using temporary = await openTemporary();
  const { folder } = temporary;
  await Deno.writeTextFile(join(folder, "broken.yaml"), "postgres: {host\n");
  await Deno.writeTextFile(join(folder, "wrong.yaml"), "fetch_dely: 1s\n");
  const [missing, broken, wrong] = await Promise.all([
    runToEnd({ folder }),
    runToEnd({ folder, args: ["--config", "broken.yaml"] }),
    runToEnd({ folder, args: ["run", "-c", "wrong.yaml"] }),
  ]);
  expectTold(missing, { code: 2, lines: [/config\.yaml/] });
  equal(broken.code, 2);
  match(broken.stderr, /^broken\.yaml:\d+:\d+: /);
  equal(wrong.code, 2);
  match(wrong.stderr, /^wrong\.yaml:1:1: fetch_dely: .*fetch_delay$/m);
  for (const { stderr } of [broken, wrong]) expectNoStack(stderr);
});

Deno.test("pg2es tells all that the database contradicts, each with its place", async () => {
  const watch = [{ table: "content.film_work" }];
  const files = { "index_config": "index_config.json", watch };
  await using world = await openWorld({
    settings: {
      ...JSON_LOG,
      "indexes.0.document":
        "select fw.id, fw.title as headline from content.film_work fw",
      "indexes.0.watch.1.table": "content.persons",
      "indexes.0.watch.2.updated_at": "changed_at",
      "indexes.0.watch.3.document_ids":
        "select film_work_id, person_id from content.person_film_work where id = any($1)",
      "indexes.1": {
        name: "second",
        ...files,
        document: "select id,\n  titel\nfrom content.film_work",
      },
      "indexes.2": {
        name: "third",
        ...files,
        document: "select id\nform content.film_work",
      },
    },
  });
  const ending = await runToEnd(world);
  expectTold(ending, {
    code: 2,
    lines: [
      /: indexes\[0\]\.watch\[1\]\.table: there is no table content\.persons /,
      /: indexes\[0\]\.watch\[2\]\.updated_at: content\.genre has no column changed_at; /,
      /: indexes\[0\]\.document: the column headline is not in the strict mapping; /,
      /: indexes\[0\]\.watch\[3\]\.document_ids: the query shows 2 columns; /,
      /: indexes\[1\]\.document: column "titel" does not exist \(line 2 of the query\)/,
      /: indexes\[2\]\.document: syntax error .*\(line 2 of the query\)/,
    ],
  });
  const text = (await Deno.readTextFile(world.configFile)).split("\n");
  const values = ["content.persons", "changed_at", "select fw.id", "select"];
  for (const [place, value] of values.entries()) {
    const fault = /^config\.yaml:(\d+):(\d+): /.exec(ending.told[place] ?? "");
    const [line, column] = [Number(fault?.[1]), Number(fault?.[2])];
    const found = text.slice(line - 1).join("\n").slice(column - 1);
    match(found, new RegExp(`^([>|][-+]?\\s+)?${value}`));
  }
  equal((await world.search("GET", `/${world.indexName()}`)).status, 404);
});

Deno.test("pg2es exits 1 at once where PostgreSQL refuses it", async () => {
  const cases = [
    {
      settings: { "postgres.password": "another" },
      told: /^Cannot use PostgreSQL: code is 28P01\. Check postgres\.user /,
    },
    {
      settings: { "postgres.database": "no_such_database" },
      told: /^Cannot use PostgreSQL: code is 3D000\. Check postgres\.database/,
    },
    {
      settings: { "postgres.ssl": true },
      told: /^Cannot use PostgreSQL: code is no TLS\. /,
    },
  ];
  for (const { settings, told } of cases) {
    await using world = await openWorld({
      settings: { ...JSON_LOG, ...settings },
    });
    const ending = await runToEnd(world);
    expectTold(ending, { code: 1, lines: [told] });
  }
});
