import { deepEqual, equal, ok } from "node:assert/strict";
import { freePort } from "../../dev/port.ts";
import { startAgent } from "./agent_process.ts";
import { until } from "./moments.ts";
import { openWorld } from "./world.ts";

/** What has to come to a path, each somewhere in it. */
const EXPECTED = [
  { path: "/v1/traces", text: "pg2es.pass.kind" },
  { path: "/v1/traces", text: "postgresql statement" },
  { path: "/v1/metrics", text: "pg2es_pass_duration_seconds" },
  { path: "/v1/metrics", text: "pg2es_documents_total" },
  { path: "/v1/logs", text: "pass finished" },
];

/** A listener that takes what a collector takes, as OTLP in JSON over HTTP. */
function startCollector() {
  const received = new Map<string, string>();
  const missing = new Set(EXPECTED);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: freePort(), onListen() {} },
    async (request) => {
      const { pathname } = new URL(request.url);
      const text = await request.text();
      for (const expected of missing) {
        const { path, text: wanted } = expected;
        if (path === pathname && text.includes(wanted)) {
          missing.delete(expected);
        }
      }
      received.set(pathname, `${received.get(pathname) ?? ""}\n${text}`);
      return Response.json({});
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    /** What is expected and has not come yet; each request is looked through once. */
    missing,
    /** Everything that came to this path. */
    at: (path: string) => received.get(path) ?? "",
    paths: () => [...received.keys()].toSorted(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test({
  name: "OpenTelemetry gets spans, metrics and the log, and no value of a row",
  // the executable may be made with a Deno that knows nothing of it
  ignore: Deno.env.get("PG2ES_BINARY") !== undefined,
  async fn() {
    await using collector = startCollector();
    await using world = await openWorld({
      settings: { "logging.format": "json" },
    });
    await using agent = startAgent({
      folder: world.folder,
      env: {
        "OTEL_DENO": "true",
        "OTEL_DENO_CONSOLE": "replace",
        "OTEL_SERVICE_NAME": "pg2es",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_METRIC_EXPORT_INTERVAL": "100",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_BLRP_SCHEDULE_DELAY": "100",
      },
    });
    await agent.waitFor("pass finished");
    await until(
      "all has come",
      () => Promise.resolve(collector.missing.size === 0),
    );
    deepEqual(collector.paths(), ["/v1/logs", "/v1/metrics", "/v1/traces"]);
    agent.kill("SIGTERM");
    equal((await agent.ended()).code, 0);
    const rows = await world.sql("select title from content.film_work");
    const all = collector.paths().map(collector.at).join("\n");
    for (const { title } of rows) {
      ok(!all.includes(String(title)), String(title));
    }
    ok(!all.includes("tester100"));
  },
});

Deno.test("without OTEL_DENO nothing is sent anywhere", async () => {
  await using collector = startCollector();
  await using world = await openWorld({
    settings: { "logging.format": "json" },
  });
  await using agent = startAgent({
    folder: world.folder,
    args: ["run", "--once"],
    env: { "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url },
  });
  equal((await agent.ended()).code, 0);
  deepEqual(collector.paths(), []);
});
