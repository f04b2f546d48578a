import { fileURLToPath } from "node:url";
import { z } from "zod";
import { itemsWorld, makeDue, tamper } from "../tests/integration/tampering.ts";
import { openWorld, type World } from "../tests/integration/world.ts";
import { makeFilms } from "./films.ts";

/** How long something took, and how much memory it had at most. */
interface Measure {
  readonly seconds: number;
  readonly peakBytes: number;
  readonly stdout: string;
}

/** What a line of the table is of. */
interface Subject {
  readonly label: string;
  readonly open: (count: number) => Promise<World>;
  /** An id that no document has, of the `n`th invented one. */
  readonly invent: (n: number) => string;
}

const TAMPERED = 1_000;
const PEAK_POLL_MS = 20;
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

const ITEM = `repeat('Ж longer text of a document, ', 20)`;

const SUBJECTS: readonly Subject[] = [
  {
    label: "uuid, films",
    async open(count) {
      const world = await openWorld();
      await makeFilms(world.databaseUrl, count);
      return world;
    },
    invent: () => crypto.randomUUID(),
  },
  {
    label: "integer",
    open: (count) => openItems({ type: "int", key: "n", count }),
    invent: (n) => String(1_000_000_000 + n),
  },
  {
    label: "text, ICU",
    open: (count) =>
      openItems({
        type: 'text collate "und-x-icu"',
        key: "md5(n::text)",
        count,
      }),
    invent: (n) => `invented ${n}`,
  },
];

const Arguments = z.tuple([
  z.url({ protocol: /^postgres(ql)?$/ }),
  z.url({ protocol: /^https?$/ }),
  z.coerce.number().int().min(10_000),
]);

const Verified = z.object({
  indexes: z.array(z.object({
    documents: z.int(),
    missing: z.int(),
    different: z.int(),
    extra: z.int(),
  })),
});

async function openItems(
  items: Parameters<typeof itemsWorld>[0],
): Promise<World> {
  const world = await openWorld(itemsWorld(items));
  await world.sql(`update item set name = name || ${ITEM}`);
  await world.sql("vacuum analyze item");
  return world;
}

/** Loads, tampers with and verifies `count` documents, and lets the agent sweep them. */
async function measureSubject(
  { label, open, invent }: Subject,
  count: number,
): Promise<void> {
  await using world = await open(count);
  const load = await runMain(world, "run", "--once");
  print(label, "load", load);
  print(label, "verify, equal", await runMain(world, "verify", "--json"));
  const ids = await pickIds(world, 2 * TAMPERED);
  await tamper(world, [
    ...ids.slice(0, TAMPERED).map((id) => ({ id })),
    ...ids.slice(TAMPERED).map((id) => ({ id, source: "{}" })),
    ...Array.from(
      { length: TAMPERED },
      (_, n) => ({ id: invent(n), source: "{}" }),
    ),
  ]);
  print(
    label,
    "verify, 3,000 differ",
    await runMain(world, "verify", "--json"),
  );
  await makeDue(world);
  print(label, "sweep of content", await runMain(world, "run", "--once"));
  print(label, "verify, mended", await runMain(world, "verify", "--json"));
}

async function pickIds(world: World, count: number): Promise<string[]> {
  const Page = z.object({
    hits: z.object({ hits: z.array(z.object({ _id: z.string() })) }),
  });
  const { text } = await world.search(
    "POST",
    `/${world.indexName()}/_search?_source=false&size=${count}`,
  );
  return Page.parse(JSON.parse(text)).hits.hits.map(({ _id }) => _id);
}

/** Runs the agent's command line over a world. */
async function runMain(world: World, ...args: string[]): Promise<Measure> {
  const startedMs = performance.now();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", MAIN, ...args, "-c", world.configFile],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let peakBytes = 0;
  const timer = setInterval(async () => {
    peakBytes = Math.max(peakBytes, await readPeak(child.pid));
  }, PEAK_POLL_MS);
  const { stdout, stderr, code } = await child.output();
  clearInterval(timer);
  const seconds = (performance.now() - startedMs) / 1_000;
  const decoder = new TextDecoder();
  if (code > 1) throw new Error(decoder.decode(stderr));
  return { seconds, peakBytes, stdout: decoder.decode(stdout) };
}

/** The most memory that a process has had so far. */
async function readPeak(pid: number): Promise<number> {
  try {
    const status = await Deno.readTextFile(`/proc/${pid}/status`);
    return 1_024 * Number(/^VmHWM:\s*(\d+) kB/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0; // it has ended
  }
}

function print(label: string, what: string, measure: Measure): void {
  const { seconds, peakBytes, stdout } = measure;
  const [found] = stdout === ""
    ? []
    : Verified.parse(JSON.parse(stdout)).indexes;
  const counts = found === undefined
    ? ""
    : `${found.documents} documents, ${found.missing} missing, ` +
      `${found.different} different, ${found.extra} extra`;
  const columns = [
    label.padEnd(12),
    what.padEnd(21),
    `${seconds.toFixed(1).padStart(6)} s`,
    `${Math.round(peakBytes / 2 ** 20)} MiB`.padStart(8),
    counts,
  ];
  write(`${columns.join("  ").trimEnd()}\n`);
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) {
  const [postgres, elasticsearch, count = "200000"] = Deno.args;
  const given = Arguments.safeParse([postgres, elasticsearch, count]);
  if (given.success) {
    const [postgresUrl, elasticsearchUrl, documentCount] = given.data;
    Deno.env.set("PG2ES_TEST_POSTGRES", postgresUrl);
    Deno.env.set("PG2ES_TEST_ELASTICSEARCH", elasticsearchUrl);
    for (const subject of SUBJECTS) {
      await measureSubject(subject, documentCount);
    }
  } else {
    write(
      "Cannot measure: usage is deno run -A bench/sweep.ts POSTGRES_URL " +
        "ELASTICSEARCH_URL [COUNT], with a superuser's address and a COUNT of " +
        "at least 10000\n",
    );
    Deno.exitCode = 2;
  }
}
