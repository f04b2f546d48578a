import { createHash } from "node:crypto";
import { z } from "zod";
import type { Cluster, Request } from "./elasticsearch.ts";
import { explainStatus } from "./elasticsearch_failure.ts";
import { EtlError, type Failure, recovers } from "./failure.ts";
import type { Log } from "./logging.ts";
import { Position } from "./position.ts";

/** The positions kept in Elasticsearch, for an agent that starts on another machine. */
export interface KeptPositions extends AsyncDisposable {
  /**
   * Where `index` stands as far as it is read from `source`, if that is kept. What cannot be read is told, and is none.
   * @throws {EtlError} with `isNeeded`, what time can mend; or the signal's reason.
   */
  read(
    index: string,
    options: {
      source: Position["source"];
      /** Whether there is no other position to go on from. */
      isNeeded: boolean;
      signal: AbortSignal;
    },
  ): Promise<Position | undefined>;
  /** Has `position` written after so many milliseconds at the latest, 0 is now; where that fails, again some time later. */
  note(index: string, position: Position, withinMs: number): void;
  /** Writes what was noted; gives up after some seconds. */
  flush(): Promise<void>;
}

/** The least time between two writes. */
const PERIOD_MS = 3_000;

/** What fails is tried again after this. */
const FAILED_MS = 5_000;

/** How long an agent that stops waits for what it still has to write. */
const FLUSH_LIMIT_MS = 2_000;

/** There is no index, or no alias. */
const ABSENT = ["index_not_found_exception"];

/** A newer position is there. */
const NEWER = "version_conflict_engine_exception";

const Answer = z.looseObject({
  status: z.int().optional(),
  error: z.union([z.string(), z.object({ type: z.string() })]).optional(),
});

const Found = z.object({
  "_source": z.object({ position: z.string() }),
});

/** Every status of a refusal is an answer here: it must not hold up anything. Not 401: another password is tried then. */
const REFUSALS = [400, 403, 404, 405, 409, 413, 429, 500, 502, 503, 504];

/**
 * Opens the positions in the index `name`, which is made with the first one.
 *
 * `cluster` tries each request once: positions are written beside the pages and never in their way. An older position
 * never takes the place of a newer one, whoever writes it.
 */
