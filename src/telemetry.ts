import type { Failure, Server } from "./failure.ts";
import type { Position } from "./position.ts";

/** What calls are made to: a server, or a file of the agent's. */
export type Dependency = Server | "state file" | "dead-letter file";

/**
 * What the agent is to its indexes: `starting` until it knows, `standby` while another one writes, `writer`, and `stopping`
 * once it was told to.
 */
export type Role = "starting" | "standby" | "writer" | "stopping";

/** A call to a server. */
export interface ServerCall {
  readonly server: Server;
  readonly operation: "statement" | "request" | "bulk";
  /** How much is sent, where that is told of. */
  readonly bytes?: number;
}

/** How documents were settled. */
export interface Counts {
  readonly written: number;
  readonly superseded: number;
  readonly rejected: number;
}

/** What a pass did, as far as it is told of. */
export interface PassSummary extends Counts {
  readonly kind: "load" | "follow";
  readonly finished: boolean;
}

/** What was read at the beginning of a pass. */
export interface PassNotice {
  /** The time of the database's clock. */
  readonly now: string;
  /** When that was asked for, of `performance.now()`. */
  readonly askedMs: number;
  /** When the oldest transaction began that is open, if one is. */
  readonly oldestStart: string | undefined;
  /** The position that the pass begins with. */
  readonly position: Position;
  /** All that was committed before this is in the index once the pass has come to its end. */
  readonly covers: string;
  /** Whether the pass looks at everything anew: it does not go on with one that was interrupted. */
  readonly isFresh: boolean;
}

/** Which way the changes of an index come just now. */
export interface WayNotice {
  readonly way: "polling" | "wal";
  /** Why it is not followed by the log, where it is to be. */
  readonly reason?: string;
}

/** What PostgreSQL keeps for the replication slot. */
export interface SlotNotice {
  readonly slot: string;
  readonly keptBytes: number;
  readonly lagBytes: number;
  readonly maxBytes: number;
}

/** An index that is followed beside the one that is searched. */
export interface BesideNotice {
  /** Its own name. */
  readonly name: string;
  readonly role: "next" | "old";
  /** Since when it is that, in ISO 8601. */
  readonly since: string;
  /** How far its load is, while it has one. */
  readonly load?: {
    readonly documents: number;
    readonly total?: number;
    readonly share?: number;
    readonly perSecond: number;
    readonly leftSeconds?: number;
  };
}

/**
 * What the stages tell of what they do, so that others can count and time it.
 *
 * They tell of calls, pages and passes, never of each document. Nothing here fails, waits or asks a server.
 */
export interface Telemetry {
  /** That of an index of the configuration. */
  of(index: string): IndexTelemetry;
  /** Runs a call to a server, timed; what it comes to is passed on. */
  measure<Result>(
    call: ServerCall,
    action: () => Promise<Result>,
  ): Promise<Result>;
  /** There was an answer, whatever it says. */
  answered(dependency: Dependency): void;
  /** A try failed. */
  failed(dependency: Dependency, failure: Failure): void;
  /** Something is over that tries failed of. */
  recovered(dependency: Dependency, failure: Failure): void;
  /** What became of a call to a server that nothing waits for: it says of the server whether it is there, and of no index that it moves. */
  met(server: Server, failure: Failure | undefined): void;
  /** The agent has another role from now on. */
  turn(role: Role): void;
  /** What is kept for the slot; nothing where there is none. */
  slot(notice: SlotNotice | undefined): void;
}

/** What is told of one index. */
export interface IndexTelemetry {
  /** Runs all that is done for the index, from where it stands, so that calls made in it count as the index's. */
  run<Result>(
    action: () => Promise<Result>,
    saved: Position | undefined,
  ): Promise<Result>;
  /**
   * Runs what is done for an index beside this one: calls made in it count as no index's, and say that this one moves only
   * while it waits for them.
   */
  beside<Result>(action: () => Promise<Result>): Promise<Result>;
  /** From now on the index waits for what is done beside it, until what is returned is disposed of. */
  awaitBeside(): Disposable;
  /** Runs a pass, timed. */
  pass<Summary extends PassSummary>(
    kind: PassSummary["kind"],
    action: () => Promise<Summary>,
  ): Promise<Summary>;
  /** So many documents are to be loaded, by an estimate; nothing where there is none. */
  expect(documentCount: number | undefined): void;
  /** A pass of following has looked at the clock. */
  note(notice: PassNotice): void;
  /** Documents were settled. */
  settled(counts: Counts): void;
  /** Everything before this position is settled. */
  moved(position: Position): void;
  /** The way its changes come has changed. */
  followed(notice: WayNotice): void;
  /** These are followed beside the index. */
  accompanied(notices: readonly BesideNotice[]): void;
  /** The index stands still since this time, in ISO 8601. */
  paused(since: string): void;
  resumed(): void;
  /** The agent ends because of this. */
  ended(error: unknown): void;
}

/** Tells nobody of an index. */
export const NO_INDEX_TELEMETRY: IndexTelemetry = {
  run: (action) => action(),
  beside: (action) => action(),
  awaitBeside: () => ({ [Symbol.dispose]() {} }),
  pass: (_, action) => action(),
  expect() {},
  note() {},
  settled() {},
  moved() {},
  followed() {},
  accompanied() {},
  paused() {},
  resumed() {},
  ended() {},
};

/** Tells nobody. */
export const NO_TELEMETRY: Telemetry = {
  of: () => NO_INDEX_TELEMETRY,
  measure: (_, action) => action(),
  answered() {},
  failed() {},
  recovered() {},
  met() {},
  turn() {},
  slot() {},
};
