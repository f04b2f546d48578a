import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "../dev/command.ts";
import { openTemporary } from "./integration/agent_process.ts";

const FOLDER = fileURLToPath(new URL("../deploy/systemd/", import.meta.url));
const UNIT = join(FOLDER, "pg2es.service");
const CONFIG = new URL("../config.yaml", import.meta.url);

/** What `systemd-analyze security` says of the unit at most, from 0 for nothing that it could reach to 10. */
const MAX_EXPOSURE = 1.4;

async function run(
  ...[program = "", ...args]: readonly string[]
): Promise<{ success: boolean; text: string }> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env: { LC_ALL: "C", SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "" },
  }).output();
  const decoder = new TextDecoder();
  return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Whether none of these programs is missing on this machine. */
async function hasPrograms(...names: readonly string[]): Promise<boolean> {
  const found = await Promise.all(names.map(findProgram));
  return !found.includes(undefined);
}

/** The values of a key, in their order. */
function readValues(unit: string, key: string): string[] {
  return Array.from(
    unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm")),
    ([, value = ""]) => value,
  );
}

Deno.test({
  name: "systemd-analyze verify has nothing to say of pg2es.service",
  ignore: !await hasPrograms("systemd-analyze"),
  async fn() {
    await using temporary = await openTemporary();
    const copy = join(temporary.folder, "pg2es.service");
    const unit = await Deno.readTextFile(UNIT);
    // what it starts has to be there
    const installed = unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true");
    await Deno.writeTextFile(copy, installed);
    deepEqual(await run("systemd-analyze", "verify", "--man=no", copy), {
      success: true,
      text: "",
    });
    const wrong = installed.replace("ProtectHome=yes", "ProtectHomes=yes");
    await Deno.writeTextFile(copy, wrong);
    const { text } = await run("systemd-analyze", "verify", "--man=no", copy);
    match(text, /Unknown key.* 'ProtectHomes'/);
  },
});

Deno.test({
  name: "systemd-analyze security finds little that pg2es.service could reach",
  ignore: !await hasPrograms("systemd-analyze"),
  async fn() {
    const threshold = `--threshold=${MAX_EXPOSURE * 10}`;
    const { success, text } = await run(
      ...["systemd-analyze", "security", "--offline=yes", "--no-pager"],
      threshold,
      UNIT,
    );
    ok(success, text);
  },
});

Deno.test({
  name:
    "pg2es.sysusers.conf and pg2es.tmpfiles.conf make the account, and a folder that only it reads",
  ignore: Deno.build.os !== "linux" || Deno.uid() !== 0 ||
    !await hasPrograms("systemd-sysusers", "systemd-tmpfiles"),
  async fn() {
    await using temporary = await openTemporary();
    const { folder } = temporary;
    const root = `--root=${folder}`;
    await Deno.mkdir(join(folder, "etc"));
    const users = await run(
      ...["systemd-sysusers", root],
      join(FOLDER, "pg2es.sysusers.conf"),
    );
    ok(users.success, users.text);
    const passwd = await Deno.readTextFile(join(folder, "etc/passwd"));
    const [, id = ""] = /^pg2es:x:(\d+):\d+:pg2es:\/var\/lib\/pg2es:.*nologin$/m
      .exec(passwd) ?? [];
    const files = await run(
      ...["systemd-tmpfiles", root, "--create"],
      join(FOLDER, "pg2es.tmpfiles.conf"),
    );
    ok(files.success, files.text);
    const { mode, uid, gid } = await Deno.stat(join(folder, "etc/pg2es"));
    deepEqual([(mode ?? 0) & 0o777, uid, gid], [0o750, 0, Number(id)]);
  },
});

Deno.test("pg2es.service gives the agent more than its grace period, and is not started again for a wrong configuration", async () => {
  const unit = await Deno.readTextFile(UNIT);
  const config = await Deno.readTextFile(CONFIG);
  const [, graceSeconds] = /^# grace_period: (\d+)s$/m.exec(config) ?? [];
  const [stop = ""] = readValues(unit, "TimeoutStopSec");
  ok(Number.parseInt(stop) > Number(graceSeconds));
  deepEqual(readValues(unit, "RestartPreventExitStatus"), ["2"]);
  // the permission to write is for the folder that it is started in
  const [state = ""] = readValues(unit, "StateDirectory");
  equal(readValues(unit, "WorkingDirectory")[0], `/var/lib/${state}`);
});
