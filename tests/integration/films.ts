import { z } from "zod";
import type { Row, World } from "./world.ts";

/** A genre or a person of a film. */
type Named = z.infer<typeof Named>;
const Named = z.object({ id: z.string(), name: z.string() });

const FilmRow = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string().nullable(),
  rating: z.string().nullable().transform((text) =>
    text === null ? null : Number(text)
  ),
  creation_date: z.string().nullable(),
  type: z.string(),
  updated_at: z.string(),
});

/** All films by id, put together from plain reads of each table: another way than the configuration's. */
export async function readFilms(world: World): Promise<Map<string, unknown>> {
  const genres = groupLinks(
    await world.sql(
      `select gfw.film_work_id || ' genre' as place, g.id, g.name
       from content.genre_film_work gfw, content.genre g
       where g.id = gfw.genre_id
       order by g.name, g.id`,
    ),
  );
  const persons = groupLinks(
    await world.sql(
      `select pfw.film_work_id || ' ' || pfw.role as place, p.id, p.full_name as name
       from content.person_film_work pfw, content.person p
       where p.id = pfw.person_id
       order by p.full_name, p.id`,
    ),
  );
  const rows = await world.sql(
    `select id, title, description, rating, to_char(creation_date, 'YYYY-MM-DD') as creation_date, type,
       rtrim(to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '0') || '+00:00' as updated_at
     from content.film_work`,
  );
  return new Map(
    FilmRow.array().parse(rows).map(({ id, updated_at, ...film }) => [id, {
      id,
      ...film,
      genres: genres.get(`${id} genre`) ?? [],
      actors: persons.get(`${id} actor`) ?? [],
      directors: persons.get(`${id} director`) ?? [],
      writers: persons.get(`${id} writer`) ?? [],
      // a whole second has no fraction
      updated_at: updated_at.replace(".+", "+"),
    }]),
  );
}

function groupLinks(rows: readonly Row[]): Map<string, Named[]> {
  const groups = new Map<string, Named[]>();
  for (const row of rows) {
    const place = row["place"] ?? "";
    const group = groups.get(place) ?? [];
    group.push(Named.parse(row));
    groups.set(place, group);
  }
  return groups;
}

/** The films of the index by id, as JSON says them. */
export async function indexedFilms(
  world: World,
): Promise<Map<string, unknown>> {
  const documents = await world.documents();
  return new Map(
    [...documents].map(([id, { source }]) => [id, JSON.parse(source)]),
  );
}
