import { openDeadLetters } from "../src/dead_letters.ts";
import { createPersister } from "../src/retry.ts";
import { recordLog } from "./recorded_log.ts";

// a process that records letters, and clears two of three again: given the file and what its ids begin with
const [file = "", name = ""] = Deno.args;
const signal = new AbortController().signal;
const office = await openDeadLetters(
  { file, maxBytes: 2_000, stopAfter: undefined },
  {
    persister: createPersister("dead-letter file", {
      limits: { minDelayMs: 1, maxDelayMs: 10, multiplier: 2 },
      log: recordLog().log,
      drain: signal,
    }),
    secrets: new Set(),
    signal,
  },
);
const letters = office.of("movies");
for (let number = 0; number < 40; number++) {
  const key = `${name}${number}`;
  await letters.record([{ key, type: "parsing", version: "1" }], signal);
  if (number % 3 !== 0) await letters.clear([key], { version: "2", signal });
}
