import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { EtlError } from "../src/failure.ts";
import type { PostgresOptions } from "../src/postgres_session.ts";
import { type FaultProxy, startFaultProxy } from "./integration/fault_proxy.ts";
import { ask, failureOf, openOnce, openWorld } from "./postgres_fixture.ts";
import type { RecordedLine } from "./recorded_log.ts";
import { NEVER } from "./servers.ts";

/** A statement of the tests takes no longer; a connection that is frozen is found a second later. */
const SHORT: Partial<PostgresOptions> = {
  connectTimeoutMs: 500,
  statementTimeoutMs: 1_000,
};

/** What a stop may take beside what it waits for. */
const SOON_MS = 3_000;

const COUNT = 2_000;

Deno.test("query() leaves a frozen connection, and asks again on another one", async () => {
  await using world = await openFrozenWorld();
  const { source, proxy, lines } = world;
  await ask(source, "select 1::text as n");
  const frost = proxy.freeze();
  const asked = ask(source, "select 2::text as n");
  await untilTold(lines, "timeout");
  frost[Symbol.dispose]();
  deepEqual(await asked, [{ n: "2" }]);
});

Deno.test("copy() leaves a connection that freezes between two rows, and begins anew", async () => {
  await using world = await openFrozenWorld();
  const { source, proxy, lines } = world;
  const counts: number[] = [];
  let frost: Disposable | undefined;
  const copied = source.copy({
    label: "document of films",
    sql:
      `copy (select repeat('x', 1000) from generate_series(1, ${COUNT})) to stdout`,
    start: () => {
      const place = counts.push(0) - 1;
      return () => {
        counts[place] = (counts[place] ?? 0) + 1;
        if (counts[place] === 10) frost ??= proxy.freeze();
      };
    },
  }, NEVER);
  await untilTold(lines, "timeout");
  frost?.[Symbol.dispose]();
  await copied;
  equal(counts.at(-1), COUNT);
  ok((counts[0] ?? COUNT) < COUNT, "the first try was cut short");
});

Deno.test("explain() leaves a connection that freezes within its transaction", async () => {
  await using world = await openFrozenWorld();
  const { source, proxy, lines } = world;
  await ask(source, "select 1::text as n");
  using delay = proxy.delay(100);
  const sent = proxy.passed.up;
  const label = "document of films";
  const explained = source.explain({ label, sql: "select 1" }, NEVER);
  while (proxy.passed.up === sent) await pause();
  const frost = proxy.freeze();
  await untilTold(lines, "timeout");
  frost[Symbol.dispose]();
  delay[Symbol.dispose]();
  ok((await explained).includes("Plan"));
});

Deno.test("an abort leaves a frozen connection at once", async () => {
  await using world = await openFrozenWorld({ statementTimeoutMs: 60_000 });
  const { source, proxy } = world;
  await ask(source, "select 1::text as n");
  const sent = proxy.passed.up;
  const killing = new AbortController();
  const reason = new Error("killed");
  const asked = ask(source, "select pg_sleep(60)::text as n", {
    signal: killing.signal,
  });
  const failed = rejects(asked, (error) => error === reason);
  while (proxy.passed.up === sent) await pause();
  using _frost = proxy.freeze();
  killing.abort(reason);
  const startedMs = performance.now();
  await failed;
  await source[Symbol.asyncDispose]();
  ok(performance.now() - startedMs < SOON_MS);
});

Deno.test("an abort ends a connection that is frozen while it is made", async () => {
  await using world = await openFrozenWorld({ connectTimeoutMs: 60_000 });
  using _frost = world.proxy.freeze();
  const killing = new AbortController();
  const reason = new Error("killed");
  const asked = ask(world.source, "select 1", { signal: killing.signal });
  const failed = rejects(asked, (error) => error === reason);
  while (world.proxy.connectionCount === 0) await pause();
  killing.abort(reason);
  await failed;
});

