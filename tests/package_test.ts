import { deepEqual, equal, match, ok } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import manifest from "../deno.json" with { type: "json" };
import { agentFlags } from "../dev/agent_flags.ts";
import { findProgram } from "../dev/command.ts";
import { compileArguments } from "../dev/package.ts";
import { writeSbom } from "../dev/sbom.ts";
import { openTemporary } from "./integration/agent_process.ts";

const Bom = z.object({
  components: z.array(z.object({ "bom-ref": z.string() })),
});

const Settings = z.object({
  permissions: z.record(
    z.string(),
    z.union([z.array(z.string()), z.boolean(), z.null()]),
  ),
  "v8_flags": z.array(z.string()),
  "code_cache_key": z.unknown(),
});

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** Runs `deno task package` with an output folder of the test's own. */
async function runPackage(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; told: string }> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "package", ...args],
    cwd: ROOT,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, told: new TextDecoder().decode(stderr) };
}

/** The names in a folder, in their order. */
async function listNames(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  return entries.map(({ name }) => name).toSorted();
}

// the base executable is a program of the system: what is made is whole, but does not run
Deno.test({
  name:
    "deno task package makes executables, a bill of materials and checksums that sha256sum takes",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using temporary = await openTemporary();
    const { folder } = temporary;
    const base = await findProgram("true") ?? "";
    const targets = ["--target", "linux-x64", "linux-arm64"];
    const output = ["--output", folder];
    const { code, told } = await runPackage([...targets, ...output], {
      DENORT_BIN: base,
    });
    equal(code, 0, told);
    const { version } = manifest;
    const names = [
      `pg2es-${version}-linux-arm64`,
      `pg2es-${version}-linux-x64`,
      `pg2es-${version}.cdx.json`,
    ];
    deepEqual(await listNames(folder), ["SHA256SUMS", ...names]);
    const { success, stdout } = await new Deno.Command("sha256sum", {
      args: ["--check", "--strict", "SHA256SUMS"],
      cwd: folder,
    }).output();
    ok(success);
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    deepEqual(lines, names.map((name) => `${name}: OK`));
    for (const name of names.slice(0, 2)) {
      const { mode } = await Deno.stat(join(folder, name));
      equal((mode ?? 0) & 0o111, 0o111, name);
    }
  },
});

Deno.test({
  name:
    "deno task package tells what to do where Deno's base executable cannot be had, and leaves no checksums",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using temporary = await openTemporary();
    const folder = join(temporary.folder, "out");
    const options = ["--target", "linux-arm64", "--output", folder];
    // also has Deno fetch what it bundles with
    const base = await findProgram("true") ?? "";
    equal((await runPackage(options, { DENORT_BIN: base })).code, 0);
    const { code, told } = await runPackage(
      options,
      {
        DENO_DIR: await linkCache(join(temporary.folder, "cache")),
        HTTPS_PROXY: "http://127.0.0.1:1", // nobody listens
      },
    );
    equal(code, 1, told);
    match(told, /^Cannot make pg2es-\S+-linux-arm64: /m);
    const place = `dl/release/v${Deno.version.deno}/` +
      "denort-aarch64-unknown-linux-gnu.zip";
    ok(told.includes(place), told);
    deepEqual(await listNames(folder), [`pg2es-${manifest.version}.cdx.json`]);
  },
});

Deno.test({
  name:
    "the executable has no package that the bill of materials does not name, and the permissions of the program alone",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using temporary = await openTemporary();
    const { folder } = temporary;
    const bom = join(folder, await writeSbom(folder));
    const { components } = Bom.parse(JSON.parse(await Deno.readTextFile(bom)));
    const named = components.map((component) => component["bom-ref"]);
    const output = join(folder, "pg2es");
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: compileArguments("linux-x64", output),
      cwd: ROOT,
      env: { DENORT_BIN: await findProgram("true") ?? "", NO_COLOR: "1" },
    }).output();
    ok(success, new TextDecoder().decode(stderr));
    const executable = Buffer.from(await Deno.readFile(output));
    // before each file of a package the bundle says where it was, in the folder of a registry
    const embedded = new Set(
      executable.toString("latin1")
        .matchAll(
          /^ *\/\/ \S*\/npm\/[^/]+\/((?:@[^/]+\/)?[^/@]+)\/(\d[^/]*)\//gm,
        )
        .map(([, name, version]) => `${name}@${version}`),
    );
    for (const name of ["pg", "zod", "@elastic/transport", "undici"]) {
      ok([...embedded].some((id) => id.startsWith(`${name}@`)), name);
    }
    const unnamed = [...embedded].filter((id) => !named.includes(id));
    deepEqual(unnamed, []);

    const settings = readSettings(executable);
    const { allow_import: _, prompt, ...others } = settings.permissions;
    equal(prompt, false);
    const granted = Object.entries(others).filter(([_, value]) => value);
    deepEqual(Object.fromEntries(granted), {
      "allow_env": [],
      "allow_net": [],
      "allow_read": [],
      "allow_sys": ["osRelease"],
      "allow_write": ["."],
    });
    const prefix = "--v8-flags=";
    const [v8Flags = ""] = agentFlags()
      .filter((flag) => flag.startsWith(prefix));
    const expected = v8Flags.slice(prefix.length).split(",");
    deepEqual(settings["v8_flags"].slice(-expected.length), expected);
    equal(settings["code_cache_key"], null);
  },
});

/** What `deno compile` writes before the program: JSON, with its length as eight bytes in front. */
function readSettings(executable: Buffer): z.infer<typeof Settings> {
  const start = executable.indexOf('{"argv":[');
  const length = Number(executable.readBigUInt64LE(start - 8));
  const json = executable.subarray(start, start + length).toString();
  return Settings.parse(JSON.parse(json));
}

Deno.test("deno task package names the machines that it knows", async () => {
  const { code, told } = await runPackage(["--target", "solaris"]);
  equal(code, 2, told);
  match(told, /linux-x64, linux-arm64, macos-arm64, windows-x64/);
});

/** A cache with everything that Deno has on this machine, except base executables. */
async function linkCache(folder: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json"],
  }).output();
  const { denoDir } = JSON.parse(new TextDecoder().decode(stdout));
  await Deno.mkdir(join(folder, "dl"), { recursive: true });
  for (const place of ["", "dl"]) {
    for await (const { name } of Deno.readDir(join(denoDir, place))) {
      if (["dl", "release"].includes(name)) continue;
      const link = join(folder, place, name);
      await Deno.symlink(join(denoDir, place, name), link);
    }
  }
  return folder;
}
