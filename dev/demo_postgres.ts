// @ts-types="@types/pg"
import pg from "pg";
import { z } from "zod";

/** A connection to the example's database. */
export interface FilmDatabase extends AsyncDisposable {
  /** How many films there are. */
  countFilms(): Promise<number>;
  /** The actor with most films; of several the first by name. */
  busiestActor(): Promise<Actor>;
  /** Gives a person another name, as an application would. */
  renamePerson(id: string, name: string): Promise<void>;
}

/** An actor, and how many films he or she plays in. */
export type Actor = z.infer<typeof Actor>;
const Actor = z.strictObject({
  id: z.string(),
  name: z.string(),
  films: z.int(),
});

const COUNT_FILMS = "select count(*)::int as films from content.film_work";

const BUSIEST_ACTOR = `
  select p.id, p.full_name as name, count(distinct l.film_work_id)::int as films
  from content.person p
  join content.person_film_work l on l.person_id = p.id and l.role = 'actor'
  group by p.id
  order by films desc, name
  limit 1`;

const RENAME_PERSON = "update content.person set full_name = $2 where id = $1";

/** Connects to the example's database at `url`. */
export async function openFilmDatabase(url: string): Promise<FilmDatabase> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    async countFilms() {
      const { rows } = await client.query(COUNT_FILMS);
      return z.strictObject({ films: z.int() }).parse(rows[0]).films;
    },
    async busiestActor() {
      const { rows } = await client.query(BUSIEST_ACTOR);
      return Actor.parse(rows[0]);
    },
    async renamePerson(id, name) {
      await client.query(RENAME_PERSON, [id, name]);
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}
