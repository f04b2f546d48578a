import { deepEqual, equal, match, ok } from "node:assert/strict";
import { freePort } from "../../dev/port.ts";
import { type Ending, runToEnd, startAgent } from "./agent_process.ts";
import { type FaultProxy, startFaultProxy } from "./fault_proxy.ts";
import { SMALL_STEPS, until, untilFollowing } from "./moments.ts";
import { observe, observeAt, type Observed } from "./observed_world.ts";
import { ITEMS, openMachine } from "./standby_fixture.ts";
import { openWorld, type World } from "./world.ts";

/** So long nothing may move in these tests; what is to stay good is looked at for several times as long. */
const STALLED_AFTER_MS = 3_000;
const HTTP = { "stalled_after": `${STALLED_AFTER_MS}ms` };
const LONG_MS = 3 * STALLED_AFTER_MS;

/** Looks at the agent's health, which has to be good each time, until it is so. */
async function staysWell(
  observed: Observed,
  what: string,
  isSo: () => Promise<boolean>,
): Promise<void> {
  await until(what, async () => {
    const { status, ok: isWell, reasons } = await observed.health();
    deepEqual({ status, isWell, reasons }, {
      ...{ status: 200, isWell: true, reasons: [] },
    });
    return await isSo();
  });
}

/** Whether so much time has gone by since `since`, by the clock of the agent and of this process, which are one. */
function isLongAgo(since: string | undefined): boolean {
  return since !== undefined && Date.now() - Date.parse(since) > LONG_MS;
}

async function change(world: World): Promise<void> {
  await world.sql("update item set n = n + 1, updated_at = now() where id = 1");
}

