import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { findDeployTool } from "../dev/deploy_tools.ts";
import { openTemporary } from "./integration/agent_process.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const RULES = join(ROOT, "deploy/prometheus/pg2es.rules.yaml");
const RULE_TESTS = join(ROOT, "deploy/prometheus/pg2es.rules.test.yaml");
const DASHBOARD = join(ROOT, "deploy/grafana/pg2es.json");

const Groups = z.array(z.object({
  name: z.string(),
  rules: z.array(z.looseObject({
    alert: z.string(),
    expr: z.string(),
    labels: z.object({ severity: z.enum(["critical", "warning", "info"]) }),
    annotations: z.object({ summary: z.string(), description: z.string() }),
  })),
}));

const Dashboard = z.object({
  panels: z.array(z.object({
    id: z.int(),
    type: z.string(),
    title: z.string(),
    gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
    targets: z.array(z.object({ expr: z.string() })).default([]),
  })),
});

const promtool = await findDeployTool("promtool");
const ignore = promtool === undefined;

async function runPromtool(
  ...args: readonly string[]
): Promise<{ success: boolean; told: string }> {
  const [program = "", ...words] = promtool ?? [];
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...words, ...args],
  }).output();
  const decoder = new TextDecoder();
  return { success, told: decoder.decode(stdout) + decoder.decode(stderr) };
}

async function readGroups(): Promise<z.infer<typeof Groups>> {
  const { groups } = z.object({ groups: Groups })
    .parse(parse(await Deno.readTextFile(RULES)));
  return groups;
}

async function readDashboard(): Promise<z.infer<typeof Dashboard>> {
  return Dashboard.parse(JSON.parse(await Deno.readTextFile(DASHBOARD)));
}

/** All that the dashboard asks, as Prometheus gets it from Grafana. */
async function listQueries(): Promise<string[]> {
  const { panels } = await readDashboard();
  return panels.flatMap(({ targets }) => targets).map(({ expr }) =>
    expr.replaceAll("$__rate_interval", "5m")
      .replaceAll("$job", "pg2es").replaceAll("$index", ".*")
  );
}

Deno.test({
  name: "promtool takes the alert rules, and each comes where it should",
  ignore,
  async fn() {
    const check = await runPromtool("check", "rules", RULES);
    ok(check.success, check.told);
    const { success, told } = await runPromtool("test", "rules", RULE_TESTS);
    ok(success, told);
    // a test that takes whatever the rules are would be none
    await using temporary = await openTemporary();
    const rules = await Deno.readTextFile(RULES);
    const { folder } = temporary;
    await Deno.writeTextFile(
      join(folder, "pg2es.rules.yaml"),
      rules.replace("pg2es_dead_letters) > 0", "pg2es_dead_letters) > 7"),
    );
    const copy = join(folder, "pg2es.rules.test.yaml");
    await Deno.copyFile(RULE_TESTS, copy);
    const wrong = await runPromtool("test", "rules", copy);
    ok(!wrong.success && wrong.told.includes("Pg2esDeadLetters"), wrong.told);
  },
});

Deno.test("every alert has a test in which it comes", async () => {
  const tests = await Deno.readTextFile(RULE_TESTS);
  const rules = (await readGroups()).flatMap(({ rules }) => rules);
  ok(rules.length > 0);
  const untested = rules.map(({ alert }) => alert)
    .filter((alert) => !tests.includes(`alertname="${alert}"`));
  deepEqual(untested, []);
});

Deno.test("the rules for the Prometheus Operator are those for Prometheus", async () => {
  const file = join(ROOT, "deploy/kubernetes/monitoring/prometheusrule.yaml");
  const { spec } = z.object({ spec: z.object({ groups: Groups }) })
    .parse(parse(await Deno.readTextFile(file)));
  deepEqual(spec.groups, await readGroups());
});

Deno.test({
  name: "promtool takes every query of the dashboard",
  ignore,
  async fn() {
    const queries = await listQueries();
    ok(queries.length > 20);
    await using temporary = await openTemporary();
    const file = join(temporary.folder, "rules.yaml");
    const rules = queries.map((expr, index) => ({ record: `q${index}`, expr }));
    const groups = [{ name: "queries", rules }];
    await Deno.writeTextFile(file, JSON.stringify({ groups }));
    const { success, told } = await runPromtool("check", "rules", file);
    ok(success, told);
    match(told, new RegExp(`${queries.length} rules found`));
  },
});

Deno.test("the dashboard is one of Grafana's own type", async () => {
  const json = await Deno.readTextFile(DASHBOARD);
  deepEqual(await checkType(json), { success: true, told: "" });
  const wrong = json.replace('"absolute"', '"absolut"');
  const { success, told } = await checkType(wrong);
  ok(!success && told.includes("absolut"), told);
});

/** Has the compiler hold a dashboard, as it is written, to the type; a value of an enumeration is written as its text. */
async function checkType(
  json: string,
): Promise<{ success: boolean; told: string }> {
  await using temporary = await openTemporary();
  const file = join(temporary.folder, "dashboard.ts");
  await Deno.writeTextFile(
    file,
    `import type { Dashboard } from "@grafana/schema";
     type Plain<T> = T extends string ? \`\${T}\`
       : T extends readonly (infer E)[] ? Plain<E>[]
       : T extends object ? { [K in keyof T]: Plain<T[K]> }
       : T;
     export const dashboard: Plain<Dashboard> = ${json};`,
  );
  const config = ["--config", join(ROOT, "deno.json"), "--no-lock"];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", ...config, file],
    env: { NO_COLOR: "1" },
  }).output();
  return { success, told: new TextDecoder().decode(stderr) };
}

Deno.test("the panels of the dashboard have each a place and a number of their own", async () => {
  const { panels } = await readDashboard();
  const ids = new Set(panels.map(({ id }) => id));
  equal(ids.size, panels.length);
  const taken = new Set<string>();
  for (const { title, gridPos: { x, y, w, h } } of panels) {
    ok(x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        const cell = `${column} ${line}`;
        ok(!taken.has(cell), title);
        taken.add(cell);
      }
    }
  }
});

Deno.test("the alert rules and the dashboard ask for metrics that docs/metrics.md has", async () => {
  const document = await Deno.readTextFile(join(ROOT, "docs/metrics.md"));
  const documented = new Set(
    document.matchAll(/^\| `([a-z0-9_]+)`/gm).map(([, name]) => name),
  );
  const rules = (await readGroups()).flatMap(({ rules }) => rules);
  const queries = [...rules.map(({ expr }) => expr), ...await listQueries()];
  const asked = queries.flatMap((expr) =>
    expr.match(/\b(?:pg2es|process)_[a-z_]+/g) ?? []
  ).map((name) => name.replace(/_(?:bucket|sum|count)$/, ""));
  ok(asked.length > 20);
  const unknown = asked.filter((name) => !documented.has(name));
  deepEqual([...new Set(unknown)], []);
});
