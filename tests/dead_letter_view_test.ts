import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { formatDeadLetter } from "../src/dead_letter_line.ts";
import { openDeadLetterView } from "../src/dead_letter_view.ts";

/** The line of a dead letter. */
function line(
  key: string,
  { index = "movies", second = 0, document = `{"id":"${key}"}` } = {},
): string {
  const time = new Date(second * 1000).toISOString();
  return formatDeadLetter(
    { key, type: "parsing", field: "rating", version: "1", document },
    { time, index, redact: (text) => text },
  );
}

async function setUp() {
  const folder = await Deno.makeTempDir();
  return {
    file: join(folder, "dead_letters.jsonl"),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

Deno.test("openDeadLetterView() counts what is outstanding, in all files, also when they change", async () => {
  await using place = await setUp();
  const { file } = place;
  const view = openDeadLetterView(file, { showsDocuments: false });
  deepEqual(await view.count(), new Map());
  await Deno.writeTextFile(`${file}.1`, line("a") + line("b"));
  await Deno.writeTextFile(file, line("b") + line("c", { index: "books" }));
  deepEqual(await view.count(), new Map([["movies", 2], ["books", 1]]));
  await Deno.remove(`${file}.1`);
  deepEqual(await view.count(), new Map([["movies", 1], ["books", 1]]));
});

Deno.test("openDeadLetterView() keeps what it knew when a file is damaged", async () => {
  await using place = await setUp();
  const { file } = place;
  const view = openDeadLetterView(file, { showsDocuments: true });
  await Deno.writeTextFile(file, line("a"));
  equal((await view.count()).get("movies"), 1);
  await Deno.writeTextFile(file, "damaged\n" + line("a"));
  equal((await view.count()).get("movies"), 1);
});

Deno.test("openDeadLetterView() has the ten newest, their documents only where these are to be shown", async () => {
  await using place = await setUp();
  const { file } = place;
  const seconds = Array.from({ length: 12 }, (_, second) => second);
  const long = `{"id":"11","text":"${"x".repeat(20_000)}"}`;
  const quoted = String.raw`{"a":"\",\"document\":"}`;
  const lines = seconds.map((second) =>
    line(String(second), {
      second,
      ...(second === 11 ? { document: long } : {}),
      ...(second === 10 ? { document: quoted } : {}),
    })
  );
  await Deno.writeTextFile(file, lines.join(""));
  const hidden = openDeadLetterView(file, { showsDocuments: false });
  const { count, newest = [] } = (await hidden.summarize()).get("movies") ??
    {};
  equal(count, 12);
  deepEqual(newest.map(({ id }) => Number(id)), seconds.reverse().slice(0, 10));
  deepEqual(newest[0], {
    ...{ id: "11", type: "parsing", field: "rating" },
    at: "1970-01-01T00:00:11.000Z",
  });
  const shown = openDeadLetterView(file, { showsDocuments: true });
  const documents = (await shown.summarize()).get("movies")?.newest
    .map(({ document }) => document) ?? [];
  equal(documents[0], `${long.slice(0, 10_000)}…`);
  equal(documents[1], quoted);
  equal(documents[2], '{"id":"9"}');
});
