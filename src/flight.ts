import type { Key } from "./keys.ts";

/** The pages on their way to Elasticsearch: bounded in bytes, landed in the order of their lane, no document twice at a time. */
export interface Flight extends AsyncDisposable {
  /** Aborted when the flight ends early, by a failure too: what is on its way then is cut. */
  readonly signal: AbortSignal;
  /** Waits until no document of `keys` is on its way. */
  keepApart(keys: readonly Key[]): Promise<void>;
  /** Waits until there is room for more bytes. */
  makeRoom(): Promise<void>;
  /** Sends something of this many bytes. */
  carry<Result>(
    byteCount: number,
    send: () => Promise<Result>,
  ): Promise<Result>;
  /** Calls `land` when every one of `sent` has landed, and all pages before in its lane. */
  close<Result>(
    page: {
      keys: readonly Key[];
      sent: readonly Promise<Result>[];
      lane?: number;
    },
    land: (results: Result[]) => Promise<void>,
  ): void;
  /** Waits until every page has landed. */
  landed(): Promise<void>;
}

/**
 * Opens a flight of at most `maxBytes` at a time; a page that is larger goes alone. After the first failure every method
 * throws it.
 */
export function openFlight(maxBytes: number, kill: AbortSignal): Flight {
  const cut = new AbortController();
  const signal = AbortSignal.any([kill, cut.signal]);
  const keysAloft = new Set<Key>();
  const sending = new Set<Promise<unknown>>();
  let bytesAloft = 0;
  const tails = new Map<number, Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  function fail(error: unknown): void {
    if (failure !== undefined) return;
    failure = { error };
    cut.abort(); // nothing lands any more, so nothing is waited for
  }
  function check(): void {
    if (failure !== undefined) throw failure.error;
  }
  async function landed(): Promise<void> {
    await Promise.all(tails.values());
    check();
  }

  return {
    signal,
    landed,
    async keepApart(keys) {
      check();
      if (keys.some((key) => keysAloft.has(key))) await landed();
      for (const key of keys) keysAloft.add(key);
    },
    async makeRoom() {
      check();
      while (bytesAloft >= maxBytes) {
        await Promise.race(sending);
        check();
      }
    },
    carry(byteCount, send) {
      check();
      bytesAloft += byteCount;
      const sent = send();
      const settled = sent.catch(fail).finally(() => {
        bytesAloft -= byteCount;
        sending.delete(settled);
      });
      sending.add(settled);
      return sent;
    },
    close({ keys, sent, lane = 0 }, land) {
      const page = Promise.all(sent);
      page.catch(fail);
      check();
      const before = tails.get(lane) ?? Promise.resolve();
      const landing = before.then(async () => {
        const results = await page;
        // after a failure nothing lands: the position must not pass it
        if (failure !== undefined) return;
        await land(results);
        for (const key of keys) keysAloft.delete(key);
      }).catch(fail);
      tails.set(lane, landing);
    },
    async [Symbol.asyncDispose]() {
      // what is still read is not sent
      if (sending.size > 0) fail(new DOMException("cut short", "AbortError"));
      await Promise.all(sending);
      await Promise.all(tails.values());
    },
  };
}
