/**
 * A port of 127.0.0.1 that nothing listens on now, between 20,000 and 32,000 unless told otherwise.
 * Below the range that the system gives to outgoing connections: a client that
 * tries a stopped server's port there again and again can end up connected to itself.
 */
export function freePort(range = { from: 20_000, to: 31_999 }): number {
  const { from, to } = range;
  for (;;) {
    const port = from + Math.floor(Math.random() * (to - from + 1));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
