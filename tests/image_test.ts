import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import manifest from "../deno.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const IMAGE = `pg2es:${manifest.version}`;

const Image = z.object({
  Config: z.object({
    User: z.string(),
    Entrypoint: z.array(z.string()),
    Labels: z.record(z.string(), z.string()),
  }),
});

const Container = z.object({
  State: z.object({ Running: z.boolean(), Pid: z.int() }),
  HostConfig: z.object({
    ReadonlyRootfs: z.boolean(),
    CapDrop: z.array(z.string()),
    CapAdd: z.array(z.string()).nullable(),
    SecurityOpt: z.array(z.string()),
    Privileged: z.boolean(),
  }),
  Mounts: z.array(z.object({ Destination: z.string(), RW: z.boolean() })),
});

/** Runs Docker's client; nothing where there is none. */
async function runDocker(
  ...args: readonly string[]
): Promise<{ success: boolean; stdout: string; stderr: string } | undefined> {
  try {
    const { success, stdout, stderr } = await new Deno.Command("docker", {
      args: [...args],
      cwd: ROOT,
    }).output();
    const decoder = new TextDecoder();
    return {
      success,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What Docker's client writes; throws what it says where it fails. */
async function askDocker(...args: readonly string[]): Promise<string> {
  const result = await runDocker(...args);
  ok(result?.success, `docker ${args.join(" ")}: ${result?.stderr}`);
  return result.stdout;
}

// needs an engine, and the image that `docker compose build` makes
const hasImage = (await runDocker("image", "inspect", IMAGE))?.success === true;
const agent = hasImage
  ? (await runDocker("compose", "ps", "--quiet", "agent"))?.stdout.trim() ?? ""
  : "";

/** A container that is made and never started, as its files and folders are: `drwxr-xr-x 0/0 0 DATE TIME PATH`. */
async function listFiles(): Promise<string[]> {
  const id = (await askDocker("create", IMAGE)).trim();
  try {
    const tar = new Deno.Command("sh", {
      args: ["-c", 'docker export "$1" | tar -tv --numeric-owner', "sh", id],
    });
    const { success, stdout, stderr } = await tar.output();
    ok(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim().split("\n");
  } finally {
    await askDocker("rm", id);
  }
}

Deno.test({
  name:
    "the image runs as a numeric user that is not root, and says what it is",
  ignore: !hasImage,
  async fn() {
    const json = await askDocker("image", "inspect", IMAGE);
    const [image] = z.array(Image).parse(JSON.parse(json));
    equal(image?.Config.User, "10001:10001");
    deepEqual(image.Config.Entrypoint, ["/usr/local/bin/pg2es"]);
    const { Labels: labels } = image.Config;
    const name = (key: string) => labels[`org.opencontainers.image.${key}`];
    equal(name("title"), "pg2es");
    equal(name("version"), manifest.version);
    equal(name("licenses"), manifest.license);
    ok(name("description"));
  },
});

Deno.test({
  name:
    "the image has the agent and what it needs, and no shell or other program",
  ignore: !hasImage,
  async fn() {
    const lines = await listFiles();
    const entries = lines.map((line) => {
      const [mode = "", owner = "", size] = line.split(/\s+/);
      const [, path = ""] = /\d\d:\d\d (\S+)/.exec(line) ?? [];
      return { mode, owner, size, path };
    });
    // what is empty was made by Docker, for each container
    const programs = entries
      .filter(({ mode, size }) => /^-.*x/.test(mode) && size !== "0")
      .map(({ path }) => path).filter((path) => !/\.so[.\d]*$/.test(path));
    deepEqual(programs, ["usr/local/bin/pg2es"]);
    // setuid, setgid, or for everybody to write
    const special = entries.filter(({ mode }) =>
      /^[-d](?:.*s|.{7}w)/.test(mode)
    );
    deepEqual(special, []);
    const own = entries.filter(({ owner }) => owner !== "0/0")
      .map(({ owner, path }) => `${owner} ${path}`);
    deepEqual(own, ["10001/10001 var/lib/pg2es/"]);
    const paths = entries.map(({ path }) => path);
    ok(paths.includes("etc/ssl/certs/ca-certificates.crt"));
    ok(
      paths.includes(`usr/share/doc/pg2es/pg2es-${manifest.version}.cdx.json`),
    );
    for (const shell of ["/bin/sh", "/bin/bash", "/busybox/sh"]) {
      const result = await runDocker(
        ...["run", "--rm", "--entrypoint", shell],
        ...[IMAGE, "-c", "true"],
      );
      equal(result?.success, false);
      match(result.stderr, /no such file or directory/);
    }
  },
});

Deno.test({
  name: "the image starts with everything taken away",
  ignore: !hasImage,
  async fn() {
    const version = await askDocker(
      ...["run", "--rm", "--read-only", "--network=none", "--cap-drop=ALL"],
      ...["--security-opt=no-new-privileges", IMAGE, "--version"],
    );
    equal(version.trim(), manifest.version);
  },
});

Deno.test({
  name:
    "the agent of the compose stack runs with nothing to write but its state, and without any capability",
  ignore: agent === "",
  async fn() {
    const json = await askDocker("inspect", agent);
    const [container] = z.array(Container).parse(JSON.parse(json));
    ok(container?.State.Running);
    const { HostConfig: host, Mounts: mounts, State: state } = container;
    equal(host.ReadonlyRootfs, true);
    equal(host.Privileged, false);
    deepEqual(host.CapDrop, ["ALL"]);
    deepEqual(host.CapAdd ?? [], []);
    deepEqual(host.SecurityOpt, ["no-new-privileges:true"]);
    const writable = mounts.filter(({ RW }) => RW)
      .map(({ Destination }) => Destination);
    deepEqual(writable.toSorted(), ["/var/lib/pg2es"]);
    // what the kernel says of the process itself
    const status = await Deno.readTextFile(`/proc/${state.Pid}/status`);
    const read = (key: string) =>
      new RegExp(`^${key}:\\s+(.*)$`, "m").exec(status)?.[1];
    equal(read("Uid"), "10001\t10001\t10001\t10001");
    equal(read("Gid"), "10001\t10001\t10001\t10001");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      equal(read(set), "0000000000000000", set);
    }
    equal(read("NoNewPrivs"), "1");
    equal(read("Seccomp"), "2"); // a filter
  },
});
