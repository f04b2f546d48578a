import type { Random } from "./random.ts";
import { listWords } from "./word_list.ts";

type Gender = "masculine" | "feminine" | "neuter";

/** Nominative and genitive, in lower case. */
type Noun = { gender: Gender; name: string; of: string };

/** The three genders of an adjective. */
const ADJECTIVES: readonly Record<Gender, string>[] = [
  adjective("Далёк", "ий ая ое"),
  ...hard("Белый Быстрый Верный Вечный Забытый Закрытый Звёздный Зимний"),
  ...hard("Красный Ледяной Медный Невидимый Нежный Обычный Острый Первый"),
  ...hard("Полный Потерянный Светлый Северный Серебряный Старый Странный"),
  ...hard("Тайный Тёмный Тёплый Трудный Туманный Утраченный Хрупкий Чужой"),
  ...hard("Янтарный Последний Тихий Летний Соседний Горький Лёгкий Дикий"),
];

const NOUNS: readonly Noun[] = [
  { gender: "masculine", name: "берег", of: "берега" },
  ...nouns(
    "masculine",
    "архив-архива ветер-ветра вокзал-вокзала голос-голоса дом-дома",
    "дождь-дождя друг-друга знак-знака маяк-маяка мост-моста",
    "океан-океана остров-острова ответ-ответа поезд-поезда порт-порта",
    "рассвет-рассвета сад-сада свидетель-свидетеля сигнал-сигнала",
    "снег-снега театр-театра туман-тумана февраль-февраля гость-гостя",
  ),
  ...nouns(
    "feminine",
    "гавань-гавани дорога-дороги зима-зимы карта-карты книга-книги",
    "лестница-лестницы лодка-лодки музыка-музыки надежда-надежды",
    "ночь-ночи осень-осени река-реки станция-станции тайна-тайны",
    "тень-тени тишина-тишины улица-улицы встреча-встречи",
  ),
  ...nouns(
    "neuter",
    "море-моря окно-окна письмо-письма утро-утра лето-лета",
    "зеркало-зеркала обещание-обещания озеро-озера молчание-молчания",
  ),
];

/** Nominative and genitive of those whom a film is about. */
const PROFESSIONS: readonly Noun[] = [
  { gender: "masculine", name: "архитектор", of: "архитектора" },
  ...nouns(
    "masculine",
    "астроном-астронома ботаник-ботаника врач-врача геолог-геолога",
    "журналист-журналиста инженер-инженера картограф-картографа",
    "лётчик-лётчика машинист-машиниста моряк-моряка мостостроитель-мостостроителя",
    "настройщик-настройщика переводчик-переводчика пианист-пианиста",
    "почтальон-почтальона реставратор-реставратора садовник-садовника",
    "следователь-следователя смотритель-смотрителя учитель-учителя",
    "фотограф-фотографа часовщик-часовщика хирург-хирурга",
  ),
];

/** Where to, and where. */
const PLACES: readonly { to: string; at: string }[] = [
  { to: "в Архангельск", at: "в Архангельске" },
  { to: "в Мурманск", at: "в Мурманске" },
  { to: "в Выборг", at: "в Выборге" },
  { to: "в Иркутск", at: "в Иркутске" },
  { to: "в Кострому", at: "в Костроме" },
  { to: "в Псков", at: "в Пскове" },
  { to: "в Самару", at: "в Самаре" },
  { to: "в Суздаль", at: "в Суздале" },
  { to: "в Тверь", at: "в Твери" },
  { to: "в Томск", at: "в Томске" },
  { to: "в Вологду", at: "в Вологде" },
  { to: "в Казань", at: "в Казани" },
  { to: "во Владивосток", at: "во Владивостоке" },
  { to: "на Байкал", at: "на Байкале" },
  { to: "на Камчатку", at: "на Камчатке" },
  { to: "на Сахалин", at: "на Сахалине" },
];

const TITLES: readonly ((random: Random) => string)[] = [
  (random) => described(random),
  (random) => described(random),
  (random) => capital(`${noun(random).name} ${person(random).of}`),
  (random) => capital(`${noun(random).name} ${place(random).at}`),
  (random) => capital(`${noun(random).name} и ${noun(random).name}`),
  (random) => capital(`${person(random).name} ${place(random).at}`),
  (random) => capital(`${person(random).name} и ${noun(random).name}`),
];

const OPENINGS: readonly ((random: Random) => string)[] = [
  (random) =>
    `${who(random)} возвращается ${place(random).to} и узнаёт, что ${
      trouble(random)
    }.`,
  (random) =>
    `${who(random)} приезжает ${
      place(random).to
    } всего на один день, но оказывается, что ${trouble(random)}.`,
  (random) =>
    `Никто ${place(random).at} не верит, когда ${
      person(random).name
    } говорит, что ${trouble(random)}.`,
  (random) =>
    `У ${person(random).of} есть только неделя, чтобы доказать: ${
      trouble(random)
    }.`,
  (random) =>
    `${who(random)} и ${person(random).name} едут одним поездом ${
      place(random).to
    } и не знают, что ${trouble(random)}.`,
];