Deno.test("openSource() is disposed of at once where its idle connections are frozen", async () => {
  await using world = await openFrozenWorld();
  const { source, proxy } = world;
  await Promise.all([ask(source, "select 1"), ask(source, "select 1")]);
  using _frost = proxy.freeze();
  const startedMs = performance.now();
  await source[Symbol.asyncDispose]();
  ok(performance.now() - startedMs < SOON_MS);
});

const SASL = message("R", [0, 0, 0, 10, ...text("SCRAM-SHA-256"), 0]);

for (
  const { phase, answers, ssl } of [
    { phase: "before the first answer", answers: [], ssl: false },
    { phase: "within the TLS handshake", answers: [text("S")], ssl: {} },
    { phase: "while logging in", answers: [SASL], ssl: false },
  ] as const
) {
  Deno.test(`openSource() leaves a server that freezes ${phase}, and its socket`, async () => {
    await using server = serve(answers);
    await using world = await openOnce({ ...SHORT, port: server.port, ssl });
    const failure = await failureOf(ask(world.source, "select 1"));
    deepEqual(failure, {
      kind: "server-unavailable",
      server: "PostgreSQL",
      code: "timeout",
    });
    await server.left;
  });
}

Deno.test("openSource() leaves no socket where it has no password to log in with", async () => {
  await using proxy = startFaultProxy(serverAddress());
  await using world = await openOnce({
    host: proxy.hostname,
    port: proxy.port,
    user: "t_nobody",
    password: "",
  });
  const failure = await failureOf(ask(world.source, "select 1"));
  equal(failure.kind, "server-refused");
  const startedMs = performance.now();
  while (proxy.connectionCount > 0) await pause();
  ok(performance.now() - startedMs < SOON_MS);
});

interface FrozenWorld extends Awaited<ReturnType<typeof openWorld>> {
  readonly proxy: FaultProxy;
}

/** A database whose source goes through a proxy. */
async function openFrozenWorld(
  options: Partial<PostgresOptions> = {},
): Promise<FrozenWorld> {
  const proxy = startFaultProxy(serverAddress());
  const host = { host: proxy.hostname, port: proxy.port };
  const world = await openWorld({ ...SHORT, ...host, ...options });
  return {
    ...world,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

function serverAddress(): { hostname: string; port: number } {
  const url = new URL(Deno.env.get("PG2ES_TEST_POSTGRES") ?? "");
  return { hostname: url.hostname, port: Number(url.port) };
}

/** A server that says so much to each connection, a piece for each that comes, and no more. */
function serve(answers: readonly (readonly number[])[]) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const left = Promise.withResolvers<void>();
  async function talk(): Promise<void> {
    using connection = await listener.accept();
    const buffer = new Uint8Array(1024);
    for (const answer of answers) {
      await connection.read(buffer);
      await connection.write(new Uint8Array(answer));
    }
    while (await connection.read(buffer).catch(() => null) !== null);
    left.resolve();
  }
  const talking = talk();
  return {
    port: listener.addr.port,
    /** Resolves when the client has closed its connection. */
    left: left.promise,
    async [Symbol.asyncDispose]() {
      listener.close();
      await talking.catch(() => {}); // nobody came
    },
  };
}

/** A message of the protocol: its type, the length of the rest, the rest. */
function message(type: string, rest: readonly number[]): number[] {
  return [...text(type), 0, 0, 0, rest.length + 4, ...rest];
}

function text(written: string): number[] {
  return [
    ...new TextEncoder().encode(written),
    ...(written.length > 1 ? [0] : []),
  ];
}

async function untilTold(
  lines: readonly RecordedLine[],
  code: string,
): Promise<void> {
  for (;;) {
    const isTold = lines.some(({ fields: { error } }) =>
      error instanceof EtlError && "code" in error.failure &&
      error.failure.code === code
    );
    if (isTold) return;
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
