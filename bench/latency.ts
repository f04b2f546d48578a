import { showStep } from "../dev/progress.ts";
import { openSession, type Session } from "../tests/integration/session.ts";
import { openHome, startAgent, waitForLoad } from "./agent.ts";
import type { Lab } from "./lab.ts";
import type { Options } from "./options.ts";
import { percentile, type Results } from "./statistics.ts";

/** The pace of the changes. */
export const CHANGES_A_SECOND = 100;

/** Every so many changes one is looked for: asking for all would keep the servers busy with nothing else. */
const SAMPLE = 10;

/** How often it is asked: a change is searchable with the next refresh, so that a closer look would tell no more. */
const READ_MS = 5;
const SEARCH_MS = 50;

/** Far beyond what a change takes: then it is lost, and the measuring with it. */
const LIMIT_MS = 60_000;

/** Looks for changes in one way, and notes how long after its commit each is seen. */
interface Watcher {
  /** Looks for the change of a film, committed at `committedMs`, until the film has this title. */
  expect(id: string, title: string, committedMs: number): void;
  /** The times in milliseconds, when everything that was expected is seen. */
  finish(): Promise<number[]>;
}

/** A steady hundred changes a second, each of another film: from commit to acknowledged and to searchable. */
export async function measureLatency(
  lab: Lab,
  { films, repeat, settings, latencySeconds }: Options,
  results: Results,
): Promise<void> {
  await using dataset = await lab.copyDataset(films);
  await lab.search.clear();
  const home = await openHome(lab, dataset, {
    "indexes.0.sweep": "off", // what is measured is following
    ...settings,
  });
  await using agent = startAgent(home, ["run"]);
  await showStep(`Latency, loading ${films} films`, () => waitForLoad(agent));
  await using session = await openSession(dataset.url);
  for (let round = 1; round <= repeat; round++) {
    const changes = Math.min(films, CHANGES_A_SECOND * latencySeconds);
    await showStep(`Latency, round ${round} of ${repeat}`, () =>
      addLatency({
        ...{ lab, session, results, changes },
        stamp: `Latency ${round}`,
        name: "Commit",
      }));
  }
}

/** Writes a hundred changes a second, and adds how long each of some took; `name` begins the measures, `stamp` the titles. */
export async function addLatency(
  { lab, session, results, changes, stamp, name }: {
    lab: Lab;
    session: Session;
    results: Results;
    changes: number;
    stamp: string;
    name: string;
  },
): Promise<void> {
  const acknowledged = watch(lab.search.readTitles, READ_MS);
  const searchable = watch(lab.search.searchTitles, SEARCH_MS);
  await writeChanges(session, {
    changes,
    stamp,
    onSample(id, title, committedMs) {
      acknowledged.expect(id, title, committedMs);
      searchable.expect(id, title, committedMs);
    },
  });
  const watched = {
    acknowledged: await acknowledged.finish(),
    searchable: await searchable.finish(),
  };
  for (const [what, times] of Object.entries(watched)) {
    const measure = `${name} to ${what}`;
    results.add(`${measure}, p50`, "ms", percentile(times, 0.5));
    results.add(`${measure}, p99`, "ms", percentile(times, 0.99));
    results.add(`${measure}, longest`, "ms", Math.max(...times));
  }
}

async function writeChanges(
  session: Session,
  { changes, stamp, onSample }: {
    changes: number;
    stamp: string;
    onSample: (id: string, title: string, committedMs: number) => void;
  },
): Promise<void> {
  const rows = await session.sql(
    "select id from content.film_work order by id limit $1",
    [changes],
  );
  const startedMs = performance.now();
  for (const [place, { id }] of rows.entries()) {
    const dueMs = startedMs + place * 1_000 / CHANGES_A_SECOND;
    await pause(dueMs - performance.now());
    const title = `${stamp} ${place}`;
    await session.sql(
      "update content.film_work set title = $1 where id = $2",
      [title, id],
    );
    if (place % SAMPLE === 0) onSample(id ?? "", title, performance.now());
  }
}

function watch(
  read: (ids: readonly string[]) => Promise<Map<string, string>>,
  pollMs: number,
): Watcher {
  const expected = new Map<string, { title: string; committedMs: number }>();
  const times: number[] = [];
  let isFinished = false;

  async function poll(): Promise<void> {
    while (!isFinished || expected.size > 0) {
      const nextMs = performance.now() + pollMs;
      if (expected.size > 0) {
        const titles = await read([...expected.keys()]);
        const seenMs = performance.now();
        for (const [id, { title, committedMs }] of expected) {
          if (titles.get(id) === title) {
            expected.delete(id);
            times.push(seenMs - committedMs);
          } else if (seenMs - committedMs > LIMIT_MS) {
            throw new Error("Cannot measure: a change did not arrive in 60 s");
          }
        }
      }
      await pause(nextMs - performance.now());
    }
  }
  const polling = poll();
  polling.catch(() => {}); // thrown by finish()

  return {
    expect(id, title, committedMs) {
      expected.set(id, { title, committedMs });
    },
    async finish() {
      isFinished = true;
      await polling;
      return times;
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
