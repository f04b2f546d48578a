import { showStep } from "../dev/progress.ts";
import { openSession, type Session } from "../tests/integration/session.ts";
import {
  type Agent,
  openHome,
  passOf,
  startAgent,
  waitForLoad,
} from "./agent.ts";
import { type Lab, runSql } from "./lab.ts";
import type { Options } from "./options.ts";
import type { Results } from "./statistics.ts";

/** A change, and how its documents are told: by a value that they hold afterwards. */
interface Change {
  readonly name: string;
  readonly films: number;
  /** Makes the change, in one transaction that stamps it with this value. */
  readonly write: (session: Session, value: string) => Promise<unknown>;
  readonly field: string;
}

/** The ids of films are spread evenly: about half of them are below this. */
const MIDDLE = "80000000-0000-0000-0000-000000000000";

const HALF_GENRE = new URL("half_genre.sql", import.meta.url);

/** A film changed, a thousand, half of all, and a genre on that half: from commit until the agent has caught up. */
export async function measureFollowing(
  lab: Lab,
  { films, repeat, settings }: Options,
  results: Results,
): Promise<void> {
  await using dataset = await lab.copyDataset(films);
  await runSql(dataset.url, await Deno.readTextFile(HALF_GENRE));
  await lab.search.clear();
  const home = await openHome(lab, dataset, {
    "indexes.0.sweep": "off", // what is measured is following
    ...settings,
  });
  await using agent = startAgent(home, ["run"]);
  await showStep(`Following, loading ${films} films`, () => waitForLoad(agent));
  await using session = await openSession(dataset.url);
  const changes = await listChanges(session, films);
  for (let round = 1; round <= repeat; round++) {
    await showStep(`Following, round ${round} of ${repeat}`, async () => {
      for (const [place, change] of changes.entries()) {
        const value = `Changed ${round} ${place}`;
        await change.write(session, value);
        const committedMs = performance.now();
        const caughtUpMs = await untilCaughtUp(agent, { lab, change, value });
        results.add(
          `Following, ${change.name}`,
          "s",
          (caughtUpMs - committedMs) / 1_000,
        );
      }
    });
  }
}

async function listChanges(
  session: Session,
  films: number,
): Promise<Change[]> {
  const [row] = await session.sql(
    "select count(*) as half from content.film_work where id < $1",
    [MIDDLE],
  );
  const half = Number(row?.["half"]);
  const field = "title.raw";
  const some = (count: number): Change => ({
    name: count === 1 ? "1 film" : `${count} films`,
    films: count,
    field,
    write: (session, value) =>
      session.sql(
        `update content.film_work set title = $1
where id in (select id from content.film_work order by id limit $2)`,
        [value, count],
      ),
  });
  return [
    some(1),
    ...(films > 1_000 ? [some(1_000)] : []),
    {
      name: `${half} films`,
      films: half,
      field,
      write: (session, value) =>
        session.sql(
          "update content.film_work set title = $1 where id < $2",
          [value, MIDDLE],
        ),
    },
    {
      name: `a genre on ${half} films`,
      films: half,
      field: "genres.name.raw",
      write: (session, value) =>
        session.sql(
          "update content.genre set name = $1 where description = 'half'",
          [value],
        ),
    },
  ];
}

/** When the pass ended with which the index has every changed document. */
async function untilCaughtUp(
  agent: Agent,
  { lab, change, value }: { lab: Lab; change: Change; value: string },
): Promise<number> {
  let written = 0;
  for (;;) {
    const { line, atMs } = await agent.waitFor((line) =>
      (passOf(line)?.written ?? 0) > 0
    );
    written += passOf(line)?.written ?? 0;
    if (written < change.films) continue;
    if (await lab.search.count({ [change.field]: value }) === change.films) {
      return atMs;
    }
  }
}
