import { deepEqual, equal, ok } from "node:assert/strict";
import { dirname, join } from "node:path";
import manifest from "../deno.json" with { type: "json" };
import { SERVERS } from "../dev/test_servers.ts";
import { loadConfig } from "../src/config.ts";
import { describeFailure, type Failure, RECOVERY } from "../src/failure.ts";
import { ADVICE } from "../src/failure_advice.ts";

const ROOT = new URL("../", import.meta.url);

/** What the failure table shows as examples: the messages in it are those of these. */
const EXAMPLES: { [Kind in Failure["kind"]]: Failure & { kind: Kind } } = {
  "config-invalid": {
    kind: "config-invalid",
    faults: [
      "config.yaml:3:12: postgres.port: is more than 65535, write a whole number from 1 to 65535",
    ],
  },
  "server-unavailable": {
    kind: "server-unavailable",
    server: "PostgreSQL",
    code: "ECONNREFUSED",
  },
  "server-refused": {
    kind: "server-refused",
    server: "PostgreSQL",
    code: "28P01",
    hint: "Check postgres.user and postgres.password",
  },
  "query-failed": {
    kind: "query-failed",
    query: "document of movies",
    code: "42703",
  },
  "document-failed": {
    kind: "document-failed",
    query: "document of movies",
    code: "22012",
  },
  "statement-timeout": {
    kind: "statement-timeout",
    query: "document of movies",
  },
  "sink-busy": {
    kind: "sink-busy",
    index: "movies",
    type: "es_rejected_execution_exception",
  },
  "request-refused": {
    kind: "request-refused",
    index: "movies",
    status: 400,
    type: "mapper_parsing_exception",
    reason: "No handler for type [txt]",
  },
  "index-blocked": {
    kind: "index-blocked",
    index: "movies",
    type: "cluster_block_exception",
  },
  "index-missing": { kind: "index-missing", index: "movies" },
  "index-unusable": {
    kind: "index-unusable",
    index: "movies",
    detail: "the alias stands for 2 indexes; leave it on one",
  },
  "source-replaced": {
    kind: "source-replaced",
    index: "movies",
    system: "7711241213560793996",
  },
  "answer-invalid": {
    kind: "answer-invalid",
    server: "Elasticsearch",
    detail: "3 items for 4 operations",
  },
  "checkpoint-invalid": {
    kind: "checkpoint-invalid",
    file: "state.yaml",
    detail: "it is not YAML, or cut off",
  },
  "checkpoint-unwritable": {
    kind: "checkpoint-unwritable",
    file: "state.yaml",
    code: "ENOSPC",
  },
  "dead-letters-invalid": {
    kind: "dead-letters-invalid",
    file: "dead_letters.jsonl",
    detail: "line 3 is no dead letter",
  },
  "dead-letters-unwritable": {
    kind: "dead-letters-unwritable",
    file: "dead_letters.jsonl",
    code: "ENOSPC",
  },
  "rejections-exceeded": {
    kind: "rejections-exceeded",
    index: "movies",
    count: 1001,
    type: "document_parsing_exception",
    field: "rating",
  },
  "lock-lost": { kind: "lock-lost", code: "ETIMEDOUT" },
};

async function readDocument(path: string): Promise<string> {
  return await Deno.readTextFile(new URL(path, ROOT));
}

/** The paths of all documents, from the project's folder. */
async function listDocuments(): Promise<string[]> {
  const paths = ["README.md", "CHANGELOG.md"];
  for await (const { name } of Deno.readDir(new URL("docs", ROOT))) {
    if (name.endsWith(".md")) paths.push(`docs/${name}`);
  }
  return paths.sort();
}

