// @ts-types="@types/pg"
import pg from "pg";
import { z } from "zod";
import type { SteppedAgent } from "./history_agent.ts";
import {
  FILMS,
  FIRST_FILMS,
  type Move,
  PERSONS,
  SESSIONS,
  type Stamp,
  type Step,
  type Write,
} from "./history_steps.ts";
import type { Session, World } from "./world.ts";

const DOCUMENT = `select f.id, f.title, f.updated_at, coalesce((
    select json_agg(json_build_object('id', p.id, 'name', p.name) order by p.id)
    from film_person l join person p on p.id = l.person_id where l.film_id = f.id
  ), '[]') as persons from film f`;

/** A root, a table whose stamps are days so that many rows share one, and a link table. */
export const FILM_WORLD = {
  sql: `
    create table film (id int primary key, title text, updated_at timestamptz not null);
    create index on film (updated_at, id);
    create table person (id int primary key, name text, updated_on date not null);
    create index on person (updated_on, id);
    create table film_person (film_id int, person_id int, created_at timestamptz not null, primary key (film_id, person_id));
    create index on film_person (created_at, film_id, person_id)`,
  indexes: `
    - name: films
      index_config: films.json
      document: ${JSON.stringify(DOCUMENT)}
      watch:
        - table: film
        - table: person
          updated_at: updated_on
          document_ids: select film_id from film_person where person_id = any($1)
        - table: film_person
          updated_at: created_at
          key: [film_id, person_id]
          document_ids: select unnest($1::int[])`,
  files: {
    "films.json": JSON.stringify({
      settings: { "refresh_interval": "-1", "number_of_replicas": 0 },
      mappings: { dynamic: false, properties: {} },
    }),
  },
  settings: { "postgres.page_size": 7 },
};

/** Plays histories in one world, one after the other, each with films of its own. */
export interface Player extends AsyncDisposable {
  /** Plays a history from an empty database to its last commit, and makes the agent finish what it had begun. */
  play(agent: SteppedAgent, steps: readonly Step[]): Promise<void>;
  /** The films of the last history that differ: what the index has, and what the query shows. */
  compare(): Promise<Difference[]>;
}

/** A film whose document is not what it should be; without one of the texts it is not there. */
export interface Difference {
  readonly id: string;
  readonly indexed: string | undefined;
  readonly expected: string | undefined;
}

/** A wait for a lock ends after `lock_timeout`: the session that holds it does nothing meanwhile. */
const LOCK_NOT_AVAILABLE = "55P03";

/** All histories of a process together; the servers' limit is for all their tests. */
const MAX_PREPARED = 3;

class Crash extends Error {}

