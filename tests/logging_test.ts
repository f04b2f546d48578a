import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { EtlError } from "../src/failure.ts";
import { createRedactor, formatText, toPlain } from "../src/log_line.ts";
import {
  configureLogging,
  createLog,
  type LoggingConfig,
} from "../src/logging.ts";

const FILE = { maxBytes: 1_000_000, maxFiles: 3 };

const PROGRAM = `
import { configureLogging, createLog } from "./src/logging.ts";
const options = JSON.parse(Deno.args[0]);
await using _ = await configureLogging(options, { secrets: new Set(["tester100"]) });
const log = createLog();
console.log("result");
log.debug("looked", { rows: 1 });
log.with({ index: "movies" }).info("pass finished", { indexed: 5, rejected: 0 });
log.warning("connection lost", { error: new Error("no tester100 at host") });
`;

/** What a process of its own writes that logs a little, with `command` in front of it. */
async function runProgram(
  logging: LoggingConfig,
  { env = {}, terminal = false }: {
    env?: Record<string, string>;
    terminal?: boolean;
  } = {},
) {
  const folder = await Deno.makeTempDir();
  try {
    const root = new URL("../", import.meta.url);
    const file = `${folder}/program.ts`;
    await Deno.writeTextFile(
      file,
      PROGRAM.replace("./src", new URL("src", root).href),
    );
    const config = new URL("deno.json", root).pathname;
    const command = [Deno.execPath(), "run", "-A", "--quiet", "--no-lock"]
      .concat("--config", config, file, JSON.stringify(logging));
    const line = command.map((word) => `'${word}'`).join(" ");
    const [name = "", ...args] = terminal
      ? ["script", "-qec", line, "/dev/null"]
      : command;
    const { code, stdout, stderr } = await new Deno.Command(name, {
      args,
      clearEnv: true,
      env: {
        ...Deno.env.toObject(),
        NO_COLOR: "", // empty means unset
        TERM: "xterm",
        ...env,
      },
    }).output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The lines of a log file to which `write` has logged. */
async function logToFile(
  logging: Pick<LoggingConfig, "level" | "format">,
  write: () => void,
): Promise<string[]> {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/agent.log`;
    {
      const file = { ...FILE, path };
      await using _ = await configureLogging(
        { ...logging, console: false, file },
        { secrets: new Set(["tester100", "p@ss word"]) },
      );
      write();
    }
    return (await Deno.readTextFile(path)).split("\n").slice(0, -1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;

Deno.test("configureLogging() writes text lines to standard error, nothing to standard output", async () => {
  const run = await runProgram({
    level: "info",
    format: "text",
    console: true,
  });
  equal(run.code, 0, run.stderr);
  equal(run.stdout, "result\n");
  const lines = run.stderr.split("\n").map((line) => line.replace(TIME, ""));
  deepEqual(lines, [
    "INFO  movies: pass finished indexed=5 rejected=0",
    'WARN  connection lost error="no *** at host"',
    "",
  ]);
});

Deno.test("configureLogging() writes one JSON object a line", async () => {
  const run = await runProgram({
    level: "debug",
    format: "json",
    console: true,
  });
  const lines = run.stderr.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  for (const { time } of lines) equal(new Date(time).toISOString(), time);
  const [looked, finished, lost] = lines.map(({ time: _, ...rest }) => rest);
  deepEqual(looked, { level: "debug", message: "looked", rows: 1 });
  deepEqual(finished, {
    level: "info",
    message: "pass finished",
    index: "movies",
    indexed: 5,
    rejected: 0,
  });
  equal(lost.error, "no *** at host");
  match(lost.stack, /^Error: no \*\*\* at host\n +at /);
});

Deno.test("configureLogging() writes nowhere when told so", async () => {
  const run = await runProgram({
    level: "info",
    format: "text",
    console: false,
  });
  deepEqual([run.code, run.stdout, run.stderr], [0, "result\n", ""]);
});

Deno.test({
  name: "configureLogging() colours on a terminal, without NO_COLOR",
  ignore: Deno.build.os !== "linux", // the `script` of others takes other arguments
  async fn() {
    const logging = { level: "info", format: "text", console: true } as const;
    const [colored, plain] = await Promise.all([
      runProgram(logging, { terminal: true }),
      runProgram(logging, { terminal: true, env: { NO_COLOR: "1" } }),
    ]);
    ok(colored.stdout.includes("\x1b[33mWARN \x1b[0m connection lost"));
    ok(plain.stdout.includes("WARN  connection lost"), plain.stdout);
    ok(!plain.stdout.includes("\x1b"));
  },
});

Deno.test("configureLogging() leaves out what is below the level", async () => {
  const levels = ["debug", "info", "warning", "error"] as const;
  for (const [index, level] of levels.entries()) {
    const lines = await logToFile({ level, format: "json" }, () => {
      for (const name of levels) createLog()[name]("said");
    });
    deepEqual(
      lines.map((line) => JSON.parse(line).level),
      levels.slice(index),
    );
  }
});

Deno.test("configureLogging() never throws into the caller, whatever is logged", async () => {
  const cycle: Record<string, unknown> = { a: 1 };
  cycle["self"] = cycle;
  for (const format of ["text", "json"] as const) {
    const lines = await logToFile({ level: "info", format }, () => {
      const log = createLog();
      log.info("odd values", {
        cycle,
        none: undefined,
        big: 2n ** 70n,
        nan: NaN,
        date: new Date(NaN),
        symbol: Symbol("s"),
        call: () => 1,
        map: new Map([[1, 2]]),
      });
      log.info("with {braces} and {}", { braces: 1 });
      log.info("last");
    });
    equal(lines.length, 3);
    ok(lines[0]?.includes("1180591620717411303424"));
    ok(!lines[0]?.includes("none"));
    ok(lines[1]?.includes("with {braces} and {}"));
  }
});

Deno.test("configureLogging() shows no secret, as it is or encoded, at any depth", async () => {
  for (const format of ["text", "json"] as const) {
    const [line = ""] = await logToFile({ level: "debug", format }, () => {
      createLog({ index: "tester100" }).error("lost tester100", {
        error: new Error("bad p@ss word"),
        url: "postgres://u:p%40ss%20word@host",
        nested: [{ deep: ["tester100"], tester100: 1 }],
      });
    });
    ok(!/tester100|p@ss|p%40ss/.test(line), line);
    equal(line.match(/\*\*\*/g)?.length, 7, line); // the stack repeats the message
  }
});

Deno.test("configureLogging() logs errors without a stack above debug", async () => {
  const [line = ""] = await logToFile({ level: "info", format: "text" }, () => {
    createLog().error("agent stopped", { error: new TypeError("broken") });
  });
  equal(line.replace(TIME, ""), "ERROR agent stopped error=broken");
});

Deno.test("configureLogging() serves a log that was made before it", async () => {
  const log = createLog({ index: "movies" });
  log.info("lost");
  const lines = await logToFile({ level: "info", format: "text" }, () => {
    log.info("started");
  });
  deepEqual(lines.map((line) => line.replace(TIME, "")), [
    "INFO  movies: started",
  ]);
});

Deno.test("configureLogging() rotates the file by size, private to its user", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/agent.log`;
    for (let run = 0; run < 6; run++) {
      const file = { path, maxBytes: 100, maxFiles: 2 };
      await using _ = await configureLogging(
        { level: "info", format: "text", console: false, file },
        { secrets: new Set() },
      );
      createLog().info("a line of more than half of the size", { run });
    }
    const files = (await Array.fromAsync(Deno.readDir(folder)))
      .map(({ name }) => name).toSorted();
    deepEqual(files, ["agent.log", "agent.log.1", "agent.log.2"]);
    for (const [age, name] of files.entries()) {
      ok((await Deno.readTextFile(`${folder}/${name}`)).endsWith(
        ` run=${5 - age}\n`,
      ));
      equal(((await Deno.stat(`${folder}/${name}`)).mode ?? 0) & 0o777, 0o600);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("configureLogging() keeps every file private at once, also one begun while lines pile up", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/agent.log`;
    const file = { path, maxBytes: 200, maxFiles: 3 };
    await using _ = await configureLogging(
      { level: "info", format: "text", console: false, file },
      { secrets: new Set() },
    );
    // the second waits for the first, and then no other line follows
    createLog().info("a line", { filler: "x".repeat(150) });
    createLog().info("a line", { filler: "y".repeat(150) });
    while ((await Array.fromAsync(Deno.readDir(folder))).length < 2) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    for await (const { name } of Deno.readDir(folder)) {
      const { mode } = await Deno.stat(`${folder}/${name}`);
      equal((mode ?? 0) & 0o777, 0o600, name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("configureLogging() tells of a log file that cannot be opened", async () => {
  const folder = await Deno.makeTempDir();
  const file = { ...FILE, path: `${folder}/missing/agent.log` };
  await rejects(
    configureLogging(
      { level: "info", format: "text", console: true, file },
      { secrets: new Set() },
    ),
    (error) => {
      ok(error instanceof EtlError);
      equal(error.failure.kind, "config-invalid");
      match(error.message, /^Cannot write log file .*: code is ENOENT\. Make/);
      return true;
    },
  );
  await Deno.remove(folder);
});

Deno.test("formatText() lets no value end its line or fake another field", () => {
  const line = formatText({
    timestampMs: 0,
    level: "info",
    message: "one\ntwo",
    fields: {
      index: "a b",
      lines: "x\ny=1",
      escape: "\x1b[2J",
      direction: "\u202etxt",
      empty: "",
      list: ["a\n", 1],
    },
  });
  equal(
    line,
    '1970-01-01T00:00:00.000Z INFO  "a b": one\\u000atwo lines="x\\ny=1" escape="\\u001b[2J" ' +
      'direction="\\u202etxt" empty="" list=["a\\n",1]',
  );
});

Deno.test("createRedactor() leaves words as short as a word", () => {
  equal(createRedactor(new Set(["abc", ""]))("abc"), "abc");
  equal(
    createRedactor(new Set(["abcd", "abcdef", "a.c+"]))("abcdef a.c+ abcc"),
    "*** *** abcc",
  );
});

Deno.test("toPlain() redacts numbers that hold a secret", () => {
  const redact = createRedactor(new Set(["1234"]));
  deepEqual(toPlain({ a: 912345, b: 5n, c: 7 }, { redact, withStack: false }), {
    a: "9***5",
    b: "5",
    c: 7,
  });
});
