import type { ChangeFeed } from "./change_feed.ts";
import type { Subscription } from "./feed_subscription.ts";
import type { Time } from "./horizon.ts";
import type { Key } from "./keys.ts";
import type { Log } from "./logging.ts";
import { formatLsn, type Lsn, parseLsn } from "./lsn.ts";
import type { IndexPlan } from "./plan.ts";
import type { Position } from "./position.ts";
import type { Source } from "./postgres.ts";
import {
  openStreamedDocuments,
  type StreamedDocuments,
} from "./streamed_documents.ts";
import type { IndexTelemetry } from "./telemetry.ts";

/** What one index gets of the feed, over all its passes. */
export interface IndexFeed {
  /** The stream of its changes, which it joins where it has none; nothing while it has to poll. */
  join(
    saved: Position | undefined,
    signal: AbortSignal,
  ): Promise<Joined | undefined>;
  /** Takes in what is on disk. */
  saved(position: Position): void;
  /** Up to where it was on disk that all is settled. */
  readonly savedLsn: Lsn | undefined;
  /** Ends the stream for this index: what was taken of it and is not settled comes again with the next one. */
  end(): void;
  /** Leaves the feed: it is waited for where another pipeline goes on from `position` soon. */
  leave(position?: Position): void;
  /** Whether nothing is to be missed that polling cannot see. */
  readonly isStreaming: boolean;
}

/** An index that gets its changes by the stream. */
export interface Joined {
  readonly subscription: Subscription;
  /** What it has brought and is not settled. */
  readonly documents: StreamedDocuments;
  /** Whether it has had all that came before the stream, or nothing is to be missed of that. */
  isContiguous: boolean;
  /** Whether it has brought something since the marks of polling were to tell of all of it. */
  hasBrought: boolean;
  /** Once they are not before this, they tell of what was brought before; that is to be on disk for whoever reads it there. */
  unmarked: Time | undefined;
  /** What a position says once all before `lsn` is settled. */
  claim(lsn: Lsn, gap?: string): NonNullable<Position["wal"]>;
}

/** Opens it for the index of `plan`. */
export function openIndexFeed(
  feed: ChangeFeed,
  { plan, source, readIds, slot, telemetry, log }: {
    plan: IndexPlan;
    source: Source;
    /** The ids of every document of the index, page by page. */
    readIds: (signal: AbortSignal) => AsyncIterable<readonly Key[]>;
    slot: string;
    telemetry: IndexTelemetry;
    log: Log;
  },
): IndexFeed {
  let joined: Joined | undefined;
  let savedLsn: Lsn | undefined;
  let told: string | undefined;

  function tell(reason: string, fields: Record<string, string>): void {
    telemetry.followed(
      reason === "" ? { way: "wal" } : { way: "polling", reason },
    );
    if (reason === told) return;
    told = reason;
    if (reason === "") log.info("changes are followed by the log", fields);
    else {
      log.warning("changes are looked for by polling for now", {
        reason,
        ...fields,
      });
    }
  }

  function end(): void {
    joined?.subscription.end();
    joined = undefined;
  }

  return {
    async join(saved, signal) {
      if (joined !== undefined && !joined.subscription.ended.aborted) {
        return joined;
      }
      joined = undefined;
      const wal = saved?.wal;
      const found = await feed.join({ name: plan.name, plan, wal }, signal);
      if ("refusal" in found) {
        const { reason, remedy } = found.refusal;
        tell(reason, { remedy });
        return undefined;
      }
      const { subscription, isContiguous } = found;
      const { publication } = subscription;
      joined = {
        subscription,
        documents: openStreamedDocuments({ source, plan, readIds }),
        isContiguous,
        hasBrought: true, // by the stream before this one
        unmarked: undefined,
        claim: (lsn, gap) => ({
          ...{ slot, publication, lsn: formatLsn(lsn) },
          ...(gap === undefined ? {} : { gap }),
        }),
      };
      savedLsn = subscription.from;
      tell("", { slot });
      return joined;
    },
    saved({ wal }) {
      if (wal === undefined || joined === undefined) return;
      savedLsn = parseLsn(wal.lsn);
      joined.subscription.saved(savedLsn);
    },
    get savedLsn() {
      return savedLsn;
    },
    get isStreaming() {
      return joined !== undefined && joined.isContiguous &&
        !joined.subscription.ended.aborted;
    },
    end,
    leave(position) {
      // before the stream has one subscriber less
      if (position?.wal !== undefined) feed.expect(plan.name, position.wal);
      else feed.dismiss(plan.name);
      end();
    },
  };
}
