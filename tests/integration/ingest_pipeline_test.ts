import { deepEqual, equal, match } from "node:assert/strict";
import { runToEnd, startAgent } from "./agent_process.ts";
import { runPass } from "./agent_run.ts";
import { RUNS_PIPELINES } from "../search_server.ts";
import { until } from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const PIPELINE = "through";

/** A world whose documents go through a pipeline of its own name. */
async function openItems(): Promise<World & { readonly pipeline: string }> {
  const world = await openWorld({
    sql: `
      create table item (id int primary key, name text, updated_at timestamptz not null default now());
      insert into item select n, 'item ' || n from generate_series(1, 10) n`,
    indexes: `
      - name: items
        index_config: items.json
        document: select id, name from item
        watch: [{table: item}]`,
    files: { "items.json": '{"mappings": {"dynamic": false}}' },
    settings: { "logging.format": "json" },
  });
  const pipeline = `${world.indexName()}-${PIPELINE}`;
  await world.configure({ "indexes.0.pipeline": pipeline });
  return { ...world, pipeline };
}

async function putPipeline(
  world: World,
  pipeline: string,
): Promise<AsyncDisposable> {
  const path = `/_ingest/pipeline/${pipeline}`;
  const { status, text } = await world.search(
    "PUT",
    path,
    '{"processors": []}',
  );
  equal(status, 200, text);
  return {
    [Symbol.asyncDispose]: async () => {
      await world.search("DELETE", path);
    },
  };
}

Deno.test({
  name:
    "documents go through the ingest pipeline, and are compared by their ids only",
  ignore: !RUNS_PIPELINES,
  fn: async () => {
    await using world = await openItems();
    const { folder } = world;
    const missing = await runToEnd({ folder, args: ["run", "--once"] });
    equal(missing.code, 1);
    match(
      missing.told.join("\n"),
      /^Cannot use index \S+: there is no ingest pipeline \S+; make it, or take pipeline: out/m,
    );
    const checked = await runToEnd({ folder, args: ["check"] });
    equal(checked.code, 1);
    match(checked.stdout, /there is no ingest pipeline/);

    await using _pipeline = await putPipeline(world, world.pipeline);
    const run = await runPass(world);
    equal(run.summary().written, 10);
    const told = run.records.filter(({ message }) =>
      message === "documents are compared by their ids only"
    );
    deepEqual(told.map(({ fields }) => fields["reason"]), [
      "an ingest pipeline may change documents",
    ]);
    const verified = await runToEnd({ folder, args: ["verify", "--json"] });
    match(verified.stdout, /"compared":"ids"/);
  },
});

Deno.test({
  name:
    "an ingest pipeline that is deleted is waited for, and no document is refused for it",
  ignore: !RUNS_PIPELINES,
  fn: async () => {
    await using world = await openItems();
    const { pipeline } = world;
    await using _pipeline = await putPipeline(world, pipeline);
    await using agent = startAgent({ folder: world.folder });
    await agent.waitFor("pass finished");
    await world.search("DELETE", `/_ingest/pipeline/${pipeline}`);
    await world.sql(
      "update item set name = 'changed', updated_at = clock_timestamp() where id = 7",
    );
    await agent.waitFor("cannot go on, trying again");
    await using _again = await putPipeline(world, pipeline);
    await until(
      "the change is in the index",
      async () =>
        (await world.documents()).get("7")?.source.includes("changed") === true,
    );
    agent.kill("SIGTERM");
    const { code, log } = await agent.ended();
    equal(code, 0);
    deepEqual(log.filter(({ message }) => message === "document rejected"), []);
  },
});
