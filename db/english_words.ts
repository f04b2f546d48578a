import type { Random } from "./random.ts";
import { listWords } from "./word_list.ts";

const ADJECTIVES = listWords(
  "Amber Bitter Borrowed Broken Burning Crimson Distant Electric",
  "Empty Endless Fading Forgotten Frozen Gentle Golden Hidden",
  "Hollow Honest Invisible Last Little Lonely Long Lost",
  "Midnight Northern Paper Patient Perfect Quiet Reckless Restless",
  "Scarlet Second Secret Silent Silver Stolen Sudden Velvet",
  "Wandering",
);

const NOUNS = listWords(
  "Archive Autumn Balcony Bargain Bridge Carousel Compass Confession",
  "Corridor Dawn Dinner Echo Embassy Ferry Garden Harbour",
  "Horizon Hotel Island Journey Lantern Library Lighthouse Mirror",
  "Mountain Observatory Orchard Orchestra Passenger Promise River",
  "Season Shadow Signal Station Stranger Summer Theatre Tide",
  "Train Valley Verdict Voyage Waltz Winter Witness",
  "Alibi",
);

const PROFESSIONS = listWords(
  "architect astronomer baker beekeeper botanist cartographer",
  "cellist clockmaker detective diplomat engineer ferryman",
  "gardener geologist journalist judge librarian lighthouse-keeper",
  "locksmith nurse photographer pianist pilot postman",
  "restorer sailor schoolteacher surgeon tailor translator",
  "archivist",
);

const PLACES = listWords(
  "Aberdeen Bergen Bristol Cork Dover Galway Halifax Inverness",
  "Lisbon Liverpool Marseille Montreal Naples Oslo Porto Reykjavik",
  "Riga Seville Tallinn Trieste Vancouver Vienna Whitby York",
  "Antwerp",
);

const TITLES: readonly ((random: Random) => string)[] = [
  (random) => `The ${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`,
  (random) => `The ${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`,
  (random) => `${random.pick(ADJECTIVES)} ${random.pick(NOUNS)}`,
  (random) => `The ${capital(random.pick(PROFESSIONS))}'s ${noun(random)}`,
  (random) => `${noun(random)} in ${random.pick(PLACES)}`,
  (random) => `The ${capital(random.pick(PROFESSIONS))} of ${place(random)}`,
  (random) => `A ${noun(random, /^[^AEIOU]/)} for the ${profession(random)}`,
  (random) => `The ${noun(random)} and the ${noun(random)}`,
];

const OPENINGS: readonly ((random: Random) => string)[] = [
  (random) =>
    `${some(random)} comes home to ${place(random)} and finds that ${
      trouble(random)
    }.`,
  (random) =>
    `On the last day of the season, ${some(random, "lower")} in ${
      place(random)
    } learns that ${trouble(random)}.`,
  (random) =>
    `${some(random)} and ${some(random, "lower")} share a train to ${
      place(random)
    }, unaware that ${trouble(random)}.`,
  (random) =>
    `Nobody in ${place(random)} believes it when ${
      some(random, "lower")
    } claims that ${trouble(random)}.`,
  (random) => `${some(random)} has one week to prove that ${trouble(random)}.`,
  (random) =>
    `Twenty years after leaving ${place(random)}, ${
      some(random, "lower")
    } receives a letter: ${trouble(random)}.`,
];

const TROUBLES: readonly string[] = [
  "the old harbour has been sold overnight",
  "a colleague vanished without a trace",
  "the town's only bridge will be closed for good",
  "a famous painting was a forgery all along",
  "the family house hides a second staircase",
  "the radio keeps repeating a message from the future",
  "someone has been answering the letters of the dead",
  "the wrong person was sent to prison",
  "the river has changed its course",
  "the theatre must open again by New Year",
  "every clock in the city stopped at the same minute",
  "the map in the museum shows an island that is not there",
];

const MIDDLES: readonly ((random: Random) => string)[] = [
  (random) => `Help comes from ${some(random, "lower")} who has secrets too.`,
  (random) =>
    `The trail leads through ${place(random)} and ${
      place(random)
    } to a door that should have stayed shut.`,
  (random) =>
    `Only ${
      some(random, "lower")
    } remembers what happened, and remembers it differently every day.`,
  () => "Old friendships are tested, and an unlikely one begins.",
  () => "What starts as a favour soon becomes an obsession.",
  (random) =>
    `Meanwhile ${some(random, "lower")} from ${
      place(random)
    } is asking the same questions.`,
  () => "There is no money, no plan and very little time.",
  () =>
    "A winter storm cuts the telephone lines, and the guests are on their own.",
];

const ENDINGS: readonly ((random: Random) => string)[] = [
  (random) => `One night in ${place(random)} decides everything.`,
  () => "In the end the truth is simpler, and harder to forgive.",
  () => "Some journeys are made only once.",
  () => "A warm story about memory, stubbornness and good bread.",
  () => "By morning, nothing in the town is as it was.",
  () => "It takes a child to ask the right question.",
  () => "And then the music starts again.",
  () => "The price of silence turns out to be higher than anyone thought.",
];

const FIRST_NAMES = listWords(
  "Abigail Adrian Alice Amelia Arthur Beatrice Benedict Callum",
  "Cecily Clara Conrad Daphne Dominic Edith Edmund Eleanor",
  "Felix Fiona Gareth Georgia Gilbert Harriet Hector Imogen",
  "Isaac Ivy Jasper Josephine Julian Leonard Lydia Mabel",
  "Martha Miles Nadia Nigel Olive Oscar Penelope Philip",
  "Rosalind Rupert Sabrina Silas Tabitha Theodore Ursula Vincent",
  "Winifred",
);

const SURNAME_STARTS = listWords(
  "Ash Bell Brack Cal Dun Elm Fair Glen Hale Hart Holl Kest",
  "Lang Marl Pem Quill Raven Sedge Thorn Under Wex Win",
  "Al",
);

const SURNAME_ENDS = listWords(
  "berry bourne combe croft dale field ford grove ham",
  "ley marsh more ridge stead stow ton well wick worth",
  "by",
);

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function noun(random: Random, fitting = /./): string {
  for (;;) {
    const word = random.pick(NOUNS);
    if (fitting.test(word)) return word;
  }
}

function place(random: Random): string {
  return random.pick(PLACES);
}

function profession(random: Random): string {
  return capital(random.pick(PROFESSIONS));
}

function trouble(random: Random): string {
  return random.pick(TROUBLES);
}

function some(random: Random, letterCase: "upper" | "lower" = "upper"): string {
  const word = random.pick(PROFESSIONS);
  const phrase = `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;
  return letterCase === "upper" ? capital(phrase) : phrase;
}

/** A title in English, e.g. "The Clockmaker's Winter". */
export function makeEnglishTitle(random: Random): string {
  return random.pick(TITLES)(random);
}

/** Two to four sentences in English about a film that nobody made. */
export function makeEnglishDescription(random: Random): string {
  const middle = random.pick(MIDDLES);
  const second = random.pick(MIDDLES);
  const longer = random.chance(40) && second !== middle;
  return [
    random.pick(OPENINGS),
    middle,
    ...(longer ? [second] : []),
    random.pick(ENDINGS),
  ].map((makeSentence) => makeSentence(random)).join(" ");
}

/** A first name and a made-up surname, e.g. "Harriet Thornwick". */
export function makeEnglishName(random: Random): string {
  return `${random.pick(FIRST_NAMES)} ${random.pick(SURNAME_STARTS)}${
    random.pick(SURNAME_ENDS)
  }`;
}
