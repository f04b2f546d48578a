import { join } from "node:path";
import { showStep } from "../dev/progress.ts";
import { readState } from "../src/state_file.ts";
import { openSession, type Session } from "../tests/integration/session.ts";
import {
  type Agent,
  configure,
  type Home,
  openHome,
  startAgent,
  waitForLoad,
} from "./agent.ts";
import { openBare } from "./bare.ts";
import type { Copy, Lab } from "./lab.ts";
import { addLatency, CHANGES_A_SECOND } from "./latency.ts";
import type { Options } from "./options.ts";
import { readTreeCpuMs } from "./process_cost.ts";
import { percentile, type Results } from "./statistics.ts";

/** So many films are changed in a transaction where changes are written without a pause. */
const BATCH_FILMS = 100;

const LOOK_MS = 250;

/** Far beyond what anything here takes: then it is lost, and the measuring with it. */
const LIMIT_MS = 3_600_000;

/** What each way is called. */
const WAYS = { polling: "By polling", wal: "By the log" } as const;

type Way = keyof typeof WAYS;

/** The log is kept for as long as it takes; what is measured is following, without a sweep. */
const SETTINGS = { "wal.max_slot_size": "100GB", "indexes.0.sweep": "off" };

/** Following by the log and by polling in turn: latency, changes without a pause; and by the log one transaction of many rows. */
export async function measureWal(
  lab: Lab,
  options: Options,
  results: Results,
): Promise<void> {
  await measureBound(lab, options, results);
  await measureWays(lab, options, results);
  await measureTransaction(lab, options, results);
}

/** What both servers do with nothing between them: all films at the same time, then each by itself. */
async function measureBound(
  lab: Lab,
  options: Options,
  results: Results,
): Promise<void> {
  const { films, repeat, settings, latencySeconds } = options;
  const { connections, concurrency = 4 } = options;
  const addTimes = (name: string, times: readonly number[]) => {
    results.add(`${name}, p50`, "ms", percentile(times, 0.5));
    results.add(`${name}, p99`, "ms", percentile(times, 0.99));
  };
  const dataset = await lab.openDataset(films);
  const home = await openHome(lab, dataset, settings);
  await using bare = await openBare(lab, { home, dataset, connections });
  await showStep("Preparing statements and bodies", bare.prepare);
  for (let round = 1; round <= repeat; round++) {
    await showStep(`The bound, round ${round} of ${repeat}`, async () => {
      const index = await bare.makeIndex();
      const startedMs = performance.now();
      await Promise.all([
        bare.runStatements(),
        bare.sendBodies(index.alias, concurrency),
      ]);
      results.add(
        "Both at the same time, documents a second",
        "/s",
        1_000 * films / (performance.now() - startedMs),
      );
      const { readMs, sendMs } = await bare.passFilms(index, {
        films: Math.min(films, CHANGES_A_SECOND * latencySeconds),
        filmsPerSecond: CHANGES_A_SECOND,
      });
      addTimes("PostgreSQL alone, one film", readMs);
      addTimes("Elasticsearch alone, one film", sendMs);
    });
  }
}

async function measureWays(
  lab: Lab,
  options: Options,
  results: Results,
): Promise<void> {
  const { films, repeat, settings, latencySeconds } = options;
  await using dataset = await lab.copyDataset(films, { byWal: true });
  await lab.search.clear();
  const home = await openHome(lab, dataset, { ...SETTINGS, ...settings });
  await using session = await openSession(dataset.url);
  for (let round = 1; round <= repeat; round++) {
    for (const way of ["polling", "wal"] as const) {
      const label = `${WAYS[way]}, round ${round} of ${repeat}`;
      await using agent = await showStep(
        `${label}, starting`,
        () => start({ lab, home, dataset, session, way }),
      );
      await showStep(`${label}, latency`, () =>
        addLatency({
          ...{ lab, session, results },
          changes: Math.min(films, CHANGES_A_SECOND * latencySeconds),
          stamp: `Latency ${way} ${round}`,
          name: `${WAYS[way]}, commit`,
        }));
      await showStep(
        `${label}, without a pause`,
        () => addSustained({ lab, session, results, agent, way, films, round }),
      );
    }
  }
}

