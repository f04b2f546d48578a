/** A proxy between the agent and a server, on the level of TCP, that does to connections what networks do. */
export interface FaultProxy extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
  /** How many connections are open. */
  readonly connectionCount: number;
  /** How many bytes went to the server, and came from it. */
  readonly passed: Readonly<Record<Direction, number>>;
  /** Ends every connection that is open; returns how many. */
  cut(): number;
  /** Cuts every connection and takes no new one, until it is disposed of. */
  refuse(): Disposable;
  /** Passes nothing on and ends nothing, also on connections that come, until it is disposed of: what was held then goes on its way. */
  freeze(): Disposable;
  /** Holds each piece of data for so long, until it is disposed of. */
  delay(ms: number): Disposable;
  /** Passes on so much a second in each direction of each connection, until it is disposed of. */
  throttle(bytesPerSecond: number): Disposable;
  /** Cuts each connection once so many more bytes have gone this way on it, until it is disposed of. */
  cutAfter(byteCount: number, direction: Direction): Disposable;
}

/** To the server, or from it. */
export type Direction = "up" | "down";

/** A pair of connections and what goes between them. */
interface Link {
  /** Bytes to go in this direction before it is cut; none without an end. */
  readonly left: Partial<Record<Direction, number>>;
  close(): void;
}

const CHUNK_BYTES = 16_384;

/** Starts a proxy to a server; with `port` on that one, else on a free one. */
export function startFaultProxy(
  target: { readonly hostname: string; readonly port: number },
  { port = 0 }: { port?: number } = {},
): FaultProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const links = new Set<Link>();
  const passed = { up: 0, down: 0 };
  const pumps = new Set<Promise<void>>();
  const limits = new Map<symbol, { byteCount: number; direction: Direction }>();
  const delays = new Map<symbol, number>();
  const rates = new Map<symbol, number>();
  const frosts = new Set<symbol>();
  const refusals = new Set<symbol>();
  let thaw = Promise.withResolvers<void>();
  let isClosed = false;

  function cut(): number {
    const count = links.size;
    for (const link of [...links]) link.close();
    return count;
  }

  async function accept(): Promise<void> {
    for await (const inner of listener) {
      if (refusals.size > 0) inner.close();
      else track(connect(inner));
    }
  }

  function track(pump: Promise<void>): void {
    const kept = pump.catch(() => {}).finally(() => pumps.delete(kept));
    pumps.add(kept);
  }

  async function connect(inner: Deno.TcpConn): Promise<void> {
    let outer: Deno.TcpConn;
    try {
      outer = await Deno.connect(target);
    } catch {
      inner.close(); // the server is away: so is what stands in front of it
      return;
    }
    const left: Link["left"] = {};
    for (const { byteCount, direction } of limits.values()) {
      left[direction] = Math.min(left[direction] ?? Infinity, byteCount);
    }
    const link: Link = {
      left,
      close() {
        links.delete(link);
        for (const end of [inner, outer]) {
          try {
            end.close();
          } catch {
            // its other side has ended it
          }
        }
        wakeFrozen();
      },
    };
    links.add(link);
    if (isClosed || refusals.size > 0) return link.close();
    try {
      await Promise.race([
        pump({ from: inner, to: outer, direction: "up", link }),
        pump({ from: outer, to: inner, direction: "down", link }),
      ]);
    } catch {
      // a connection that is cut is what this is for
    } finally {
      link.close();
    }
  }

  async function pump(
    { from, to, direction, link }: {
      from: Deno.TcpConn;
      to: Deno.TcpConn;
      direction: Direction;
      link: Link;
    },
  ): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const count = await from.read(buffer);
      if (count === null || !links.has(link)) return;
      await hold(count, link);
      const left = link.left[direction] ?? Infinity;
      const going = buffer.subarray(0, Math.min(count, left));
      for (let sent = 0; sent < going.length;) {
        sent += await to.write(going.subarray(sent));
      }
      passed[direction] += going.length;
      if (left <= count) return;
      if (left !== Infinity) link.left[direction] = left - count;
    }
  }

  /** Waits for what stands in the way of a piece of data. */
  async function hold(byteCount: number, link: Link): Promise<void> {
    const delayMs = Math.max(0, ...delays.values());
    const rate = Math.min(...rates.values());
    const throttledMs = rate === Infinity ? 0 : 1000 * byteCount / rate;
    const waitMs = Math.max(delayMs, throttledMs);
    if (waitMs > 0) await new Promise((end) => setTimeout(end, waitMs));
    while (frosts.size > 0 && links.has(link)) await thaw.promise;
    if (!links.has(link)) throw new Error("cut");
  }

  function wakeFrozen(): void {
    thaw.resolve();
    thaw = Promise.withResolvers();
  }

  /** What holds until it is disposed of. */
  function lasting(begin: (id: symbol) => void, end: (id: symbol) => void) {
    const id = Symbol();
    begin(id);
    return { [Symbol.dispose]: () => end(id) };
  }

  const accepting = accept();
  return {
    hostname: "127.0.0.1",
    port: listener.addr.port,
    get connectionCount() {
      return links.size;
    },
    passed,
    cut,
    refuse: () =>
      lasting((id) => {
        refusals.add(id);
        cut();
      }, (id) => refusals.delete(id)),
    freeze: () =>
      lasting((id) => frosts.add(id), (id) => {
        frosts.delete(id);
        wakeFrozen();
      }),
    delay: (ms) =>
      lasting((id) => delays.set(id, ms), (id) => delays.delete(id)),
    throttle: (rate) =>
      lasting((id) => rates.set(id, rate), (id) => rates.delete(id)),
    cutAfter: (byteCount, direction) =>
      lasting((id) => {
        limits.set(id, { byteCount, direction });
        for (const { left } of links) {
          left[direction] = Math.min(left[direction] ?? Infinity, byteCount);
        }
      }, (id) => {
        limits.delete(id);
        for (const { left } of links) delete left[direction];
      }),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      listener.close();
      cut();
      await accepting;
      await Promise.all(pumps);
    },
  };
}
