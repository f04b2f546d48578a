import { z } from "zod";
import manifest from "../deno.json" with { type: "json" };

const Manifest = z.object({ tasks: z.object({ start: z.string() }) });

/** What `deno task start` gives the agent, permissions and settings of V8, as flags: for every child process that is one. */
export function agentFlags(): string[] {
  const { tasks } = Manifest.parse(manifest);
  return tasks.start.split(" ").filter((word) => word.startsWith("--"));
}
