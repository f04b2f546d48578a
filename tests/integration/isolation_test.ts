import { ok } from "node:assert/strict";
import { startAgent } from "./agent_process.ts";
import { startBulkRecorder } from "./bulk_recorder.ts";
import { startFaultProxy } from "./fault_proxy.ts";
import { untilFollowing } from "./moments.ts";
import {
  endLockSession,
  endsIdleSessions,
  ITEMS,
  openMachine,
  startWriter,
} from "./standby_fixture.ts";
import { openWorld } from "./world.ts";

const WAITING = "waiting as a standby: another agent writes";
const WRITING = "writing from now on";
const LOST = "writer lock lost, waiting for it again";

/** What is promised. */
const TAKEOVER_MS = 10_000;

Deno.test("a writer that is cut off from PostgreSQL stops before the standby begins", async () => {
  await using first = startBulkRecorder();
  await using second = startBulkRecorder();
  await using world = await openWorld(ITEMS);
  const { hostname, port } = new URL(world.databaseUrl);
  await using proxy = startFaultProxy({ hostname, port: Number(port) });
  const other = await openMachine(world, { "elasticsearch.node": second.url });
  await world.configure({
    "elasticsearch.node": first.url,
    "postgres.host": proxy.hostname,
    "postgres.port": proxy.port,
  });
  await using writer = startAgent(world);
  await untilFollowing(writer);
  await using _changes = startWriter(world);
  await using standby = startAgent({ folder: other });
  await standby.waitFor(WAITING);
  await first.untilNext();
  {
    const frozenMs = Date.now();
    using _frozen = proxy.freeze();
    await writer.waitFor(LOST);
    const isPrompt = await endsIdleSessions(world);
    // else TCP has to give up first, and the proxy still answers it
    if (!isPrompt) await endLockSession(world);
    const { time } = await standby.waitFor(WRITING);
    if (isPrompt) ok(Date.parse(time) - frozenMs < TAKEOVER_MS);
    await second.untilNext();
    const [begunMs = 0] = second.arrivedMs;
    const endedMs = first.arrivedMs.at(-1) ?? Infinity;
    ok(endedMs < begunMs);
  }
  await writer.waitFor(WAITING);
  standby.kill("SIGKILL");
  await writer.waitFor(WRITING);
  await first.untilNext();
});

Deno.test("a writer whose lock's session is ended goes on once it has it again", async () => {
  await using world = await openWorld(ITEMS);
  await using writer = startAgent(world);
  await untilFollowing(writer);
  await using _changes = startWriter(world);
  await endLockSession(world);
  await writer.waitFor(LOST);
  await writer.waitFor(WRITING);
  await writer.waitFor("pass finished");
});
