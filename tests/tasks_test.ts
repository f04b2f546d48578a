import { deepEqual, ok } from "node:assert/strict";
import { z } from "zod";
import { compileArguments } from "../dev/package.ts";

const ROOT = new URL("../", import.meta.url);

const Tasks = z.object({
  tasks: z.object({ start: z.string(), compile: z.string() }),
});

Deno.test("the executables have the permissions and the settings of the program", async () => {
  const { tasks } = Tasks.parse(
    JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))),
  );
  const flags = (task: string) =>
    task.split(" ").filter((word) => /^--(?:allow|deny|no-p|v8)/.test(word));
  for (const machine of ["linux-x64", "windows-x64"]) {
    const words = compileArguments(machine, "dist/pg2es");
    deepEqual(flags(words.join(" ")), flags(tasks.start), machine);
  }
  ok(flags(tasks.start).length > 0);
  deepEqual(flags(tasks.compile), flags(tasks.start));
  const checks = await Deno.readTextFile(new URL(".ci/run", ROOT));
  const words = checks.replaceAll("\\\n", " ").split(/\s+/);
  ok(` ${words.join(" ")} `.includes(` ${flags(tasks.start).join(" ")} `));
});
