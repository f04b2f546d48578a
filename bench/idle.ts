import { showStep } from "../dev/progress.ts";
import { type Agent, openHome, startAgent, waitForLoad } from "./agent.ts";
import { type Lab, runSql } from "./lab.ts";
import type { Options } from "./options.ts";
import { readTreeCpuMs } from "./process_cost.ts";
import type { Results } from "./statistics.ts";

/** Many, since PostgreSQL may hold back for a second what it counted of its statements. */
const PASSES = 500;

/** Passes that find nothing: PostgreSQL has to be warm, and what the load left has to be read twice for the last time. */
const WARM_UP_PASSES = 50;

/** What a pass costs that finds no change, at each size. */
export async function measureIdle(
  lab: Lab,
  { idleSizes, repeat, settings }: Options,
  results: Results,
): Promise<void> {
  for (const films of idleSizes) {
    const dataset = await lab.openDataset(films);
    await lab.search.clear();
    const home = await openHome(lab, dataset, {
      "logging.level": "debug", // a line for each pass
      "indexes.0.sweep": "off",
      ...settings,
      "fetch_delay": "10ms",
    });
    await using agent = startAgent(home, ["run"]);
    await showStep(`Idle, loading ${films} films`, () => waitForLoad(agent));
    await passes(agent, WARM_UP_PASSES);
    for (let round = 1; round <= repeat; round++) {
      await showStep(`Idle, ${films} films, round ${round}`, async () => {
        const readCosts = async () => ({
          agentMs: await readTreeCpuMs(agent.pid),
          count: agent.count("pass finished"),
          ...await lab.readCosts(),
        });
        // in this order, that asking for it is no part of what is measured
        const before = {
          statementMs: await readStatementMs(dataset.url),
          ...await readCosts(),
        };
        await passes(agent, PASSES);
        const after = {
          ...await readCosts(),
          statementMs: await readStatementMs(dataset.url),
        };
        const count = after.count - before.count;
        const name = `Idle pass at ${films} films`;
        const add = (what: string, key: keyof typeof before) =>
          results.add(
            `${name}, ${what}`,
            "ms",
            (after[key] - before[key]) / count,
          );
        add("PostgreSQL's CPU", "postgresMs");
        add("time in statements", "statementMs");
        add("agent's CPU", "agentMs");
      });
    }
  }
}

async function passes(agent: Agent, count: number): Promise<void> {
  const last = agent.count("pass finished") + count;
  while (agent.count("pass finished") < last) {
    await agent.waitFor(({ message }) => message === "pass finished");
  }
}

/** The time that statements in this database took so far, by PostgreSQL's own count. */
async function readStatementMs(url: string): Promise<number> {
  const [row] = await runSql(
    url,
    `select active_time as ms from pg_stat_database
where datname = current_database()`,
  );
  return Number(row?.["ms"]);
}
