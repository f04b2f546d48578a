import { doesNotMatch, equal, match, ok } from "node:assert/strict";
import { runToEnd, startAgent } from "./agent_process.ts";
import { FILM_COUNT } from "./moments.ts";
import { openWorld } from "./world.ts";

/** A pseudo-terminal of the width that bars need; what comes after it is its command. */
const TERMINAL = [
  ...["sh", "-c"],
  'exec script -qec "stty cols 120; $*" /dev/null',
  "sh",
];

Deno.test({
  name: "a load on a terminal shows a bar below the log, and takes it away",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using world = await openWorld({
      settings: {
        "postgres.page_size": 100,
        "limit.documents_per_second": 400, // so slow that the bar is seen
      },
    });
    await world.sql("analyze content.film_work");
    const { code, stdout: screen, stderr } = await runToEnd({
      folder: world.folder,
      args: ["run", "--once"],
      env: { TERM: "xterm", NO_COLOR: "1" },
      through: TERMINAL,
    });
    equal(code, 0, screen + stderr);
    const name = world.indexName();
    const bar =
      `${name} \\[#+-*\\] \\d\\d?% \\d+ of about ${FILM_COUNT}, \\d+/s`;
    match(screen, new RegExp(bar));
    // deno-lint-ignore no-control-regex -- the sequences of colours are what is looked for
    doesNotMatch(screen, /\x1b\[[0-9;]*m/);
    const lastBar = screen.lastIndexOf(" of about ");
    ok(lastBar < screen.lastIndexOf("\x1b[0J"), "the bar is taken away");
    for (const line of ["pass finished kind=load", "index restored"]) {
      // deno-lint-ignore no-control-regex -- what takes the bar away before a line
      const alone = /(?:\n|\x1b\[0J)20[0-9:.TZ-]+ INFO {2}\S+: /.source;
      match(screen, new RegExp(`${alone}${line}[^\\x1b]*\r\n`));
    }
  },
});

Deno.test("a load without a terminal is told every ten seconds", async () => {
  await using world = await openWorld({
    sql: `
      create table film (id int primary key, title text, updated_at timestamptz not null default now());
      insert into film select n, 'title' from generate_series(1, 500) n;
      analyze film`,
    indexes: `
      - {name: films, index_config: films.json, document: "select id, title from film", watch: [{table: film}]}`,
    files: { "films.json": JSON.stringify({ mappings: {} }) },
    settings: {
      "postgres.page_size": 5,
      "limit.documents_per_second": 20,
      "logging.format": "json",
    },
  });
  await using agent = startAgent({ folder: world.folder, args: ["run"] });
  const made = await agent.waitFor("index made");
  const told = await agent.waitFor("loading");
  ok(Date.parse(told.time) - Date.parse(made.time) >= 10_000);
  equal(told["about"], 500);
  match(String(told["share"]), /^\d\d?%$/);
  match(String(told["rate"]), /^\d+\/s$/);
  match(String(told["left"]), /^\d+(s|m\d\ds)$/);
  ok(Number(told["documents"]) > 0);
  agent.kill("SIGTERM");
  const { stdout, told: others } = await agent.ended();
  equal(`${stdout}${others}`, "");
});
