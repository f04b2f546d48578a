import pLimit from "p-limit";
import type { Session } from "./postgres_session.ts";

/** Connections that are used again and again, of a bounded number. */
export interface Pool {
  /**
   * What `work` makes of a connection that nobody else uses meanwhile. It is kept for the next use unless `work` throws, or
   * has destroyed it; an abort destroys it.
   */
  use<T>(
    work: (session: Session) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>;
  /** Ends every connection; what is under way gets a second to finish. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A connection that waits for its next use. */
interface IdleSession {
  readonly session: Session;
  readonly timer: ReturnType<typeof setTimeout>;
}

const IDLE_LIMIT_MS = 60_000;

/** What is still under way when the pool is closed gets so long. */
const CLOSE_LIMIT_MS = 1_000;

/** Opens it; connections are made by `connect` when they are needed. */
export function openPool(
  connect: (signal: AbortSignal) => Promise<Session>,
  { maxConnections }: { maxConnections: number },
): Pool {
  const limit = pLimit(maxConnections);
  const idle: IdleSession[] = [];
  const closing = new AbortController();
  const uses = new Set<Promise<unknown>>();

  function takeIdle(): Session | undefined {
    for (;;) {
      const last = idle.pop();
      if (last === undefined) return undefined;
      clearTimeout(last.timer);
      if (last.session.isOpen) return last.session;
      last.session.destroy();
    }
  }
  function keep(session: Session): void {
    const timer = setTimeout(() => {
      const place = idle.findIndex((item) => item.session === session);
      idle.splice(place, 1);
      track(session.end());
    }, IDLE_LIMIT_MS);
    idle.push({ session, timer });
  }
  function track(use: Promise<unknown>): void {
    const tracked = use.catch(() => {}).finally(() => uses.delete(tracked));
    uses.add(tracked);
  }

  async function use<T>(
    work: (session: Session) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    closing.signal.throwIfAborted();
    // not AbortSignal.any(): what that makes lives as long as the signals do, and this is for each statement
    const ended = new AbortController();
    const abort = () =>
      ended.abort(signal.aborted ? signal.reason : closing.signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    closing.signal.addEventListener("abort", abort, { once: true });
    let session: Session | undefined;
    try {
      session = takeIdle() ?? await connect(ended.signal);
      ended.signal.throwIfAborted();
      const { destroy } = session;
      ended.signal.addEventListener("abort", () => destroy(), { once: true });
      const result = await work(session);
      if (session.isOpen) keep(session);
      else session.destroy();
      return result;
    } catch (error) {
      session?.destroy();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
      closing.signal.removeEventListener("abort", abort);
    }
  }

  return {
    use(work, signal) {
      const using = limit(() => use(work, signal));
      track(using);
      return using;
    },
    async [Symbol.asyncDispose]() {
      const disposed = new TypeError("Cannot ask PostgreSQL: disposed of");
      const timer = setTimeout(
        () => closing.abort(disposed),
        CLOSE_LIMIT_MS,
      );
      await Promise.all(uses);
      clearTimeout(timer);
      closing.abort(disposed);
      const sessions = idle.splice(0);
      await Promise.all(sessions.map(async ({ session, timer }) => {
        clearTimeout(timer);
        await session.end();
      }));
    },
  };
}
