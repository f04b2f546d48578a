import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { findDeployTool } from "../../dev/deploy_tools.ts";
import { freePort } from "../../dev/port.ts";
import { startProcess } from "../../dev/server_process.ts";
import { openTemporary, startAgent } from "./agent_process.ts";
import { until, untilFollowing } from "./moments.ts";
import { ITEMS, openMachine, startWriter } from "./standby_fixture.ts";
import { openWorld } from "./world.ts";

const DEPLOY = fileURLToPath(new URL("../../deploy/", import.meta.url));

/** What is only there while something goes on that does not here: a load, and tries that fail. */
const ABSENT = ["How far it is", "Documents of it", "Tries that failed"];

const Dashboard = z.object({
  panels: z.array(z.object({
    title: z.string(),
    targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() }))
      .default([]),
  })),
});

const Answer = z.object({
  data: z.object({
    result: z.array(z.object({
      metric: z.record(z.string(), z.string()),
      value: z.tuple([z.number(), z.string()]),
    })),
  }),
});

const Rules = z.object({
  data: z.object({
    groups: z.array(z.object({
      rules: z.array(z.object({
        name: z.string(),
        state: z.enum(["inactive", "pending", "firing"]),
        health: z.string(),
        lastError: z.string().optional(),
      })),
    })),
  }),
});

/** A Prometheus that asks agents at these ports, four times a second, and knows the alert rules. */
interface Prometheus extends AsyncDisposable {
  query(expr: string): Promise<z.infer<typeof Answer>["data"]["result"]>;
  /** The state of each alert rule by its name; fails where one cannot be evaluated. */
  alerts(): Promise<Map<string, string>>;
}

const words = await findDeployTool("prometheus");

async function startPrometheus(
  ports: readonly number[],
): Promise<Prometheus> {
  const temporary = await openTemporary();
  const { folder } = temporary;
  const config = join(folder, "prometheus.yaml");
  const targets = ports.map((port) => `127.0.0.1:${port}`);
  await Deno.writeTextFile(
    config,
    JSON.stringify({
      global: { scrape_interval: "250ms", evaluation_interval: "250ms" },
      rule_files: [join(DEPLOY, "prometheus/pg2es.rules.yaml")],
      scrape_configs: [{
        job_name: "pg2es",
        scrape_timeout: "250ms",
        static_configs: [{ targets }],
      }],
    }),
  );
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startProcess({
    name: "Prometheus",
    folder,
    words: [
      ...words ?? [],
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    endSignal: "SIGTERM",
    isReady: async () => {
      const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.ok === true;
    },
  });
  return {
    async query(expr) {
      const query = new URLSearchParams({ query: expr });
      const answer = await fetch(`${url}/api/v1/query?${query}`);
      return Answer.parse(await answer.json()).data.result;
    },
    async alerts() {
      const answer = await fetch(`${url}/api/v1/rules`);
      const { groups } = Rules.parse(await answer.json()).data;
      const rules = groups.flatMap(({ rules }) => rules);
      const failed = rules.filter(({ health }) => health === "err");
      deepEqual(failed, []);
      return new Map(rules.map(({ name, state }) => [name, state]));
    },
    async [Symbol.asyncDispose]() {
      await server.end("SIGTERM");
      await temporary[Symbol.asyncDispose]();
    },
  };
}

/** Every query of the dashboard, with the labels that its legend shows. */
async function listPanels(): Promise<
  { title: string; expr: string; labels: string[] }[]
> {
  const text = await Deno.readTextFile(join(DEPLOY, "grafana/pg2es.json"));
  return Dashboard.parse(JSON.parse(text)).panels.flatMap((
    { title, targets },
  ) =>
    targets.map(({ expr, legendFormat }) => ({
      title,
      expr: expr.replaceAll("$__rate_interval", "10s")
        .replaceAll("$job", "pg2es").replaceAll("$index", ".*"),
      labels: Array.from(
        legendFormat.matchAll(/\{\{(\w+)\}\}/g),
        ([, label = ""]) => label,
      ),
    }))
  );
}

Deno.test({
  name:
    "Prometheus finds what the dashboard and the alerts ask for, at a writer and its standby",
  ignore: words === undefined,
  async fn() {
    const [first, second] = [freePort(), freePort()];
    await using world = await openWorld({
      ...ITEMS,
      settings: { ...ITEMS.settings, http: { port: first } },
    });
    const other = await openMachine(world, { "http.port": second });
    await using prometheus = await startPrometheus([first, second]);
    await using open = await world.connect();
    await open.sql("begin");
    await using writer = startAgent(world);
    await untilFollowing(writer);
    await using standby = startAgent({ folder: other });
    await standby.waitFor("waiting as a standby: another agent writes");
    await using _changes = startWriter(world);

    for (const { title, expr, labels } of await listPanels()) {
      if (ABSENT.includes(title)) {
        deepEqual(await prometheus.query(expr), [], title);
        continue;
      }
      await until(`${title} has a value: ${expr}`, async () => {
        const result = await prometheus.query(expr);
        // a quantile of what did not happen meanwhile is no number
        return result.some(({ value: [_, text] }) => text !== "NaN") &&
          result.every(({ metric }) => labels.every((label) => metric[label]));
      });
    }
    // from the start on, or once both were asked
    await until("both agents are seen to be well", async () => {
      const states = [...(await prometheus.alerts()).values()];
      return states.length > 0 && states.every((state) => state === "inactive");
    });
    standby.kill("SIGTERM");
    equal((await standby.ended()).code, 0);
    await until("the standby is missed", async () => {
      const alerts = await prometheus.alerts();
      return alerts.get("Pg2esStandbyMissing") === "pending";
    });
    ok((await prometheus.query("pg2es_writer == 1")).length === 1);
  },
});
