import { z } from "zod";
import type { World } from "./world.ts";

/** Searches through an alias all the time, as people do. */
export interface Searcher extends AsyncDisposable {
  /** How many requests were answered. */
  readonly count: number;
  /** What was wrong with answers: an error, a document that is missing, or one that is older than it was. */
  readonly faults: readonly string[];
  /** Adds documents that are to be found from the first time on that they were. */
  add(ids: readonly string[]): void;
}

const Source = z.object({ version: z.int() });
const Hits = z.object({
  timed_out: z.literal(false),
  _shards: z.object({ failed: z.literal(0) }),
  hits: z.object({
    hits: z.array(z.object({ _id: z.string(), _source: Source })),
  }),
});
const Documents = z.object({
  docs: z.array(
    z.object({
      _id: z.string(),
      found: z.boolean(),
      _source: Source.optional(),
    }),
  ),
});

/** How many documents are asked for at once. */
const BATCH = 40;

/** Between two requests. */
const PAUSE_MS = 2;

/** Every so many searches it is made sure first that what was acknowledged can be searched. */
const REFRESHED_EVERY = 8;

/** More are not told. */
const MAX_FAULTS = 20;

/**
 * Begins to search `alias` for the documents `known`, each of which is there and has a `version` that only grows. What was
 * found once is to be found by each search after that, and what a real-time read has shown by each search after a refresh.
 */
export function openSearcher(
  world: World,
  { alias, known }: { alias: string; known: readonly string[] },
): Searcher {
  const ids = [...known];
  /** The highest version of each that a search, and that a real-time read, has shown. */
  const found = new Map(known.map((id) => [id, 0]));
  const read = new Map(known.map((id) => [id, 0]));
  const faults: string[] = [];
  let count = 0;
  let isStopped = false;

  function blame(fault: string): void {
    if (faults.length < MAX_FAULTS) faults.push(fault);
  }

  async function ask(path: string, body?: object): Promise<unknown> {
    const { status, text } = await world.search(
      "POST",
      `/${alias}/${path}`,
      body === undefined ? undefined : JSON.stringify(body),
    );
    count++;
    if (status !== 200) blame(`${path}: ${status} ${text.slice(0, 300)}`);
    return status === 200 ? JSON.parse(text) : undefined;
  }

  /** Holds what came against what it has to be at least, and learns from it. */
  function judge(
    shown: ReadonlyMap<string, number>,
    { what, least, learned }: {
      what: string;
      least: ReadonlyMap<string, number>;
      learned: Map<string, number>;
    },
  ): void {
    for (const [id, version] of least) {
      const seen = shown.get(id);
      if (seen === undefined) blame(`${what}: ${id} is missing`);
      else if (seen < version) {
        blame(`${what}: ${id} is of version ${seen} after ${version}`);
      }
    }
    for (const [id, version] of shown) {
      learned.set(id, Math.max(version, learned.get(id) ?? 0));
    }
  }

  async function search(
    batch: readonly string[],
    least: ReadonlyMap<string, number>,
  ): Promise<void> {
    const query = { ids: { values: batch } };
    const answer = Hits.safeParse(
      await ask("_search", { size: BATCH, query, _source: ["version"] }),
    );
    if (!answer.success) return blame(`_search: ${answer.error.message}`);
    const shown = answer.data.hits.hits.map(({ _id, _source }) =>
      [_id, _source.version] as const
    );
    judge(new Map(shown), { what: "search", least, learned: found });
  }

  async function readNow(
    batch: readonly string[],
    least: ReadonlyMap<string, number>,
  ): Promise<void> {
    const answer = Documents.safeParse(await ask("_mget", { ids: batch }));
    if (!answer.success) return blame(`_mget: ${answer.error.message}`);
    const shown = answer.data.docs.flatMap(({ _id, _source }) =>
      _source === undefined ? [] : [[_id, _source.version] as const]
    );
    judge(new Map(shown), { what: "real-time read", least, learned: read });
  }

  /** What is known of a batch. */
  function pick(
    batch: readonly string[],
    versions: ReadonlyMap<string, number>,
  ): Map<string, number> {
    return new Map(batch.flatMap((id) => {
      const version = versions.get(id);
      return version === undefined ? [] : [[id, version] as const];
    }));
  }

  async function run(): Promise<void> {
    for (let round = 1; !isStopped; round++) {
      const batch = Array.from(
        { length: BATCH },
        () => ids[Math.floor(Math.random() * ids.length)] ?? "",
      );
      const unique = [...new Set(batch)];
      await readNow(unique, pick(unique, read));
      if (round % REFRESHED_EVERY === 0) {
        const acknowledged = pick(unique, read);
        await ask("_refresh");
        await search(unique, acknowledged);
      } else await search(unique, pick(unique, found));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  const running = run();
  running.catch(() => {}); // thrown when it is disposed of
  return {
    get count() {
      return count;
    },
    faults,
    add: (more) => void ids.push(...more),
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await running;
    },
  };
}