/** A world whose Elasticsearch is behind a proxy, and has so long for an answer. */
async function openProxied(
  requestTimeout: string,
): Promise<{ world: World; proxy: FaultProxy } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const world = opened.use(await openWorld(ITEMS));
  const { hostname, port } = new URL(world.elasticsearchUrl);
  const proxy = opened.use(startFaultProxy({ hostname, port: Number(port) }));
  await world.configure({
    elasticsearch: {
      node: `http://127.0.0.1:${proxy.port}`,
      request_timeout: requestTimeout,
    },
  });
  const kept = opened.move();
  return { world, proxy, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

Deno.test("/healthz turns bad when a pass hangs, names the index, and is good again when it goes on", async () => {
  await using proxied = await openProxied("1h");
  const { world, proxy } = proxied;
  const observed = await observe(world, HTTP);
  await using agent = startAgent(world);
  await untilFollowing(agent);
  equal((await observed.health()).status, 200);
  {
    using _frost = proxy.freeze();
    await change(world);
    await until(
      "the agent is ill",
      async () => (await observed.health()).status === 503,
    );
    const { ok: isWell, reasons } = await observed.health();
    equal(isWell, false);
    equal(reasons.length, 1);
    match(
      reasons[0] ?? "",
      new RegExp(
        `^index ${world.indexName()}: nothing has moved in a pass \\(follow\\) for \\d+ s$`,
      ),
    );
    const { code, stdout } = await runToEnd({
      folder: world.folder,
      args: ["health"],
    });
    equal(code, 1);
    match(stdout, /^index .*: nothing has moved in a pass .* for \d+ s\n$/);
  }
  await until(
    "the agent is well",
    async () => (await observed.health()).status === 200,
  );
  const { code, stdout } = await runToEnd({
    folder: world.folder,
    args: ["health"],
  });
  equal(code, 0);
  equal(stdout, "healthy\n");
});

Deno.test("/healthz stays good through a load that takes long, and through the quiet after it", async () => {
  await using world = await openWorld({
    settings: { ...SMALL_STEPS, limit: { documents_per_second: 100 } },
  });
  const observed = await observe(world, HTTP);
  await using _agent = startAgent(world);
  const read = async () => (await observed.status()).indexes[0];
  await staysWell(observed, "it is loaded", async () => {
    const lastPass = (await read())?.lastPass;
    if (lastPass === undefined) return false;
    equal(lastPass.kind, "load");
    ok(lastPass.seconds * 1000 > LONG_MS, `it took ${lastPass.seconds} s`);
    return true;
  });
  equal((await observed.readiness()).status, 200);
  const { lastPass } = await read() ?? {};
  await staysWell(observed, "it is quiet for long", async () => {
    const index = await read();
    equal(index?.state, "following");
    return isLongAgo(lastPass?.startedAt) &&
      Date.parse(index.lastPass?.startedAt ?? "") -
            Date.parse(lastPass?.startedAt ?? "") > LONG_MS;
  });
});

Deno.test("/healthz and /readyz of a standby stay good while it waits", async () => {
  await using world = await openWorld(ITEMS);
  const port = freePort();
  const other = await openMachine(world, { http: { port, ...HTTP } });
  await using writer = startAgent(world);
  await untilFollowing(writer);
  await using _standby = startAgent({ folder: other });
  const observed = observeAt(port);
  await until(
    "it waits",
    async () => (await observed.status()).role === "standby",
  );
  await staysWell(observed, "it has waited long", async () => {
    const { role, since, indexes } = await observed.status();
    equal(role, "standby");
    equal(indexes[0]?.state, "waiting");
    return isLongAgo(since);
  });
  equal((await observed.readiness()).status, 200);
  equal(await observed.metric("pg2es_writer"), 0);
});

Deno.test("/healthz stays good while a server is away and while an index is paused; /readyz tells of the server", async () => {
  await using proxied = await openProxied("5s");
  const { world, proxy } = proxied;
  const observed = await observe(world, HTTP);
  await using agent = startAgent(world);
  await untilFollowing(agent);
  {
    using _refusal = proxy.refuse();
    await change(world);
    await staysWell(observed, "the server is away for long", async () => {
      const { state, since } = (await observed.status()).servers.elasticsearch;
      return state === "lost" && isLongAgo(since);
    });
    const { status, reasons } = await observed.readiness();
    equal(status, 503);
    match(reasons.join(), /^Cannot reach Elasticsearch: code is /);
    const { indexes, servers } = await observed.status();
    equal(indexes[0]?.state, "waiting");
    equal(servers.elasticsearch.lastError?.kind, "server-unavailable");
    ok((servers.elasticsearch.lastError?.count ?? 0) > 1);
  }
  await until(
    "it is ready",
    async () => (await observed.readiness()).status === 200,
  );
  const { code } = await runToEnd({ folder: world.folder, args: ["pause"] });
  equal(code, 0);
  await staysWell(observed, "it is paused for long", async () => {
    const [index] = (await observed.status()).indexes;
    return index?.state === "paused" && isLongAgo(index.pausedSince);
  });
});

Deno.test("a port that is in use is told before anything starts; run --once and check leave it alone", async () => {
  await using world = await openWorld(ITEMS);
  const { url } = await observe(world);
  const { port, hostname } = new URL(url);
  using _taken = Deno.listen({ hostname, port: Number(port) });
  const { folder } = world;
  const refused = await runToEnd({ folder, args: ["run"] });
  equal(refused.code, 2, refused.stderr);
  match(
    refused.told.join("\n"),
    new RegExp(
      `^config\\.yaml:\\d+:\\d+: http\\.port: ${port} is in use on 127\\.0\\.0\\.1, write another, or end what listens there$`,
    ),
  );
  deepEqual(
    await world.search("GET", `/_alias/${world.indexName()}`).then(
      ({ status }) => status,
    ),
    404,
  );
  const once = await runToEnd({ folder, args: ["run", "--once"] });
  equal(once.code, 0, once.stderr);
});

Deno.test({
  name:
    "pg2es health does not wait for an agent that is stopped, or for one that was never there",
  ignore: Deno.build.os === "windows",
  async fn() {
    await using world = await openWorld(ITEMS);
    const { folder } = world;
    await observe(world);
    const ask = () => runToEnd({ folder, args: ["health"] });
    const expectSilent = ({ code, stdout }: Ending) => {
      equal(code, 1);
      match(
        stdout,
        /^no agent answers at http:\/\/127\.0\.0\.1:\d+\/healthz\n$/,
      );
    };
    expectSilent(await ask());
    await using agent = startAgent(world);
    await untilFollowing(agent);
    equal((await ask()).code, 0);
    agent.kill("SIGSTOP");
    expectSilent(await ask());
    agent.kill("SIGCONT");
    await until("it answers", async () => (await ask()).code === 0);
  },
});

Deno.test("pg2es health tells that http is off, with status 2", async () => {
  await using world = await openWorld(ITEMS);
  const { code, told } = await runToEnd({
    folder: world.folder,
    args: ["health"],
  });
  equal(code, 2);
  match(told.join("\n"), /: http: is not there, or its port is off/);
});