export function openKeptPositions(
  cluster: Cluster,
  { name, log }: { name: string; log: Log },
): KeptPositions {
  const alias = `${name}-write`;
  const closing = new AbortController();
  const noted = new Map<string, Position>();
  let writing: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dueMs = Infinity;
  let earliestMs = 0;
  let isFailing = false;

  function request(
    asked: Pick<Request<unknown>, "method" | "path" | "query" | "body">,
    signal: AbortSignal,
  ): Promise<unknown> {
    return cluster.request({
      ...asked,
      index: name,
      ignore: REFUSALS,
      answer: z.unknown(),
    }, signal);
  }

  /** Whether a request was done; false where it is refused by one of these types. */
  async function settles(
    asked: Parameters<typeof request>[0],
    refusals: readonly string[],
  ): Promise<boolean> {
    const refusal = refusalOf(await request(asked, closing.signal), name);
    if (refusal === undefined || refusal.type === NEWER) return true;
    if (refusals.includes(refusal.type)) return false;
    throw new EtlError(refusal.failure);
  }

  async function writeOne(index: string, position: Position): Promise<void> {
    const query = {
      "require_alias": "true",
      version: position.document_version ?? "0",
      "version_type": "external_gte",
    };
    const id = documentId(index, position.source);
    const body = {
      index,
      position: JSON.stringify(position),
      "saved_at": new Date().toISOString(),
    };
    const path = `/${encodeURIComponent(alias)}/_doc/${id}`;
    const put = { method: "PUT", path, query, body } as const;
    if (await settles(put, ABSENT)) return;
    await makeIndex();
    await settles(put, []);
  }

  async function makeIndex(): Promise<void> {
    const settings = {
      "index.number_of_shards": 1,
      "index.auto_expand_replicas": "0-1",
      "index.hidden": true,
    };
    const mappings = { dynamic: false };
    const aliases = { [alias]: { "is_hidden": true } };
    const body = { settings, mappings, aliases };
    const path = `/${encodeURIComponent(name)}`;
    const there = ["resource_already_exists_exception"];
    if (await settles({ method: "PUT", path, body }, there)) return;
    // made meanwhile by another agent, or by somebody who did not know of the alias
    const add = { index: name, alias, "is_hidden": true };
    const actions = { actions: [{ add }] };
    await settles({ method: "POST", path: "/_aliases", body: actions }, []);
  }

  async function write(): Promise<void> {
    for (const [index, position] of [...noted]) {
      try {
        await writeOne(index, position);
        if (noted.get(index) === position) noted.delete(index);
        if (isFailing) log.info("the position is kept again", { name });
        isFailing = false;
      } catch (error) {
        if (closing.signal.aborted || recovers(error, "wait")) return;
        earliestMs = performance.now() + FAILED_MS;
        if (!isFailing) {
          log.warning("cannot keep the position in Elasticsearch", {
            name,
            error,
          });
        }
        isFailing = true;
        return; // the others would meet the same
      }
    }
    earliestMs = performance.now() + PERIOD_MS;
  }

  function begin(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    dueMs = Infinity;
    writing ??= write().finally(() => {
      writing = undefined;
      if (noted.size > 0) schedule(earliestMs);
    });
    return writing;
  }

  function schedule(atMs: number): void {
    if (atMs >= dueMs || closing.signal.aborted) return;
    dueMs = atMs;
    clearTimeout(timer);
    timer = setTimeout(begin, Math.max(0, atMs - performance.now()));
  }

  return {
    async read(index, { source, isNeeded, signal }) {
      const path = `/${encodeURIComponent(name)}/_doc/${
        documentId(index, source)
      }`;
      try {
        const answer = await request({ method: "GET", path }, signal);
        const found = Found.safeParse(answer);
        if (found.success) {
          return parsePosition(found.data._source.position);
        }
        const refusal = refusalOf(answer, name);
        const isAbsent = refusal === undefined ||
          ABSENT.includes(refusal.type);
        if (!isAbsent) throw new EtlError(refusal.failure);
      } catch (error) {
        signal.throwIfAborted();
        const isPassing = recovers(error, "retry") &&
          error.failure.kind !== "answer-invalid";
        if (isNeeded && isPassing) throw error;
        log.warning("cannot read the position kept in Elasticsearch", {
          name,
          index,
          error,
        });
      }
      return undefined;
    },
    note(index, position, withinMs) {
      noted.set(index, position);
      const atMs = performance.now() + withinMs;
      schedule(
        withinMs > 0 || isFailing ? Math.max(earliestMs, atMs) : atMs,
      );
    },
    async flush() {
      const limit = setTimeout(() => closing.abort(), FLUSH_LIMIT_MS);
      await writing;
      if (noted.size > 0) await begin();
      clearTimeout(limit);
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      clearTimeout(timer);
      await writing;
    },
  };
}

/** Numbers of two sources do not compare: each has a document of its own. */
function documentId(
  index: string,
  { system, database }: Position["source"],
): string {
  const text = JSON.stringify([index, system, database]);
  return createHash("sha256").update(text).digest("hex");
}

/** Why an answer says no, if it does. */
function refusalOf(
  answer: unknown,
  index: string,
): { readonly type: string; readonly failure: Failure } | undefined {
  const { data = { error: "no JSON" } } = Answer.safeParse(answer);
  const { error, status = 502 } = data;
  if (error === undefined) return undefined;
  const type = typeof error === "string" ? error : error.type;
  const failure = explainStatus(status, type, index);
  if (failure.kind !== "server-refused") return { type, failure };
  const hint = `Grant the agent's user create_index, manage, read and index ` +
    `on ${index}, or write elasticsearch.position_index: off`;
  return { type, failure: { ...failure, hint } };
}

/** @throws {EtlError} `answer-invalid`; nothing of the text is told, as it quotes keys. */
function parsePosition(text: string): Position {
  try {
    return Position.parse(JSON.parse(text));
  } catch {
    const detail = "the position that is kept there is of another version, " +
      "or damaged";
    const server = "Elasticsearch";
    throw new EtlError({ kind: "answer-invalid", server, detail });
  }
}
