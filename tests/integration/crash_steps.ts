import { fileURLToPath } from "node:url";
import { agentFlags } from "../../dev/agent_flags.ts";
import { LIMIT_MS } from "./agent_process.ts";
import type { World } from "./world.ts";

/** The variable of the environment that the world's configuration takes the address of Elasticsearch from. */
export const NODE_VARIABLE = "CRASH_STEPS_NODE";

/** A moment in the life of an agent: the `count`th time that it has come to a step. */
export interface Moment {
  readonly step: string;
  readonly count: number;
}

/** A life of an agent. */
export interface Life extends AsyncDisposable {
  /** What lasts of what it did, in the order in which it came about. */
  readonly steps: readonly string[];
  /** None when it was killed. */
  readonly status: number | undefined;
  readonly stderr: string;
  /** Passes on the requests that were on their way when it was killed. */
  passOnLate(): Promise<void>;
}

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const TELLING = fileURLToPath(new URL("crashing_agent.ts", import.meta.url));
const DENO_JSON = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** For so long a request is on its way: time for an agent to do what it ought not to do before the answer. */
const WAY_MS = 25;

/** Runs one pass of an agent to its end, or kills it at a moment; a request that is on its way then goes no further. */
export async function live(world: World, end?: Moment): Promise<Life> {
  const steps: string[] = [];
  const late: (() => Promise<unknown>)[] = [];
  let isDead = false;

  /** Whether the agent goes on after this step; when not, it is dead on return. */
  async function step(name: string): Promise<boolean> {
    if (isDead) return false;
    steps.push(name);
    const count = steps.filter((other) => other === name).length;
    if (name !== end?.step || count !== end.count) return true;
    isDead = true;
    child.kill("SIGKILL");
    await child.status;
    return false;
  }

  async function passOn(request: Request): Promise<Response> {
    const { method } = request;
    const { pathname, search } = new URL(request.url);
    const type = request.headers.get("content-type") ?? "application/json";
    const body = await request.text();
    const send = async () => {
      const hasBody = method !== "GET" && method !== "HEAD" && body !== "";
      const answer = await fetch(
        `${world.elasticsearchUrl}${pathname}${search}`,
        {
          method,
          headers: { "content-type": type },
          ...(hasBody && { body }),
        },
      );
      const { status, headers } = answer;
      return new Response(method === "HEAD" ? null : await answer.text(), {
        status,
        headers: {
          "content-type": headers.get("content-type") ?? "application/json",
        },
      });
    };
    const name = nameRequest(world, { method, path: pathname });
    if (name === undefined) return await send();
    if (await step(`${name}: sent`)) {
      await new Promise((resolve) => setTimeout(resolve, WAY_MS));
    }
    if (isDead) {
      late.push(send);
      return new Response(null, { status: 503 });
    }
    const answer = await send();
    await step(`${name}: acknowledged`);
    return answer;
  }

  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    passOn,
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--config", DENO_JSON, ...agentFlags()],
      ...["--preload", TELLING, MAIN, "run", "--once"],
    ],
    cwd: world.folder,
    env: { [NODE_VARIABLE]: `http://127.0.0.1:${server.addr.port}` },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const told = new Response(child.stderr).text();
  const input = child.stdin.getWriter();
  const limit = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  // it waits after each line: what is read at once is one line
  for await (const line of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (await step(line.trim())) await input.write(new Uint8Array(1));
  }
  const { code } = await child.status;
  clearTimeout(limit);
  await input.close().catch(() => {}); // nobody is there to read
  return {
    steps,
    status: isDead ? undefined : code,
    stderr: await told,
    async passOnLate() {
      for (const send of late.splice(0)) await send();
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The name of a request that changes something; none for one that asks. */
function nameRequest(
  world: World,
  { method, path }: { method: string; path: string },
): string | undefined {
  if (method === "GET" || method === "HEAD") return undefined;
  if (/\/_(search|mget|count|pit|refresh)$/.test(path)) return undefined;
  if (/^\/_(security|index_template)\//.test(path)) return undefined;
  if (path === "/_aliases") return "alias";
  // what is not about the index that is searched is about the position that is kept beside it
  if (!path.startsWith(`/${world.indexName()}`)) return "position";
  if (path.endsWith("/_bulk")) return "bulk";
  if (path.endsWith("/_settings")) return "settings";
  if (path.endsWith("/_mapping")) return "mark";
  return "index";
}

/**
 * The moments between two steps of a life; those between two steps that come again are taken once, and noted in `pairs`.
 * A position is kept whenever there is time for it: of these the first is taken, and they have no neighbours.
 */
export function momentsOf(
  steps: readonly string[],
  pairs: Set<string>,
): Moment[] {
  const isBeside = (step: string) => step.startsWith("position:");
  const row = steps.filter((step) => !isBeside(step));
  const moments = row.flatMap((step, place) => {
    const pair = `${step} | ${row[place + 1] ?? "the end"}`;
    if (pairs.has(pair)) return [];
    pairs.add(pair);
    const count = row.slice(0, place + 1)
      .filter((other) => other === step).length;
    return [{ step, count }];
  });
  const beside = [...new Set(steps.filter(isBeside))];
  return [...beside.map((step) => ({ step, count: 1 })), ...moments];
}
