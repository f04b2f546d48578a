import { z } from "zod";

/** A moment in ISO 8601, by the agent's clock. */
const Moment = z.iso.datetime();
const Count = z.int().nonnegative();
const Seconds = z.number().nonnegative();

/** Something that went wrong, as often as it did; nothing of a row, and no secret. */
export type ErrorReport = z.infer<typeof ErrorReport>;
export const ErrorReport = z.object({
  /** A kind of the failure table. */
  kind: z.string(),
  /** What is done about it: `retry`, `refuse`, `split`, `recreate`, `wait` or `stop`. */
  recovery: z.string(),
  /** What failed, and where, in one sentence. */
  message: z.string(),
  /** What a person does about it. */
  advice: z.string(),
  firstAt: Moment,
  lastAt: Moment,
  count: Count,
});

/** One of the two servers, as the last call to it ended. */
export type ServerReport = z.infer<typeof ServerReport>;
export const ServerReport = z.object({
  /** `unknown` before the first answer or failure. */
  state: z.enum(["unknown", "reached", "lost"]),
  /** Since when the state is this one. */
  since: Moment,
  lastAnswerAt: Moment.optional(),
  lastError: ErrorReport.optional(),
});

/** How documents were settled since the agent started. */
export type DocumentCounts = z.infer<typeof DocumentCounts>;
export const DocumentCounts = z.object({
  /** Written or deleted. */
  written: Count,
  /** A newer reading was there. */
  superseded: Count,
  /** In the dead letters. */
  rejected: Count,
});

/** How far a full load is. */
export type LoadReport = z.infer<typeof LoadReport>;
export const LoadReport = z.object({
  startedAt: Moment,
  /** Documents settled since the load began, or was gone on with after a restart. */
  documents: Count,
  /** What PostgreSQL estimates that there are. */
  total: Count.optional(),
  /** From 0 to 1. */
  share: z.number().min(0).max(1).optional(),
  perSecond: Count,
  leftSeconds: Seconds.optional(),
});

/** A pass that has ended. */
export type PassReport = z.infer<typeof PassReport>;
export const PassReport = z.object({
  kind: z.enum(["load", "follow"]),
  startedAt: Moment,
  seconds: Seconds,
  ...DocumentCounts.shape,
  /** Whether it came to its end: it was not cut short by a pause, a stop or a failure. */
  finished: z.boolean(),
});

/** A document that is refused for good. */
export type DeadLetterReport = z.infer<typeof DeadLetterReport>;
export const DeadLetterReport = z.object({
  id: z.string(),
  /** The type of the error, and the field that it is about. */
  type: z.string(),
  field: z.string().optional(),
  at: Moment,
  /** What was sent, as JSON text; only with `http.show_documents: true`. */
  document: z.string().optional(),
});

/** One watched table. */
export type TableReport = z.infer<typeof TableReport>;
export const TableReport = z.object({
  name: z.string(),
  /**
   * Changes up to here are in the index: a time of the database's clock in ISO 8601 with six digits, or, where changes
   * are ordered by a number, that number.
   */
  watermark: z.string().optional(),
  /** How long ago that was, by the database's clock; absent for a number. */
  lagSeconds: Seconds.optional(),
});

/** Another physical index of the same name. */
export type GenerationReport = z.infer<typeof GenerationReport>;
export const GenerationReport = z.object({
  name: z.string(),
  /** `next` is filled to take the place of the one that is searched; `old` was searched before, and is kept. */
  role: z.enum(["next", "old"]),
  since: Moment,
  /** There while it is loaded. */
  load: LoadReport.omit({ startedAt: true }).optional(),
});

/** Samples for charts, the newest last: one every `periodSeconds`, the last of them at `endedAt`; at most an hour of them. */
export type HistoryReport = z.infer<typeof HistoryReport>;
export const HistoryReport = z.object({
  periodSeconds: z.number().positive(),
  endedAt: Moment,
  /** Documents settled a second, on the average of the period. */
  perSecond: z.array(z.number().nonnegative()),
  /** The lag at the sample's moment; null where it was not known. As many as there are rates. */
  lagSeconds: z.array(Seconds.nullable()),
});

/** One index of the configuration. */
export type IndexReport = z.infer<typeof IndexReport>;
export const IndexReport = z.object({
  /** The name that people search. */
  name: z.string(),
  /** The index behind it; absent before it is known. */
  physicalIndex: z.string().optional(),
  /** What tells it from another one that gets the same name later. */
  physicalUuid: z.string().optional(),
  /** `waiting`: for its turn, for the writer lock, or for a server; `failed`: the agent ends because of it. */
  state: z.enum(["waiting", "loading", "following", "paused", "failed"]),
  /** Why it waits or has failed. */
  reason: z.string().optional(),
  pausedSince: Moment.optional(),
  documents: DocumentCounts,
  /** Documents settled a second, over the last minute. */
  perSecond: z.number().nonnegative(),
  /** Whatever was committed longer ago than this is in the index; absent while that is not known, as during the first load. */
  lagSeconds: Seconds.optional(),
  /** There while a full load is under way. */
  load: LoadReport.optional(),
  /** Passes that were begun, and the number of the last that found everything: what was committed before that began is in the index. */
  passes: z.object({ started: Count, caughtUp: Count }),
  lastPass: PassReport.optional(),
  tables: z.array(TableReport),
  /** Which way changes come just now, and, where they are to come by the log and do not, why; absent where tables are looked at. */
  follow: z.object({
    way: z.enum(["polling", "wal"]),
    reason: z.string().optional(),
  }).optional(),
  /** The latest of each kind, the newest first; at most 10. */
  errors: z.array(ErrorReport),
  deadLetters: z.object({
    count: Count,
    /** The newest first; at most 10. */
    newest: z.array(DeadLetterReport),
  }),
  history: HistoryReport,
  /** Other physical indexes of the name. */
  generations: z.array(GenerationReport).optional(),
});

/** Whether all is well, and what is not: one sentence each, none where it is. */
export type Verdict = z.infer<typeof Verdict>;
export const Verdict = z.object({
  ok: z.boolean(),
  reasons: z.array(z.string()),
});

/** What PostgreSQL keeps of its log for the agent. */
export type SlotReport = z.infer<typeof SlotReport>;
export const SlotReport = z.object({
  name: z.string(),
  keptBytes: Count,
  /** What came after the last place that was confirmed. */
  lagBytes: Count,
  /** At so much the slot is dropped. */
  maxBytes: Count,
});

/**
 * What `/status` answers. Fields may be added; who reads it passes over those that it does not know.
 */
export type StatusReport = z.infer<typeof StatusReport>;
export const StatusReport = z.object({
  version: z.string(),
  /** When the report was made. */
  at: Moment,
  /** `agent`: told by the running agent; `state`: by the state file and the servers, so that what only an agent knows is absent or 0. */
  from: z.enum(["agent", "state"]),
  /** When the agent started; absent from `state`. */
  startedAt: Moment.optional(),
  /** `none`: no agent writes, as far as can be seen from `state`. */
  role: z.enum(["starting", "standby", "writer", "stopping", "none"]),
  /** Since when it has this role. */
  since: Moment.optional(),
  /** As `/healthz` and `/readyz` answer. */
  health: Verdict,
  readiness: Verdict,
  servers: z.object({
    postgresql: ServerReport.extend({
      /** How old the oldest open transaction was at the last look: its changes are not seen before it ends. */
      oldestTransactionSeconds: Seconds.optional(),
      /** There while changes are followed by the log. */
      slot: SlotReport.optional(),
    }),
    elasticsearch: ServerReport,
  }),
  indexes: z.array(IndexReport),
});
