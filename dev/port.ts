/**
 * A port of 127.0.0.1 that nothing listens on now, between 20,000 and 32,000.
 * Below the range that the system gives to outgoing connections: a client that
 * tries a stopped server's port there again and again can end up connected to itself.
 */
export function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
