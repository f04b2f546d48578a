import { z } from "zod";
import type { Log, LoggingConfig } from "./logging.ts";
import type { Pipeline } from "./pipeline.ts";
import type { Source } from "./postgres.ts";
import type { Sink } from "./sink.ts";
import { type BarState, hasBars, openBar } from "./terminal.ts";

/** How far a load is; what is unknown is not there. */
export interface LoadState {
  /** Documents settled since the load began, or was gone on with. */
  readonly documents: number;
  /** What PostgreSQL estimates that there are. */
  readonly total?: number;
  /** From 0 to 1. */
  readonly share?: number;
  readonly perSecond: number;
  readonly leftSeconds?: number;
}

/** Tells how far a load is until it is disposed of; `sink` is the one to load through. */
export interface Progress extends Disposable {
  readonly sink: Sink;
}

/** Between two lines of the log, where there is no terminal. */
const LINE_PERIOD_MS = 10_000;

/** The estimate is of the last analyze: a load that goes on is not done. */
const MAX_SHARE = 0.99;

/** An empty table was never analyzed, and a foreign one has no size. */
const ESTIMATE = `with recursive part(oid) as (
  select $1::regclass::oid
  union
  select i.inhrelid from pg_inherits i join part p on p.oid = i.inhparent
), leaf as (
  select case when c.reltuples >= 0 then c.reltuples
    when c.relkind = 'r' and pg_relation_size(c.oid) = 0 then 0 end as row_count
  from part p join pg_class c on c.oid = p.oid
  where c.relkind in ('r', 'm', 'f')
)
select case when count(*) = count(row_count)
  then sum(row_count)::bigint::text end as total
from leaf`;

const Estimates = z.tuple([
  z.object({ total: z.coerce.number().nullable() }),
]);

/**
 * Tells how far the next pass of `pipeline` is, where it is a load: by a bar on a terminal, else by a line every `periodMs`.
 * What was loaded before a restart is not counted, and so there is no share of a load that is gone on with.
 */
export async function openProgress(
  { plan, checkpoint, source, sink, telemetry, log }: Pipeline,
  { logging, signal, periodMs = LINE_PERIOD_MS, onState = () => {} }: {
    logging: LoggingConfig;
    signal: AbortSignal;
    periodMs?: number;
    /** Called each time that something is settled. */
    onState?: (state: LoadState) => void;
  },
): Promise<Progress | undefined> {
  const position = checkpoint.load(plan.name);
  if (position !== undefined && position.load === undefined) return undefined;
  const isBegun = Object.keys(position?.load ?? {}).length > 0;
  const total = isBegun
    ? undefined
    : await estimateRows(source, { table: plan.root.from, signal });
  telemetry.expect(total);
  const startedMs = performance.now();
  let documents = 0;
  const measure = () =>
    measureLoad({ documents, total, tookMs: performance.now() - startedMs });
  const isOnTerminal = logging.console && logging.format === "text" &&
    hasBars();
  const shown = isOnTerminal
    ? openBar(() => drawLoad(plan.name, measure()))
    : openLines(() => tellLoad(log, measure()), periodMs);
  return {
    sink: {
      ...sink,
      async settle(...args) {
        const outcome = await sink.settle(...args);
        const { written, superseded, rejections } = outcome;
        documents += written + superseded + rejections.length;
        onState(measure());
        return outcome;
      },
    },
    [Symbol.dispose]: () => shown[Symbol.dispose](),
  };
}

/** How many rows a table has, with its partitions; nothing where PostgreSQL has no estimate. */
export async function estimateRows(
  source: Source,
  { table, signal }: { table: string; signal: AbortSignal },
): Promise<number | undefined> {
  const rows = await source.query(
    { label: "pg_class", sql: ESTIMATE, row: z.unknown() },
    { values: [table], signal },
  );
  const [{ total }] = Estimates.parse(rows);
  return total === null || total === 0 ? undefined : total;
}

/**
 * How far a load is, by what it has done in `tookMs`. It is never said to be done: more documents than the estimate says
 * leave the share just below the whole, and the time unknown.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { measureLoad } from "./progress.ts";
 * deepEqual(measureLoad({ documents: 250, total: 1_000, tookMs: 5_000 }), {
 *   documents: 250,
 *   perSecond: 50,
 *   total: 1_000,
 *   share: 0.25,
 *   leftSeconds: 15,
 * });
 * deepEqual(measureLoad({ documents: 1_200, total: 1_000, tookMs: 1_000 }).share, 0.99);
 * ```
 */
export function measureLoad(
  { documents, total, tookMs }: {
    documents: number;
    total: number | undefined;
    tookMs: number;
  },
): LoadState {
  // within a millisecond there is no rate to speak of
  const perSecond = tookMs < 1 ? 0 : documents / (tookMs / 1_000);
  const state = { documents, perSecond: Math.round(perSecond) };
  if (total === undefined || total <= 0) return state;
  const share = Math.min(documents / total, MAX_SHARE);
  const isEstimable = perSecond > 0 && documents < total;
  const leftSeconds = isEstimable
    ? { leftSeconds: Math.round((total - documents) / perSecond) }
    : {};
  return { ...state, total, share, ...leftSeconds };
}

/**
 * A duration for people, in its two largest units.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { formatSeconds } from "./progress.ts";
 * const texts = [7, 65, 3_599, 3_600, 90_061].map(formatSeconds);
 * deepEqual(texts, ["7s", "1m05s", "59m59s", "1h00m", "25h01m"]);
 * ```
 */
export function formatSeconds(seconds: number): string {
  const pad = (part: number) => String(Math.floor(part)).padStart(2, "0");
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3_600) {
    return `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`;
  }
  return `${Math.floor(seconds / 3_600)}h${pad(seconds % 3_600 / 60)}m`;
}

/**
 * What a bar shows of a load.
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { drawLoad } from "./progress.ts";
 * const state = { documents: 250, perSecond: 50, total: 1_000, share: 0.25, leftSeconds: 15 };
 * deepEqual(drawLoad("movies", state), {
 *   before: "movies",
 *   share: 0.25,
 *   after: "25% 250 of about 1000, 50/s, 15s left",
 * });
 * deepEqual(drawLoad("movies", { documents: 250, perSecond: 50 }), {
 *   before: "movies",
 *   after: "250 documents, 50/s",
 * });
 * ```
 */
export function drawLoad(
  name: string,
  { documents, total, share, perSecond, leftSeconds }: LoadState,
): BarState {
  if (total === undefined || share === undefined) {
    return { before: name, after: `${documents} documents, ${perSecond}/s` };
  }
  const left = leftSeconds === undefined
    ? ""
    : `, ${formatSeconds(leftSeconds)} left`;
  const after = `${
    percent(share)
  } ${documents} of about ${total}, ${perSecond}/s${left}`;
  return { before: name, share, after };
}

function tellLoad(
  log: Log,
  { documents, total, share, perSecond, leftSeconds }: LoadState,
): void {
  log.info("loading", {
    documents,
    about: total ?? UNKNOWN,
    share: share === undefined ? UNKNOWN : percent(share),
    rate: `${perSecond}/s`,
    left: leftSeconds === undefined ? UNKNOWN : formatSeconds(leftSeconds),
  });
}

const UNKNOWN = "unknown";

function percent(share: number): string {
  return `${Math.floor(share * 100 + 1e-9)}%`;
}

function openLines(tell: () => void, periodMs: number): Disposable {
  const timer = setInterval(tell, periodMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
