import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { agentFlags } from "../../dev/agent_flags.ts";
import { expectTold, openTemporary, runToEnd } from "./agent_process.ts";
import { until } from "./moments.ts";
import { openWorld } from "./world.ts";

/** What the agent never needs, as programs; `$OUTSIDE` stands for a folder that is not the agent's. */
const EXCESSES: Readonly<Record<string, string>> = {
  "write a file elsewhere": `Deno.writeTextFileSync("$OUTSIDE/new", "x")`,
  "write a file above": `Deno.writeTextFileSync("../../new", "x")`,
  "change a file elsewhere": `Deno.writeTextFileSync("$OUTSIDE/kept", "x")`,
  "remove a file elsewhere": `Deno.removeSync("$OUTSIDE/kept")`,
  "move a file from elsewhere": `Deno.renameSync("$OUTSIDE/kept", "mine")`,
  "make a folder elsewhere": `Deno.mkdirSync("$OUTSIDE/folder")`,
  "link to elsewhere": `Deno.symlinkSync("$OUTSIDE/kept", "link")`,
  "change a mode elsewhere": `Deno.chmodSync("$OUTSIDE/kept", 0o777)`,
  "run a program": `new Deno.Command("true").outputSync()`,
  "end a process": `Deno.kill(1, "SIGUSR1")`,
  "call native code":
    `Deno.dlopen("libc.so.6", { getpid: { parameters: [], result: "i32" } })`,
  "ask for the host's name": `Deno.hostname()`,
  "ask for the host's addresses": `Deno.networkInterfaces()`,
  "ask for the memory": `Deno.systemMemoryInfo()`,
  "ask for the user": `Deno.uid()`,
  "change the umask": `Deno.umask(0)`,
};

Deno.test("the agent's permissions refuse what it does not need", async () => {
  await using temporary = await openTemporary();
  await using elsewhere = await openTemporary();
  const outside = elsewhere.folder;
  const folder = join(temporary.folder, "in", "agent");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(outside, "kept"), "kept");
  const attempts = Object.entries(EXCESSES).map(([name, code]) =>
    `attempt(${JSON.stringify(name)}, () => ${
      code.replaceAll("$OUTSIDE", outside)
    });`
  );
  const program = join(temporary.folder, "program.ts");
  await Deno.writeTextFile(
    program,
    `const refused: string[] = [];
     function attempt(name: string, action: () => unknown) {
       try {
         action();
       } catch (error) {
         if (error instanceof Deno.errors.NotCapable) refused.push(name);
       }
     }
     ${attempts.join("\n")}
     Deno.writeTextFileSync("own", "x");
     console.log(JSON.stringify(refused));`,
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-config", ...agentFlags(), program],
    cwd: folder,
  }).output();
  equal(code, 0, new TextDecoder().decode(stderr));
  const refused = JSON.parse(new TextDecoder().decode(stdout));
  deepEqual(refused, Object.keys(EXCESSES));
  equal(await Deno.readTextFile(join(outside, "kept")), "kept");
  deepEqual((await Array.fromAsync(Deno.readDir(outside))).length, 1);
});

Deno.test("the agent tells what it is not permitted to write, and writes nothing there", async () => {
  await using elsewhere = await openTemporary();
  const cases = [
    {
      settings: { state_file_name: join(elsewhere.folder, "state.yaml") },
      told: /^Cannot write state file .*: the agent is not permitted to\. /,
    },
    {
      settings: { "logging.file": { path: join(elsewhere.folder, "log") } },
      told: /^Cannot write log file .*: .*Make its folder, and let the agent/,
    },
  ];
  for (const { settings, told } of cases) {
    await using world = await openWorld({
      settings: { "logging.format": "json", ...settings },
    });
    const ending = await runToEnd({ folder: world.folder, args: ["run"] });
    expectTold(ending, { code: 2, lines: [told] });
  }
  deepEqual(await Array.fromAsync(Deno.readDir(elsewhere.folder)), []);
});

Deno.test({
  name: "every file that the agent writes is for its user alone",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using world = await openWorld({
      sql: `
        create table amount (id int primary key, value text, updated_at timestamptz not null default now());
        insert into amount select n, case when n % 50 = 0 then 'x' else n::text end from generate_series(1, 500) n`,
      indexes: `
        - {name: amounts, index_config: amounts.json, document: "select id, value from amount", watch: [{table: amount}]}`,
      files: {
        "amounts.json": JSON.stringify({
          mappings: { properties: { value: { type: "integer" } } },
        }),
      },
      settings: {
        "postgres.page_size": 10,
        "logging.level": "debug",
        "logging.file": { path: "agent.log", max_size: "1KB", max_files: 3 },
      },
    });
    const { folder } = world;
    const given = new Set<string>();
    for await (const { name } of Deno.readDir(folder)) given.add(name);
    const modes = new Map<string, Set<number>>();
    let hasEnded = false;
    async function look(): Promise<void> {
      for await (const { name } of Deno.readDir(folder)) {
        if (given.has(name)) continue;
        try {
          const mode = ((await Deno.lstat(join(folder, name))).mode ?? 0) &
            0o777;
          modes.set(name, (modes.get(name) ?? new Set()).add(mode));
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        }
      }
    }
    const looking = until("the agent has ended", async () => {
      await look();
      return hasEnded;
    });
    try {
      const run = await runToEnd({ folder, args: ["run", "--once"] });
      equal(run.code, 0, run.stderr);
      const paused = await runToEnd({ folder, args: ["pause"] });
      equal(paused.code, 0, paused.stderr);
    } finally {
      hasEnded = true;
      await looking;
    }
    await look();
    const names = [...modes.keys()];
    for (const name of ["state.yaml", "state.yaml.paused", "agent.log.1"]) {
      ok(names.includes(name), names.join());
    }
    for (const [name, seen] of modes) {
      if (/^agent\.log/.test(name)) seen.delete(0o644); // for an instant, before its mode is set
      deepEqual([...seen], [0o600], name);
    }
  },
});