/** Opens the sessions of a world that was made of {@linkcode FILM_WORLD}. */
export async function openPlayer(world: World): Promise<Player> {
  await using opened = new AsyncDisposableStack();
  const sessions: Session[] = [];
  for (let place = 0; place < SESSIONS; place++) {
    const session = opened.use(await world.connect());
    await session.sql("set lock_timeout = '20ms'");
    sessions.push(session);
  }
  const admin = opened.use(await world.connect());
  await admin.sql("set timezone = 'UTC'");
  const open = new Set<Session>();
  const prepared: string[] = [];
  let base = 0;
  let serial = 0;

  async function empty(agent: SteppedAgent): Promise<void> {
    await endAll("rollback");
    base += 100;
    serial = 0;
    await admin.sql(`truncate film, person, film_person;
      insert into film select ${base} + n, 'film', clock_timestamp() from generate_series(0, ${
      FIRST_FILMS - 1
    }) n;
      insert into person select ${base} + n, 'person', ${
      today("now()")
    } from generate_series(0, ${PERSONS - 1}) n`);
    await agent.forget();
  }

  async function endAll(act: "commit" | "rollback"): Promise<void> {
    for (const session of open) await session.sql(act);
    open.clear();
    for (const name of prepared.splice(0)) {
      await admin.sql(`${act} prepared '${name}'`);
    }
  }

  async function move(step: Move): Promise<void> {
    if ("place" in step) {
      const [name] = prepared.splice(step.place, 1);
      if (name !== undefined) await admin.sql(`${step.act} '${name}'`);
      return;
    }
    const session = sessions[step.session];
    if (session === undefined) throw new RangeError("Cannot find a session");
    if (step.act === "begin") {
      if (open.has(session)) return;
      await session.sql("begin");
      open.add(session);
      await session.sql(
        step.hasId ? "select pg_current_xact_id()" : "select 1",
      );
    } else if (step.act === "write") await write(session, step);
    else if (open.has(session)) await end(session, step.act);
  }

  async function write(
    session: Session,
    { write, stamp, savepoint }: Move & { act: "write" },
  ): Promise<void> {
    const sql = statement(write, { base, stamp, text: `text ${++serial}` });
    try {
      if (savepoint === "none" || !open.has(session)) {
        await session.sql(sql);
        return;
      }
      await session.sql("savepoint s");
      await session.sql(sql);
      await session.sql(
        savepoint === "released" ? "release s" : "rollback to s",
      );
    } catch (error) {
      const isLocked = error instanceof pg.DatabaseError &&
        error.code === LOCK_NOT_AVAILABLE;
      if (!isLocked) throw error;
      if (open.has(session)) await end(session, "rollback");
    }
  }

  async function end(
    session: Session,
    act: "commit" | "rollback" | "prepare",
  ): Promise<void> {
    if (act === "prepare") {
      if (prepared.length === MAX_PREPARED) return;
      const name = `${world.indexName()} ${base} ${++serial}`;
      await session.sql(`prepare transaction '${name}'`);
      prepared.push(name);
    } else await session.sql(act);
    open.delete(session);
  }

  async function pass(
    agent: SteppedAgent,
    { pauses, end, endAt }: Step & { act: "pass" },
  ): Promise<void> {
    const drain = new AbortController();
    let place = 0;
    let turn = Promise.resolve();
    // the agent has several statements under way at once; the moves between them are made one after the other
    function pause(): Promise<void> {
      turn = turn.then(makeMoves);
      return turn;
    }
    async function makeMoves(): Promise<void> {
      const moves = pauses[place];
      if (place === endAt && end === "drain") drain.abort();
      if (place === endAt && end === "crash") throw new Crash();
      place++;
      for (const step of moves ?? []) await move(step);
    }
    try {
      await agent.pass({ pause, drain: drain.signal });
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
    if (end !== "finish") await agent.restart();
  }

  const kept = opened.move();
  return {
    async play(agent, steps) {
      await empty(agent);
      for (const step of steps) {
        if (step.act === "pass") await pass(agent, step);
        else if (step.act === "restart") await agent.restart();
        else await move(step);
      }
      await endAll("commit");
      // a pass that was cut short ends with the marks of its beginning: what was committed since is for the next one
      while (agent.isInterrupted()) await agent.pass();
    },
    async compare() {
      const ids = Array.from({ length: FILMS }, (_, n) => String(base + n));
      const rows = await admin.sql(
        `select id::text, row_to_json(d)::text as source from (${DOCUMENT}) d`,
      );
      const expected = new Map(rows.map((row) => [row["id"], row["source"]]));
      const differences: Difference[] = [];
      const sources = await readSources(world, ids);
      for (const [place, id] of ids.entries()) {
        const difference = {
          id,
          indexed: sources[place],
          expected: expected.get(id) ?? undefined,
        };
        if (difference.indexed !== difference.expected) {
          differences.push(difference);
        }
      }
      return differences;
    },
    async [Symbol.asyncDispose]() {
      await endAll("rollback");
      await kept.disposeAsync();
    },
  };
}

function statement(
  write: Write,
  { base, stamp, text }: { base: number; stamp: Stamp; text: string },
): string {
  const film = "film" in write ? base + write.film : 0;
  const person = "person" in write ? base + write.person : 0;
  switch (write.what) {
    case "film":
      return `insert into film values (${film}, '${text}', ${stamp})
        on conflict (id) do update set title = excluded.title, updated_at = excluded.updated_at`;
    case "title":
      return `update film set title = '${text}', updated_at = ${stamp} where id = ${film}`;
    case "delete film":
      return `delete from film where id = ${film}`;
    case "name":
      return `update person set name = '${text}', updated_on = ${
        today(stamp)
      } where id = ${person}`;
    case "link":
      return `insert into film_person values (${film}, ${person}, ${stamp}) on conflict do nothing`;
    case "unlink":
      return `delete from film_person where film_id = ${film} and person_id = ${person}`;
  }
}

function today(stamp: Stamp): string {
  return `(${stamp} at time zone 'UTC')::date`;
}

const Answer = z.object({
  docs: z.array(z.object({ _id: z.string(), found: z.boolean() })),
});

/** The text of each document's source as it is now, without waiting for a refresh. */
async function readSources(
  world: World,
  ids: readonly string[],
): Promise<(string | undefined)[]> {
  const { status, text } = await world.search(
    "POST",
    `/${world.indexName()}/_mget`,
    JSON.stringify({ ids }),
  );
  if (status !== 200) {
    throw new Error(`Cannot read documents: status is ${status}, ${text}`);
  }
  const { docs } = Answer.parse(JSON.parse(text));
  // cut out of the text, which JSON.parse and stringify would write otherwise; the source is the last member
  const [, ...parts] = text.slice(0, -"]}".length).split('{"_index":');
  return docs.map(({ found }, place) => {
    const [, source = ""] = parts[place]?.split('"_source":') ?? [];
    return found ? source.slice(0, source.lastIndexOf("}")) : undefined;
  });
}
