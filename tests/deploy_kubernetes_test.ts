import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import manifest from "../deno.json" with { type: "json" };
import { findProgram } from "../dev/command.ts";
import { findDeployTool } from "../dev/deploy_tools.ts";
import { loadConfig } from "../src/config.ts";
import { openTemporary } from "./integration/agent_process.ts";

const FOLDER = fileURLToPath(new URL("../deploy/kubernetes/", import.meta.url));

/** The oldest release of Kubernetes that the manifests are checked against, and the newest. */
const RELEASES = ["1.29", "1.37"];

const Labels = z.record(z.string(), z.string());

const Probe = z.object({
  httpGet: z.object({ path: z.string(), port: z.literal("http") }),
});

const Deployment = z.object({
  kind: z.literal("Deployment"),
  spec: z.object({
    replicas: z.int(),
    strategy: z.object({
      rollingUpdate: z.object({ maxUnavailable: z.int(), maxSurge: z.int() }),
    }),
    selector: z.object({ matchLabels: Labels }),
    template: z.object({
      metadata: z.object({ labels: Labels }),
      spec: z.object({
        automountServiceAccountToken: z.boolean(),
        securityContext: z.object({
          runAsNonRoot: z.boolean(),
          runAsUser: z.int(),
          runAsGroup: z.int(),
          seccompProfile: z.object({ type: z.string() }),
        }),
        containers: z.array(z.object({
          securityContext: z.unknown(),
          livenessProbe: Probe,
          readinessProbe: Probe,
          image: z.string(),
          args: z.array(z.string()),
          volumeMounts: z.array(z.object({
            name: z.string(),
            mountPath: z.string(),
          })),
        })).length(1),
        volumes: z.array(z.object({
          name: z.string(),
          configMap: z.object({ name: z.string() }).optional(),
          secret: z.object({ secretName: z.string() }).optional(),
        })),
      }),
    }),
  }),
});

const Secret = z.object({ stringData: Labels });

const Named = z.looseObject({
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
});

/** What `kustomize build` makes of a folder. */
async function build(
  folder: string,
): Promise<{ text: string; objects: z.infer<typeof Named>[] }> {
  const { success, stdout, stderr } = await new Deno.Command("kubectl", {
    args: ["kustomize", join(FOLDER, folder)],
  }).output();
  const decoder = new TextDecoder();
  equal(decoder.decode(stderr), ""); // warnings too
  ok(success);
  const text = decoder.decode(stdout);
  const objects = parseAllDocuments(text).map((document) =>
    Named.parse(document.toJS())
  );
  return { text, objects };
}

const hasKubectl = await findProgram("kubectl") !== undefined;
const validator = await findDeployTool("kubernetes-validate");

/** Holds objects to the schemas of a release; `told` is what is wrong. */
async function validate(
  text: string,
  release: string,
): Promise<{ success: boolean; told: string }> {
  await using temporary = await openTemporary();
  const file = join(temporary.folder, "objects.yaml");
  await Deno.writeTextFile(file, text);
  const [program = "", ...words] = validator ?? [];
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...words, "--strict", "-k", release, file],
  }).output();
  const decoder = new TextDecoder();
  return { success, told: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test({
  name: "the manifests are what Kubernetes' own schemas ask for",
  ignore: !hasKubectl || validator === undefined,
  async fn() {
    const { text } = await build("base");
    for (const release of RELEASES) {
      const { success, told } = await validate(text, release);
      ok(success, told);
    }
    const wrong = text.replace("readOnlyRootFilesystem", "readonlyRootFs");
    const { success, told } = await validate(wrong, "1.37");
    ok(!success && told.includes("readonlyRootFs"), told);
  },
});

Deno.test({
  name:
    "the Deployment mounts what there is, and its configuration is one that loadConfig() takes",
  ignore: !hasKubectl,
  async fn() {
    const { objects } = await build("base");
    const { spec } = Deployment.parse(
      objects.find(({ kind }) => kind === "Deployment"),
    );
    const { containers: [container], volumes } = spec.template.spec;
    ok(container);
    equal(container.image, `pg2es:${manifest.version}`);
    const names = (kind: string) =>
      objects.filter((object) => object.kind === kind)
        .map(({ metadata }) => metadata.name);
    const mounted = volumes.flatMap(({ configMap }) => configMap?.name ?? []);
    deepEqual(mounted, names("ConfigMap"));
    const secrets = volumes.flatMap(({ secret }) => secret?.secretName ?? []);
    deepEqual(secrets, names("Secret"));
    for (const [key, label] of Object.entries(spec.selector.matchLabels)) {
      equal(spec.template.metadata.labels[key], label);
    }
  },
});

Deno.test({
  name:
    "the Deployment takes everything away from its containers, and gives way to a rollout",
  ignore: !hasKubectl,
  async fn() {
    const { objects } = await build("base");
    const { spec } = Deployment.parse(
      objects.find(({ kind }) => kind === "Deployment"),
    );
    const { automountServiceAccountToken, securityContext, containers } =
      spec.template.spec;
    equal(automountServiceAccountToken, false);
    // the user of the image
    deepEqual(securityContext, {
      runAsNonRoot: true,
      runAsUser: 10001,
      runAsGroup: 10001,
      seccompProfile: { type: "RuntimeDefault" },
    });
    deepEqual(containers[0]?.securityContext, {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    });
    equal(containers[0].livenessProbe.httpGet.path, "/healthz");
    equal(containers[0].readinessProbe.httpGet.path, "/readyz");
    // a third agent would wait for the lock as well, and no second one is needed to go on
    equal(spec.replicas, 2);
    deepEqual(spec.strategy.rollingUpdate, { maxSurge: 0, maxUnavailable: 1 });
  },
});

Deno.test("the configuration of the Deployment is one that loadConfig() takes, and leaves it the time to stop", async () => {
  await using temporary = await openTemporary();
  const { folder } = temporary;
  const secret = parseAllDocuments(
    await Deno.readTextFile(join(FOLDER, "base/secret.yaml")),
  ).map((document) => Secret.parse(document.toJS()))[0];
  for (const [name, value] of Object.entries(secret?.stringData ?? {})) {
    await Deno.writeTextFile(join(folder, name), value);
  }
  const written = await Deno.readTextFile(join(FOLDER, "base/config.yaml"));
  await Deno.copyFile(
    join(FOLDER, "base/index_config.json"),
    join(folder, "index_config.json"),
  );
  const file = join(folder, "config.yaml");
  await Deno.writeTextFile(
    file,
    written.replaceAll(/\/(?:run\/secrets|var\/lib)\/pg2es\//g, `${folder}/`),
  );
  const { config } = await loadConfig(file, {});
  // the image may write there, and nowhere else
  match(written, /^state_file_name: \/var\/lib\/pg2es\/state.yaml$/m);
  match(written, /^ {2}file: \/var\/lib\/pg2es\/dead_letters.jsonl$/m);
  ok(config.elasticsearch.positionIndex);
  const deployment = await Deno.readTextFile(
    join(FOLDER, "base/deployment.yaml"),
  );
  const [, graceSeconds] = /^ +terminationGracePeriodSeconds: (\d+)$/m
    .exec(deployment) ?? [];
  ok(Number(graceSeconds) * 1000 > config.gracePeriodMs);
});
