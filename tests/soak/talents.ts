import { join } from "node:path";
import { commandOf, superviseAgent } from "./agent.ts";
import type { Stage } from "./stage.ts";
import { sleep } from "./writer.ts";

/** What the agent can do, found out by its command line and its log. */
export interface Talents {
  /** Keeps what is refused for good in dead_letters.jsonl. */
  readonly letters: boolean;
  /** Waits as a standby while another one writes. */
  readonly waits: boolean;
}

const WAITS = /standby|waits? for the (?:writer )?lock/i;
const FOLLOWS = /pass finished/;
const LIMIT_MS = 60_000;

/** Lets two agents run for a moment. */
export async function findTalents(stage: Stage): Promise<Talents> {
  const help = await runAgentCommand(stage.first.folder, ["--help"]);
  await using _first = await superviseAgent(withTrialLog(stage, "first"));
  await untilSaid(stage, "first", FOLLOWS);
  await using _second = await superviseAgent(withTrialLog(stage, "second"));
  const said = await untilSaid(
    stage,
    "second",
    new RegExp(`${WAITS.source}|${FOLLOWS.source}`, "i"),
  );
  return {
    letters: /^\s*replay\b/m.test(help.stdout),
    waits: WAITS.test(said),
  };
}

function trialLog(stage: Stage, name: "first" | "second"): string {
  return `${stage[name].logPrefix}-trial`;
}

function withTrialLog(stage: Stage, name: "first" | "second") {
  return { ...stage[name], logPrefix: trialLog(stage, name) };
}

/** The log up to where it has the words. */
async function untilSaid(
  stage: Stage,
  name: "first" | "second",
  words: RegExp,
): Promise<string> {
  const file = `${trialLog(stage, name)}-0000.log`;
  const { signal } = new AbortController();
  for (let leftMs = LIMIT_MS; leftMs > 0; leftMs -= 100) {
    const text = await Deno.readTextFile(file).catch(() => "");
    if (words.test(text)) return text;
    await sleep(100, signal);
  }
  throw new Error(`Cannot start the agent: see ${file}`);
}

/** Runs a command of the agent to its end. */
export async function runAgentCommand(
  folder: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program = "", ...args] = await commandOf(words);
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: folder,
    env: { ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** The words that name the configuration of an agent's folder. */
export function configOption(folder: string): string[] {
  return ["-c", join(folder, "config.yaml")];
}
