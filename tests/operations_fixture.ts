import type { Cluster } from "../src/elasticsearch.ts";
import type { Log } from "../src/logging.ts";
import type { Operations } from "../src/operations.ts";
import { NO_DEAD_LETTERS } from "../src/dead_letters.ts";
import { openPressure } from "../src/pressure.ts";
import { openSink, type Sink } from "../src/sink.ts";
import { recordLog } from "./recorded_log.ts";
import { quickPersister } from "./servers.ts";

/** A document to write or delete. */
export interface Change {
  readonly id: string;
  readonly version?: number;
  /** The document; without one it is deleted. */
  readonly source?: Readonly<Record<string, unknown>>;
}

/** The changes as one request. */
export function pack(changes: readonly Change[]): Operations {
  const encoder = new TextEncoder();
  const texts = changes.map(({ id, version = 1, source }) => {
    const action = { _id: id, version, "version_type": "external_gte" };
    return source === undefined
      ? encoder.encode(`${JSON.stringify({ delete: action })}\n`)
      : encoder.encode(
        `${JSON.stringify({ index: action })}\n${JSON.stringify(source)}\n`,
      );
  });
  const buffer = new Uint8Array(
    texts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  const entries = texts.map((bytes, place) => {
    buffer.set(bytes, at);
    const start = at;
    at += bytes.length;
    return { key: changes[place]?.id ?? "", start, end: at };
  });
  return { buffer, entries };
}

/** A document of a film, to write. */
export function film(id: string): Change {
  return { id, source: { title: `title of ${id}` } };
}

/** The sink of an index, which tries again at once. */
export function openQuickSink(
  cluster: Cluster,
  { log = recordLog().log, name = "movies" }: { log?: Log; name?: string } = {},
): Sink {
  return openSink({
    cluster,
    persister: quickPersister("Elasticsearch", log),
    pressure: openPressure({ concurrency: 2, maxBytes: 1e6 }, log),
    deadLetters: NO_DEAD_LETTERS,
    index: { name, alias: `${name}-write` },
    log,
  });
}
