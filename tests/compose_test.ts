import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { loadConfig } from "../src/config.ts";

const ROOT = new URL("../", import.meta.url);

const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      build: z.string().optional(),
      environment: z.record(z.string(), z.string()),
      volumes: z.array(z.string()).default([]),
      depends_on: z.record(z.string(), z.object({ condition: z.string() }))
        .default({}),
      healthcheck: z.object({ test: z.array(z.string()).min(2) }),
      read_only: z.boolean().default(false),
      restart: z.literal("unless-stopped"),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
});

function readText(path: string): Promise<string> {
  return Deno.readTextFile(new URL(path, ROOT));
}

async function readCompose(): Promise<z.infer<typeof Compose>> {
  return Compose.parse(parse(await readText("docker-compose.yaml")));
}

/** Runs `docker compose` in the project; nothing where it is not installed. */
async function runCompose(
  args: readonly string[],
): Promise<{ success: boolean; stderr: string } | undefined> {
  try {
    const { success, stderr } = await new Deno.Command("docker", {
      args: ["compose", ...args],
      cwd: ROOT,
    }).output();
    return { success, stderr: new TextDecoder().decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

Deno.test({
  name: "docker compose config accepts docker-compose.yaml without a word",
  ignore: (await runCompose(["version"]))?.success !== true,
  async fn() {
    const result = await runCompose(["config", "--quiet"]);
    deepEqual(result, { success: true, stderr: "" });
  },
});

Deno.test("docker-compose.yaml, read as YAML, has four services with pins and health checks", async () => {
  const { services } = await readCompose();
  const names = ["postgres", "elasticsearch", "agent", "kibana"];
  deepEqual(Object.keys(services).toSorted(), names.toSorted());
  for (const [name, { image }] of Object.entries(services)) {
    match(image, /:\d+\.\d+(?:\.\d+)?(?:-[a-z]+)?$/, name);
  }
  equal(services["agent"]?.build, ".");
  equal(services["agent"].read_only, true);
});

Deno.test("docker-compose.yaml, read as YAML, starts the agent after both healthy servers", async () => {
  const { services } = await readCompose();
  const condition = "service_healthy";
  deepEqual(services["agent"]?.depends_on, {
    postgres: { condition },
    elasticsearch: { condition },
  });
});

Deno.test("docker-compose.yaml, read as YAML, keeps what must last in volumes", async () => {
  const { services, volumes } = await readCompose();
  const mounted = Object.values(services).flatMap((service) => service.volumes)
    .filter((volume) => !volume.startsWith("./"))
    .map((volume) => volume.split(":")[0]);
  deepEqual(mounted.toSorted(), Object.keys(volumes).toSorted());
  for (const name of ["postgres", "elasticsearch", "agent"]) {
    const kept = services[name]?.volumes ?? [];
    ok(kept.some((volume) => /^[a-z]+-(?:data|state):\//.test(volume)), name);
  }
});

Deno.test("docker-compose.yaml asks the agent for its health, where config.yaml has it listen", async () => {
  const { services } = await readCompose();
  deepEqual(services["agent"]?.healthcheck.test.slice(-1), ["health"]);
  const { HTTP_HOST = "", HTTP_PORT = "" } = services["agent"].environment;
  const config = fileURLToPath(new URL("config.yaml", ROOT));
  const { http } = (await loadConfig(config, { HTTP_HOST, HTTP_PORT })).config;
  deepEqual([http?.host, http?.port], ["0.0.0.0", 8080]);
  equal((await loadConfig(config, {})).config.http, undefined);
});

Deno.test(".env.example has each variable of docker-compose.yaml with its default", async () => {
  const compose = await readText("docker-compose.yaml");
  const example = new Map(
    (await readText(".env.example")).matchAll(/^([A-Z_]+)=(.*)$/gm)
      .map(([, name, value]) => [name, value]),
  );
  const used = [...compose.matchAll(/\$\{([A-Z_]+):-([^}]*)\}/g)]
    .map(([, name, value]) => [name, value]);
  ok(used.length > 0);
  deepEqual(used.map(([name]) => [name, example.get(name)]), used);
});

Deno.test("Dockerfile compiles with the Deno of the checks", async () => {
  const version = /^ARG DENO_VERSION=(\S+)$/m.exec(
    await readText("Dockerfile"),
  );
  match(await readText(".ci/run"), new RegExp(`npx -y deno@${version?.[1]} `));
});
