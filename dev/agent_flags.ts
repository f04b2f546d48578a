import { z } from "zod";
import manifest from "../deno.json" with { type: "json" };

const Manifest = z.object({ tasks: z.object({ start: z.string() }) });

/** The permissions that `deno task start` gives the agent, as flags: for every child process that is one. */
export function agentFlags(): string[] {
  const { tasks } = Manifest.parse(manifest);
  return tasks.start.split(" ").filter((word) => word.startsWith("--"));
}