const TROUBLES: readonly string[] = [
  "старый порт продан за одну ночь",
  "его лучший друг пропал без вести",
  "единственный мост закрывают навсегда",
  "знаменитая картина всегда была подделкой",
  "в родном доме есть вторая лестница",
  "радио повторяет сообщение из будущего",
  "кто-то отвечает на письма, отправленные полвека назад",
  "осудили невиновного",
  "река изменила русло",
  "театр должен открыться до Нового года",
  "все часы в городе остановились в одну минуту",
  "на карте отмечен остров, которого нет",
];

const MIDDLES: readonly ((random: Random) => string)[] = [
  (random) =>
    `Помогать берётся ${person(random).name}, у которого есть свои секреты.`,
  (random) =>
    `След ведёт сначала ${
      place(random).to
    }, а потом к двери, которую лучше было не открывать.`,
  (random) =>
    `Только ${
      person(random).name
    } помнит, что случилось, и каждый день помнит по-разному.`,
  () => "Старая дружба проходит проверку, и неожиданно начинается новая.",
  () => "То, что было одолжением, становится наваждением.",
  () => "Денег нет, плана нет, а времени почти не осталось.",
  (random) => `Тем временем ${person(random).name} задаёт те же самые вопросы.`,
  () => "Метель обрывает провода, и гости остаются одни.",
];

const ENDINGS: readonly ((random: Random) => string)[] = [
  (random) => `Одна ночь ${place(random).at} решает всё.`,
  () => "Правда окажется проще, и простить её будет труднее.",
  () => "Некоторые дороги проходят только один раз.",
  () => "Тёплая история о памяти, упрямстве и хорошем хлебе.",
  () => "К утру город уже не тот, что прежде.",
  () => "Верный вопрос задаёт ребёнок.",
  () => "И тогда снова начинает играть музыка.",
  () => "Цена молчания оказывается выше, чем все думали.",
];

const MEN = listWords(
  "Алексей Андрей Аркадий Борис Вадим Валентин Василий Виктор",
  "Геннадий Глеб Григорий Денис Евгений Егор Захар Игнат",
  "Кирилл Леонид Макар Матвей Никита Олег Павел Роман",
  "Савелий Степан Тимофей Фёдор Юрий",
  "Яков",
);

const WOMEN = listWords(
  "Алевтина Алина Анфиса Валерия Варвара Вера Виктория Галина",
  "Дарья Евдокия Елена Жанна Зинаида Инна Кира Ксения",
  "Лидия Любовь Марина Надежда Нина Оксана Полина Раиса",
  "Софья Таисия Тамара Ульяна Юлия",
  "Яна",
);

const SURNAME_STARTS = listWords(
  "Бело Верхо Ветро Горно Добро Звездо Красно Криво Ново",
  "Остро Перво Светло Серо Снего Старо Тихо Черно Ясно",
);

const SURNAME_ENDS = listWords(
  "боров бродов взоров водов горов дубов звонов колов",
  "лесов лугов мостов озёров песков полев садов холмов",
);

function adjective(stem: string, endings: string): Record<Gender, string> {
  const [masculine = "", feminine = "", neuter = ""] = endings.split(" ");
  return {
    masculine: stem + masculine,
    feminine: stem + feminine,
    neuter: stem + neuter,
  };
}

function hard(words: string): Record<Gender, string>[] {
  return words.split(" ").map((word) => {
    const [stem, ending] = [word.slice(0, -2), word.slice(-2)];
    const soft = word.endsWith("ний");
    return adjective(stem, `${ending} ${soft ? "яя ее" : "ая ое"}`);
  });
}

function nouns(gender: Gender, ...lines: string[]): Noun[] {
  return lines.join(" ").split(" ").map((pair) => {
    const [name = "", of = ""] = pair.split("-");
    return { gender, name, of };
  });
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function noun(random: Random): Noun {
  return random.pick(NOUNS);
}

function person(random: Random): Noun {
  return random.pick(PROFESSIONS);
}

function who(random: Random): string {
  return capital(person(random).name);
}

function place(random: Random): { to: string; at: string } {
  return random.pick(PLACES);
}

function trouble(random: Random): string {
  return random.pick(TROUBLES);
}

function described(random: Random): string {
  const { gender, name } = noun(random);
  return `${random.pick(ADJECTIVES)[gender]} ${name}`;
}

/** A title in Russian, e.g. «Тихая гавань». */
export function makeRussianTitle(random: Random): string {
  return random.pick(TITLES)(random);
}

/** Three sentences in Russian about a film that nobody made. */
export function makeRussianDescription(random: Random): string {
  return [OPENINGS, MIDDLES, ENDINGS]
    .map((sentences) => random.pick(sentences)(random)).join(" ");
}

/** A first name and a made-up surname of the same gender. */
export function makeRussianName(random: Random): string {
  const surname = random.pick(SURNAME_STARTS) + random.pick(SURNAME_ENDS);
  return random.chance(50)
    ? `${random.pick(MEN)} ${surname}`
    : `${random.pick(WOMEN)} ${surname}а`;
}
