import type { Random } from "../../db/random.ts";
import { between } from "./schedule.ts";

/** A statement of a transaction. */
export interface Step {
  readonly sql: string;
  readonly values: readonly (string | number)[];
  /** How long nothing happens before it. */
  readonly pauseMs: number;
}

/** What a writer does at once. */
export interface Transaction {
  readonly steps: readonly Step[];
  readonly end:
    | "commit"
    | "rollback"
    | "prepare and commit"
    | "prepare and roll back";
  /** How long it stays as it is before it ends, and, where it is prepared, after that. */
  readonly pauseMs: number;
}

/** Films have years that the index refuses beyond this one. */
export const LAST_YEAR = 9999;
/** The year of the dates that the index refuses; no number in a log is likely to be the same. */
export const REFUSED_YEAR = 54321;

const FILMS = [600, 2_500] as const;
const MAX_LINKS = 15_000;
const MAX_REFUSED = 30;

const TEXTS = [
  "plain",
  "quotes \"' and \\ backslash",
  "Съешь ещё этих мягких французских булок",
  "𝕬stral 🎬🍿 ünïcödé 漢字 مرحبا",
  "two\nlines\tand a tab\r",
  "\u2028 separators \u2029 \u0001 control",
  '{"index":{}}\n{"delete":{}}',
];
const LONG_TEXT = "x".repeat(5_000);

type Make = (context: {
  readonly random: Random;
  readonly rows: number;
  readonly text: string;
  /** A text that many films may hold without growing large. */
  readonly name: string;
}) => Omit<Step, "pauseMs">;

/** Some rows of a table, others at each `salt`. */
function some(table: string, rows: number): string {
  return `select id from content.${table}
    order by md5(id::text || $1::text) limit ${rows}`;
}

const STEPS: readonly (readonly [weight: number, make: Make])[] = [
  [6, ({ random, rows, text }) => ({
    sql: `update content.film_work
      set title = $2::text || id, description = $3::text, rating = $4::numeric / 10
      where id in (${some("film_work", rows)})`,
    values: [random.uuid(), `${text} `, text, random.below(101)],
  })],
  [1, ({ random, rows }) => ({
    sql: `update content.film_work set description = null, rating = null
      where id in (${some("film_work", rows)})`,
    values: [random.uuid()],
  })],
  [3, ({ random, rows, text }) => ({
    sql:
      `insert into content.film_work (title, description, creation_date, type)
      select $1::text || n, $1::text, date '1950-01-01' + n, 'movie'
      from generate_series($2::int, $2::int + ${rows - 1}) n
      where (select count(*) from content.film_work) < ${FILMS[1]}`,
    values: [text, random.below(10_000)],
  })],
  [3, ({ random, rows }) => ({
    sql: `delete from content.film_work
      where id in (${some("film_work", Math.min(rows, 60))})
      and (select count(*) from content.film_work) > ${FILMS[0]}`,
    values: [random.uuid()],
  })],
  [4, ({ random, rows, name: text }) => ({
    sql: `update content.person set full_name = $2::text || id
      where id in (${some("person", rows)})`,
    values: [random.uuid(), text],
  })],
  [1, ({ random, name: text }) => ({
    sql: `update content.genre set name = $2::text || id
      where id in (${some("genre", 1)})`,
    values: [random.uuid(), text],
  })],
  [3, ({ random, rows }) => ({
    sql: `insert into content.person_film_work (film_work_id, person_id, role)
      select f.id, p.id, 'actor'
      from (select id, row_number() over () as n from (${
      some("film_work", rows)
    }) f) f
      join (select id, row_number() over () as n from (${
      some("person", rows)
    }) p) p using (n)
      where (select count(*) from content.person_film_work) < ${MAX_LINKS}
      on conflict do nothing`,
    values: [random.uuid()],
  })],
  [3, ({ random, rows }) => ({
    sql: `delete from content.person_film_work
      where id in (${some("person_film_work", rows)})`,
    values: [random.uuid()],
  })],
  [2, ({ random, rows }) => ({
    sql: `insert into content.genre_film_work (film_work_id, genre_id)
      select f.id, g.id
      from (${some("film_work", rows)}) f, (${some("genre", 1)}) g
      on conflict do nothing`,
    values: [random.uuid()],
  })],
  [2, ({ random, rows }) => ({
    sql: `delete from content.genre_film_work
      where id in (${some("genre_film_work", rows)})`,
    values: [random.uuid()],
  })],
  [1, ({ random }) => ({
    sql: `delete from content.person where id in (${some("person", 1)})`,
    values: [random.uuid()],
  })],
  [2, ({ random, text }) => ({
    sql: `update content.film_work
      set creation_date = date '${REFUSED_YEAR}-01-01' + $3::int, title = $2::text
      where id in (${some("film_work", 2)})
      and (select count(*) from content.film_work
        where creation_date >= '${LAST_YEAR + 1}-01-01') < ${MAX_REFUSED}`,
    values: [random.uuid(), text, random.below(300)],
  })],
  [2, ({ random }) => ({
    sql: `update content.film_work set creation_date = '2001-02-03'
      where id in (select id from content.film_work
        where creation_date >= '${LAST_YEAR + 1}-01-01'
        order by md5(id::text || $1::text) limit 3)`,
    values: [random.uuid()],
  })],
];

/** Transactions without end, the same ones for the same numbers; every value that they write holds `marker`. */
export function* planTransactions(
  random: Random,
  marker: string,
): Generator<Transaction, never> {
  for (let count = 0;; count++) {
    const isLong = random.chance(5);
    const pauseMs = () => isLong ? between(random, [200, 3_000]) : 0;
    const steps: Step[] = [];
    const stepCount = between(random, [1, random.pick([1, 2, 6])]);
    for (let place = 0; place < stepCount; place++) {
      const name = `${marker} ${random.pick(TEXTS)} ${count}.${place} `;
      const text = random.chance(10) ? `${name}${LONG_TEXT} ` : name;
      const rows = between(
        random,
        random.pick([[1, 5], [1, 5], [1, 5], [5, 50], [50, 400]]),
      );
      const step = {
        ...pickStep(random)({ random, rows, text, name }),
        pauseMs: pauseMs(),
      };
      steps.push(...random.chance(20) ? withSavepoint(random, step) : [step]);
    }
    yield { steps, end: pickEnd(random), pauseMs: pauseMs() };
  }
}

function withSavepoint(random: Random, step: Step): Step[] {
  const word = (sql: string): Step => ({ sql, values: [], pauseMs: 0 });
  const end = random.chance(50)
    ? "rollback to savepoint s"
    : "release savepoint s";
  return [word("savepoint s"), step, word(end)];
}

function pickEnd(random: Random): Transaction["end"] {
  const place = random.below(100);
  if (place < 4) return "prepare and commit";
  if (place < 6) return "prepare and roll back";
  return place < 14 ? "rollback" : "commit";
}

function pickStep(random: Random): Make {
  const total = STEPS.reduce((sum, [weight]) => sum + weight, 0);
  let rest = random.below(total);
  for (const [weight, make] of STEPS) {
    rest -= weight;
    if (rest < 0) return make;
  }
  throw new RangeError("Cannot pick a step: the weights do not add up");
}