/** The rows of the table whose first column has this title, each as its cells. */
function readTable(text: string, title: string): string[][] {
  const lines = text.split("\n");
  const head = lines.findIndex((line) => line.startsWith(`| ${title} `));
  ok(head >= 0, `Cannot find a table of ${title}`);
  const rows: string[][] = [];
  for (const line of lines.slice(head + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(line.split("|").slice(1, -1).map((cell) => cell.trim()));
  }
  return rows;
}

/** The text between the first two backticks. */
function code(cell: string | undefined): string {
  return /`([^`]+)`/.exec(cell ?? "")?.[1] ?? "";
}

/** The fenced blocks of a language. */
function readBlocks(text: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return Array.from(text.matchAll(fence), ([, block]) => block ?? "");
}

Deno.test("operations.md has every kind of failure once, with its recovery, its message and its advice", async () => {
  const rows = readTable(await readDocument("docs/operations.md"), "Kind");
  const told = rows.map(([kind, recovery, _, message, advice = ""]) => ({
    kind: code(kind),
    recovery: code(recovery),
    message: code(message),
    advice: advice.replaceAll("`", ""),
  }));
  const known = Object.values(EXAMPLES).map((failure) => ({
    kind: failure.kind,
    recovery: RECOVERY[failure.kind],
    message: describeFailure(failure),
    advice: ADVICE[failure.kind],
  }));
  deepEqual(told, known);
});

Deno.test("operations.md quotes lines of log as they are", async () => {
  const rows = readTable(await readDocument("docs/operations.md"), "Message");
  let sources = await readDocument("main.ts");
  for await (const { name, isFile } of Deno.readDir(new URL("src", ROOT))) {
    if (!isFile) continue;
    sources += await readDocument(`src/${name}`);
  }
  const unknown = rows.map(([message]) => code(message))
    .filter((message) => !sources.includes(`"${message}"`));
  deepEqual(unknown, []);
});

Deno.test("every configuration in the documents is one that loadConfig() takes", async () => {
  let count = 0;
  for (const path of await listDocuments()) {
    const text = await readDocument(path);
    for (const config of readBlocks(text, "yaml")) {
      await loadBlock(config, readBlocks(text, "json"));
      count++;
    }
  }
  ok(count >= 2, `${count} configurations were found`);
});

/** Loads a configuration from a folder of its own; the JSON file that it names is the document's, or else the project's. */
async function loadBlock(config: string, json: string[]): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const file = join(folder, "config.yaml");
    await Deno.writeTextFile(file, config);
    const [_, name = ""] = /index_config: (\S+)/.exec(config) ?? [];
    const content = json[0] ?? await readDocument("index_config.json");
    await Deno.writeTextFile(join(folder, name), content);
    await loadConfig(file, {});
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("every task in the documents is one of deno.json", async () => {
  const tasks = Object.keys(manifest.tasks);
  const unknown: string[] = [];
  for (const path of await listDocuments()) {
    const text = await readDocument(path);
    for (
      const [, task = ""] of text.matchAll(/(?:\bdeno\S* |`)task ([a-z]+)/g)
    ) {
      if (!tasks.includes(task)) unknown.push(`${path}: ${task}`);
    }
  }
  deepEqual(unknown, []);
});

Deno.test("every link in the documents leads to a file, and to a heading of it", async () => {
  const broken: string[] = [];
  for (const path of await listDocuments()) {
    const text = await readDocument(path);
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = "", heading] = target.split("#");
      const to = file === "" ? path : join(dirname(path), file);
      const found = await readDocument(to).catch(() => undefined);
      const isBroken = found === undefined ||
        (heading !== undefined && !listAnchors(found).includes(heading));
      if (isBroken) broken.push(`${path}: ${target}`);
    }
  }
  deepEqual(broken, []);
});

/** The headings of a document, as a link names them. */
function listAnchors(text: string): string[] {
  return Array.from(
    text.matchAll(/^#+ (.+)$/gm),
    ([, heading = ""]) =>
      heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
  );
}

Deno.test("configuration.md and README.md name the same keys at the top", async () => {
  const [readme, full] = await Promise.all([
    readDocument("README.md"),
    readDocument("docs/configuration.md"),
  ]);
  const names = (text: string) =>
    readTable(text, "Key").map(([key]) => code(key)).sort();
  equal(names(readme).join(), names(full).join());
});

Deno.test("docs/servers.md names the servers that the tests are run on", async () => {
  const page = await readDocument("docs/servers.md");
  const rows = readTable(page, "Search server");
  deepEqual(
    rows.map(([search = "", postgres]) => ({
      search: search.toLowerCase(),
      postgres,
    })),
    SERVERS,
  );
});
