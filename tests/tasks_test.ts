import { deepEqual, ok } from "node:assert/strict";
import { z } from "zod";

const ROOT = new URL("../", import.meta.url);

const Tasks = z.object({
  tasks: z.object({ start: z.string(), compile: z.string() }),
});

Deno.test("the executable has the permissions and the settings of the program", async () => {
  const { tasks } = Tasks.parse(
    JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT))),
  );
  const flags = (task: string) =>
    task.split(" ").filter((word) => /^--(?:allow|deny|no-p|v8)/.test(word));
  ok(flags(tasks.start).length > 0);
  deepEqual(flags(tasks.compile), flags(tasks.start));
  const checks = await Deno.readTextFile(new URL(".ci/run", ROOT));
  const words = checks.replaceAll("\\\n", " ").split(/\s+/);
  ok(` ${words.join(" ")} `.includes(` ${flags(tasks.start).join(" ")} `));
});
