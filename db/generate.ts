/**
 * Writes the content of the example, movies_db_content.dump: films, persons,
 * genres and their links, all of them made up. The same bytes on every run.
 *
 *     deno run --allow-write=db db/generate.ts
 *
 * Commit the dump after a change here; a test compares the two.
 *
 * @module
 */
import {
  makeEnglishDescription,
  makeEnglishName,
  makeEnglishTitle,
} from "./english_words.ts";
import { GENRES } from "./genre_list.ts";
import { type Random, seedRandom } from "./random.ts";
import {
  makeRussianDescription,
  makeRussianName,
  makeRussianTitle,
} from "./russian_words.ts";

const SEED = 1895;
const FILMS = 1_000;
const PERSONS = 4_000;
const DAY_MS = 86_400_000;

/** A column of a row of `copy`; `null` is SQL's NULL. */
type Value = string | null;

type Language = {
  makeTitle: (random: Random) => string;
  makeDescription: (random: Random) => string;
  /** Ids of the persons who were in no film yet, and of those who are often asked. */
  unseen: string[];
  famous: string[];
};

/** The rows of each table. */
type Tables = Record<
  "genre" | "person" | "film_work" | "genre_film_work" | "person_film_work",
  Value[][]
>;

/** What is written of each table, in the order in which they can be loaded. */
const COLUMNS: readonly (readonly [keyof Tables, string])[] = [
  ["genre", "id, name, description, created_at, updated_at"],
  ["person", "id, full_name, created_at, updated_at"],
  [
    "film_work",
    "id, title, description, creation_date, rating, type, " +
    "created_at, updated_at",
  ],
  ["genre_film_work", "id, film_work_id, genre_id, created_at"],
  ["person_film_work", "id, film_work_id, person_id, role, created_at"],
];

/** The whole dump, as text for psql. */
export function makeDump(): string {
  const random = seedRandom(SEED);
  const tables: Tables = {
    genre: [],
    person: [],
    "film_work": [],
    "genre_film_work": [],
    "person_film_work": [],
  };
  for (const { name, description } of GENRES) {
    tables.genre.push([random.uuid(), name, description, ...moments(random)]);
  }
  const languages = [
    {
      makeTitle: makeEnglishTitle,
      makeDescription: makeEnglishDescription,
      ...addPersons(tables, { random, makeName: makeEnglishName }),
    },
    {
      makeTitle: makeRussianTitle,
      makeDescription: makeRussianDescription,
      ...addPersons(tables, { random, makeName: makeRussianName }),
    },
  ];
  const titles = new Set<string>();
  for (let film = 0; film < FILMS; film++) {
    addFilm(tables, { random, titles, language: random.pick(languages) });
  }
  return [
    "-- Made by generate.ts. All films and persons are made up.",
    "set client_encoding = 'UTF8';",
    ...COLUMNS.map(([table, columns]) =>
      copyRows(`content.${table} (${columns})`, tables[table])
    ),
    "",
  ].join("\n");
}

function addPersons(
  tables: Tables,
  { random, makeName }: {
    random: Random;
    makeName: (random: Random) => string;
  },
): { unseen: string[]; famous: string[] } {
  const names = new Set<string>();
  while (names.size < PERSONS / 2) names.add(makeName(random));
  const persons = Array.from(names, (name) => ({ id: random.uuid(), name }));
  for (const { id, name } of persons) {
    tables.person.push([id, name, ...moments(random)]);
  }
  const ids = persons.map(({ id }) => id);
  return { unseen: [...ids], famous: ids.slice(0, PERSONS / 20) };
}

function addFilm(
  tables: Tables,
  { random, titles, language }: {
    random: Random;
    titles: Set<string>;
    language: Language;
  },
): void {
  const id = random.uuid();
  const [createdAt, updatedAt] = moments(random);
  tables.film_work.push([
    id,
    makeNewTitle(titles, { random, language }),
    random.chance(4) ? null : language.makeDescription(random),
    random.chance(3) ? null : day(random),
    random.chance(5) ? null : (1 + random.below(40) / 10 +
      random.below(51) / 10).toFixed(1),
    random.chance(20) ? "tv_show" : "movie",
    createdAt,
    updatedAt,
  ]);
  for (const genre of drawSome(tables.genre, 1 + random.below(4), random)) {
    tables.genre_film_work.push([random.uuid(), id, genre[0] ?? "", createdAt]);
  }
  for (const { person, role } of drawCast(language, random)) {
    tables.person_film_work.push([random.uuid(), id, person, role, createdAt]);
  }
}

function makeNewTitle(
  titles: Set<string>,
  { random, language }: { random: Random; language: Language },
): string {
  for (;;) {
    const title = language.makeTitle(random);
    const words = title.toLowerCase().split(/[^\p{L}-]+/u);
    const nouns = words.filter((word) => word.length > 3);
    if (titles.has(title) || new Set(nouns).size < nouns.length) continue;
    titles.add(title);
    return title;
  }
}

/** Who is in a film, each person once a role: some direct what they wrote. */
function drawCast(
  language: Language,
  random: Random,
): { person: string; role: string }[] {
  const counts = { director: 1, writer: 1 + random.below(2), actor: 0 };
  if (random.chance(15)) counts.director = 2;
  counts.actor = 3 + random.below(4);
  const everyone = new Set<string>();
  while (everyone.size < counts.director + counts.writer + counts.actor) {
    everyone.add(drawPerson(language, random));
  }
  const persons = [...everyone];
  const cast = Object.entries(counts).flatMap(([role, count]) =>
    persons.splice(0, count).map((person) => ({ person, role }))
  );
  const [first] = cast;
  if (first && random.chance(25)) cast.push({ ...first, role: "writer" });
  return cast;
}

function drawPerson(language: Language, random: Random): string {
  const unseen = random.chance(60) ? language.unseen.pop() : undefined;
  const famous = language.famous[random.below(language.famous.length)] ?? "";
  return unseen ?? famous;
}

function drawSome<Item>(
  items: readonly Item[],
  count: number,
  random: Random,
): Item[] {
  const rest = [...items];
  return Array.from({ length: count }, () => random.below(rest.length))
    .flatMap((index) => rest.splice(index % rest.length, 1));
}

/** When a row was made, and when it was changed last, to the microsecond. */
function moments(random: Random): [createdAt: string, updatedAt: string] {
  const createdMs = Date.UTC(2022, 0, 1) + random.below(365) * DAY_MS +
    random.below(DAY_MS);
  const changedMs = random.chance(70)
    ? createdMs
    : createdMs + random.below(500) * DAY_MS + random.below(DAY_MS);
  const micros = String(random.below(1_000)).padStart(3, "0");
  return [moment(createdMs, micros), moment(changedMs, micros)];
}

function moment(timeMs: number, micros: string): string {
  const text = new Date(timeMs).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 23)}${micros}+00`;
}

function day(random: Random): string {
  const timeMs = Date.UTC(1952, 0, 1) + random.below(26_000) * DAY_MS;
  return new Date(timeMs).toISOString().slice(0, 10);
}

function copyRows(target: string, rows: Value[][]): string {
  const lines = rows.map((row) => row.map(escapeValue).join("\t"));
  return [`\ncopy ${target} from stdin;`, ...lines, "\\."].join("\n");
}

function escapeValue(value: Value): string {
  if (value === null) return "\\N";
  return value.replaceAll("\\", "\\\\").replaceAll("\t", "\\t")
    .replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}

if (import.meta.main) {
  await Deno.writeTextFile(
    new URL("movies_db_content.dump", import.meta.url),
    makeDump(),
  );
}
