import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startElasticsearch } from "../../dev/elasticsearch.ts";
import { openFolder } from "../../dev/folder.ts";
import { startAgent } from "./agent_run.ts";
import { startFaultProxy } from "./fault_proxy.ts";
import { until } from "./moments.ts";
import { openWorld } from "./world.ts";

/** Documents of 20 KB, more than a request may hold, and one that is too large alone. */
const LARGE = {
  sql: `
    create table book (id int primary key, content text, updated_at timestamptz default now());
    insert into book select n, repeat(n::text || ' ', 6000) from generate_series(1, 150) n;
    insert into book values (1000, repeat('secret ', 200000));`,
  indexes: `
    - name: books
      index_config: index.json
      document: select id, content from book
      watch: [{table: book}]`,
  files: {
    "index.json":
      '{"mappings": {"properties": {"content": {"type": "text", "index": false}}}}',
  },
  settings: {
    "elasticsearch.max_bytes": "4MB",
    "elasticsearch.request_timeout": "2s",
  },
};

Deno.test("an agent keeps to the limits of its own Elasticsearch", async (t) => {
  const all = fileURLToPath(new URL("../../.servers/", import.meta.url));
  const folder = await openFolder(join(all, `limits-${crypto.randomUUID()}`));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const elasticsearch = stack.use(
    await startElasticsearch({
      folder,
      settings: { "http.max_content_length": "1mb" },
    }),
  );
  const world = stack.use(
    await openWorld({ ...LARGE, elasticsearch: elasticsearch.url }),
  );
  const proxy = stack.use(
    startFaultProxy({ hostname: "127.0.0.1", port: elasticsearch.port }),
  );
  await world.configure({
    "elasticsearch.node": `http://127.0.0.1:${proxy.port}`,
  });
  await t.step(
    "splits what is too large, and rejects one document that is too large alone",
    async () => {
      using _slow = proxy.throttle(20_000_000);
      await using agent = startAgent(world);
      const { fields } = await agent.untilLogged("document rejected");
      deepEqual([fields["id"], fields["type"]], ["1000", "content_too_large"]);
      await agent.untilLogged("pass finished", {
        kind: "load",
        written: 150,
        rejected: 1,
      });
      equal((await world.documents()).size, 150);
      const upBytes = proxy.passed.up;
      await world.sql(
        "update book set content = content || '!', updated_at = now() where id < 1000",
      );
      await agent.untilLogged("pass finished", {
        kind: "follow",
        written: 150,
      });
      // what was refused once is not sent again at that size
      ok(proxy.passed.up - upBytes < 2 * 150 * 30_000);
    },
  );
  await t.step(
    "waits for a server that is stopped, with its connections open",
    async () => {
      await using agent = startAgent(world);
      await agent.untilLogged("pass finished", { kind: "follow" });
      // the leader of the group is only its launcher
      Deno.kill(-elasticsearch.pid, "SIGSTOP");
      try {
        await world.sql(
          "update book set content = 'after', updated_at = now() where id = 1",
        );
        const { fields } = await agent.untilLogged(
          "connection lost, trying again",
        );
        ok(String(fields["error"]).includes("code is timeout"));
      } finally {
        Deno.kill(-elasticsearch.pid, "SIGCONT");
      }
      await agent.untilLogged("connection is back");
      await until(
        "the book is followed",
        async () =>
          (await world.documents()).get("1")?.source.includes("after") ?? false,
      );
    },
  );
});