/** An agent that follows in this way; the first one loads. */
async function start(
  { lab, home, dataset, session, way }: {
    lab: Lab;
    home: Home;
    dataset: Copy;
    session: Session;
    way: Way;
  },
): Promise<Agent> {
  await configure(home, { follow: way });
  const isFirst = (await lab.search.count()) < dataset.films;
  await using starting = new AsyncDisposableStack();
  const agent = starting.use(startAgent(home, ["run"]));
  if (isFirst) await waitForLoad(agent);
  if (way === "wal") await waitForStream(agent);
  // whatever it has to do first is done when it has this
  const value = `Begun ${crypto.randomUUID()}`;
  await session.sql(
    `update content.film_work set title = $1
where id in (select id from content.film_work order by id limit 1)`,
    [value],
  );
  await untilCounted(lab, value, 1);
  if (way === "wal") await untilCompared(home);
  // the round before has changed every film
  await untilSo(async () => !await lab.search.isMerging());
  starting.move();
  return agent;
}

async function addSustained(
  { lab, session, results, agent, way, films, round }: {
    lab: Lab;
    session: Session;
    results: Results;
    agent: Agent;
    way: Way;
    films: number;
    round: number;
  },
): Promise<void> {
  const rows = await session.sql(
    "select id from content.film_work order by created_at, id",
  );
  const ids = rows.map(({ id }) => id);
  const value = `Sustained ${way} ${round}`;
  const beforeMs = await readTreeCpuMs(agent.pid);
  const startedMs = performance.now();
  for (let from = 0; from < ids.length; from += BATCH_FILMS) {
    await session.sql(
      "update content.film_work set title = $1 where id = any($2::uuid[])",
      [value, ids.slice(from, from + BATCH_FILMS)],
    );
  }
  const writtenMs = performance.now();
  await untilCounted(lab, value, films);
  const endedMs = performance.now();
  const name = WAYS[way];
  const rate = (untilMs: number) => 1_000 * films / (untilMs - startedMs);
  results.add(`${name}, changes a second`, "/s", rate(endedMs));
  results.add(
    `${name}, changes a second as they are written`,
    "/s",
    rate(writtenMs),
  );
  results.add(
    `${name}, agent's CPU a change`,
    "µs",
    1_000 * (await readTreeCpuMs(agent.pid) - beforeMs) / films,
  );
  results.add(`${name}, peak memory`, "MiB", agent.watch.peakBytes / 2 ** 20);
}

/** Every film changed in one transaction. */
async function measureTransaction(
  lab: Lab,
  { transactionFilms: films, settings }: Options,
  results: Results,
): Promise<void> {
  await using dataset = await lab.copyDataset(films, { byWal: true });
  await lab.search.clear();
  const home = await openHome(lab, dataset, {
    ...SETTINGS,
    ...settings,
    follow: "wal",
  });
  await using agent = startAgent(home, ["run"]);
  const what = `A transaction of ${films} rows`;
  await showStep(`${what}, loading`, async () => {
    await waitForLoad(agent);
    await untilCounted(lab, undefined, films);
  });
  const loadPeakBytes = agent.watch.peakBytes;
  await using session = await openSession(dataset.url);
  await showStep(what, async () => {
    const value = "In one transaction";
    const startedMs = performance.now();
    await session.sql("update content.film_work set title = $1", [value]);
    const committedMs = performance.now();
    await untilCounted(lab, value, films);
    const endedMs = performance.now();
    const seconds = (ms: number) => ms / 1_000;
    results.add(`${what}, writing it`, "s", seconds(committedMs - startedMs));
    results.add(
      `${what}, from commit to the last document`,
      "s",
      seconds(endedMs - committedMs),
    );
    const mib = 2 ** 20;
    const { peakBytes } = agent.watch;
    results.add(`${what}, peak memory in load`, "MiB", loadPeakBytes / mib);
    results.add(`${what}, peak memory`, "MiB", peakBytes / mib);
  });
}

/** Waits until the log says that changes come by PostgreSQL's. */
async function waitForStream(agent: Agent): Promise<void> {
  if (agent.count(STREAMING) > 0) return;
  await agent.waitFor(({ message }) => message === STREAMING);
}

const STREAMING = "changes are followed by the log";

/** Waits until all contents were compared for what polling could not see: that is done once, when the log is joined. */
async function untilCompared(home: Home): Promise<void> {
  await untilSo(async () => {
    const { positions } = await readState(join(home.folder, "state.yaml"));
    return Object.values(positions).every(({ wal }) =>
      wal !== undefined && wal.gap === undefined
    );
  });
}

/** Waits until so many films have this title, or are there. */
async function untilCounted(
  lab: Lab,
  title: string | undefined,
  films: number,
): Promise<void> {
  const term = title === undefined ? undefined : { "title.raw": title };
  await untilSo(async () => await lab.search.count(term) === films);
}

async function untilSo(isSo: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + LIMIT_MS;
  while (performance.now() < untilMs) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error("Cannot measure: what is waited for did not come in an hour");
}
