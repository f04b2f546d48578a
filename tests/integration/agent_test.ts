import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import {
  type AgentProcess,
  type Ending,
  expectTold,
  openTemporary,
  runToEnd,
  startAgent,
} from "./agent_process.ts";
import {
  countChanged,
  countSettled,
  FILM_COUNT,
  holdLoad,
  holdPass,
  passesOf,
  retitle,
  runOnce,
  SMALL_STEPS,
  untilFollowing,
  untilHeld,
} from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const JSON_LOG = { "logging.format": "json" };
const STOPPING = "stopping, finishing what is in flight";

Deno.test("pg2es --help and --version tell on standard output, and exit 0", async () => {
  await using temporary = await openTemporary();
  const { folder } = temporary;
  const [help, version] = await Promise.all([
    runToEnd({ folder, args: ["--help"] }),
    runToEnd({ folder, args: ["--version"] }),
  ]);
  deepEqual([help.code, version.code], [0, 0]);
  match(help.stdout, /^Usage: pg2es /);
  equal(version.stdout, `${manifest.version}\n`);
  deepEqual([help.stderr, version.stderr], ["", ""]);
});

Deno.test("pg2es exits 2 on a command line it does not know", async () => {
  await using temporary = await openTemporary();
  const { folder } = temporary;
  const lines = [["--wrong"], ["run", "--wrong"], ["wrong"], ["--config"]];
  const endings = await Promise.all(
    lines.map((args) => runToEnd({ folder, args })),
  );
  for (const ending of endings) {
    expectTold(ending, { code: 2, lines: [/^error: /] });
    equal(ending.stdout, "");
  }
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`pg2es ends in order by ${signal} while it waits for the next look`, async () => {
    await using world = await openWorld({
      settings: { ...SMALL_STEPS, "fetch_delay": "1h" },
    });
    await using agent = startAgent(world);
    await untilFollowing(agent);
    await expectStop(agent, signal);
    await retitle(world, "while it was away");
    const { log } = await runOnce(world);
    deepEqual(passesOf(log), [{ kind: "follow", written: 1 }]);
  });
}

Deno.test("pg2es ends in order by SIGTERM during the load, and goes on from there", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await using agent = startAgent(world);
  {
    await using _held = await holdLoad(world);
    await untilHeld(world);
    agent.kill("SIGTERM");
    await agent.waitFor(STOPPING);
  }
  const { code, log } = await agent.ended();
  equal(code, 0);
  const settled = await countSettled(world);
  const [first] = passesOf(log);
  deepEqual(first, { kind: "load", written: settled });
  ok(settled > 0 && settled < FILM_COUNT, `${settled} are settled`);
  const second = await runOnce(world);
  const written = FILM_COUNT - settled;
  deepEqual(passesOf(second.log), [{ kind: "load", written }]);
});

Deno.test("pg2es ends in order by SIGTERM in the middle of a pass, and loses nothing", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await runOnce(world);
  await using agent = startAgent(world);
  {
    await using _held = await holdPass(world);
    await untilHeld(world);
    const changed = await countChanged(world);
    ok(changed > 0 && changed < FILM_COUNT, `${changed} are changed`);
    agent.kill("SIGTERM");
    await agent.waitFor(STOPPING);
  }
  equal((await agent.ended()).code, 0);
  await runOnce(world);
});

Deno.test("pg2es cuts short what takes longer than the grace period, and exits 0", async () => {
  await using world = await openWorld({
    settings: { ...SMALL_STEPS, "grace_period": "100ms" },
  });
  await using agent = startAgent(world);
  {
    await using _held = await holdLoad(world);
    await untilHeld(world);
    await expectStop(agent, "SIGTERM");
  }
  await runOnce(world);
});

Deno.test("pg2es ends at once by the second SIGTERM, and loses nothing", async () => {
  await using world = await openWorld({ settings: SMALL_STEPS });
  await using agent = startAgent(world);
  {
    await using _held = await holdLoad(world);
    await untilHeld(world);
    agent.kill("SIGTERM");
    await agent.waitFor(STOPPING);
    agent.kill("SIGTERM");
    equal((await agent.ended()).signal, "SIGTERM");
  }
  await runOnce(world);
});

Deno.test("pg2es writes to its own folder only, and asks nobody", async () => {
  await using temporary = await openTemporary();
  const file = join(temporary.folder, "state.yaml");
  await using world = await openWorld({
    settings: { ...JSON_LOG, "state_file_name": file },
  });
  const state = await runToEnd(world);
  expectTold(state, { code: 2, lines: [/^Cannot write state file .*state\./] });
  await world.configure({
    "state_file_name": "state.yaml",
    "logging.file": { path: join(temporary.folder, "agent.log") },
  });
  const log = await runToEnd(world);
  expectTold(log, { code: 2, lines: [/^Cannot write log file .*agent\.log/] });
  deepEqual(await Array.fromAsync(Deno.readDir(temporary.folder)), []);
});

Deno.test("pg2es logs no secret at any level, and no colors to what is no terminal", async () => {
  const secret = "tester100";
  const settings = { "logging.level": "debug", "logging.format": "text" };
  await using world = await openWorld({ settings });
  const password = /^ +password: (.*)$/m.exec(
    await Deno.readTextFile(world.configFile),
  );
  equal(password?.[1], secret, "the secret is the agent's password");
  const env = { NO_COLOR: "" };
  const args = ["run", "--once"];
  const { code, stdout, stderr } = await runToEnd({
    folder: world.folder,
    args,
    env,
  });
  equal(code, 0);
  match(stderr, / INFO {2}.*: pass finished kind=load written=1000 /);
  const refused = await refuseByUrl(world, `wrong-${secret}`);
  for (const text of [stdout, stderr, refused.stdout, refused.stderr]) {
    ok(!text.includes(secret), text);
    ok(!text.includes("\x1b"), text);
  }
});

/** Sends the signal, and expects an end in order. */
async function expectStop(
  agent: AgentProcess,
  signal: Deno.Signal,
): Promise<void> {
  agent.kill(signal);
  const { code, log, told, stderr } = await agent.ended();
  equal(code, 0, stderr);
  equal(log.at(-1)?.message, "agent stopped");
  deepEqual(told, []);
}

/** Runs the agent with another password, as part of an address and towards a server that is not there. */
async function refuseByUrl(world: World, password: string): Promise<Ending> {
  const url = new URL(world.databaseUrl);
  url.username = "movies_db_admin";
  url.password = password;
  await world.configure({
    postgres: { url: url.href },
    "elasticsearch.node": "http://127.0.0.1:1",
    "elasticsearch.username": "reader",
    "elasticsearch.password": password,
    "logging.format": "json",
  });
  const refused = await runToEnd(world);
  equal(refused.code, 1);
  await world.configure({ "postgres.url": world.databaseUrl });
  await using agent = startAgent(world);
  await agent.waitFor("connection lost, trying again");
  agent.kill("SIGTERM");
  const lost = await agent.ended();
  equal(lost.code, 0);
  return { ...lost, stderr: `${refused.stderr}\n${lost.stderr}` };
}
