import { deepEqual, equal, ok } from "node:assert/strict";
import { type AgentProcess, startAgent } from "./agent_process.ts";
import { startBulkRecorder } from "./bulk_recorder.ts";
import { untilFollowing } from "./moments.ts";
import {
  endLockSession,
  endsIdleSessions,
  ITEMS,
  listNames,
  openMachine,
  startWriter,
} from "./standby_fixture.ts";
import { openWorld } from "./world.ts";

const WAITING = "waiting as a standby: another agent writes";
const WRITING = "writing from now on";
const LOST = "writer lock lost, waiting for it again";

/** What is promised. */
const TAKEOVER_MS = 10_000;

Deno.test("a standby touches nothing, and takes over from a writer that is killed, and from one that is stopped", async () => {
  await using recorder = startBulkRecorder();
  await using world = await openWorld(ITEMS);
  const other = await openMachine(world, {
    "elasticsearch.node": recorder.url,
  });
  await using writer = startAgent(world);
  await untilFollowing(writer);
  await using _changes = startWriter(world);
  const before = await listNames(other);
  await using standby = startAgent({ folder: other });
  const { name, pid } = await standby.waitFor(WAITING);
  equal(name, "pg2es writer lock");
  ok(Number(pid) > 0);
  await writer.waitFor("pass finished");
  deepEqual(await listNames(other), before);
  deepEqual(recorder.arrivedMs, []);

  const killedMs = Date.now();
  writer.kill("SIGKILL");
  ok(await tookOver(standby) - killedMs < TAKEOVER_MS);
  await recorder.untilNext();
  await using next = startAgent(world);
  await next.waitFor(WAITING);
  standby.kill("SIGTERM");
  const { code, log } = await standby.ended();
  equal(code, 0);
  ok(await tookOver(next) - Date.parse(log.at(-1)?.time ?? "") < 2_000);
  const loads = log.filter(({ kind }) => kind === "load");
  deepEqual(loads, []);
});

Deno.test("a standby that is told to stop ends, and leaves the writer alone", async () => {
  await using world = await openWorld(ITEMS);
  const other = await openMachine(world);
  await using writer = startAgent(world);
  await untilFollowing(writer);
  await using standby = startAgent({ folder: other });
  await standby.waitFor(WAITING);
  standby.kill("SIGTERM");
  equal((await standby.ended()).code, 0);
  writer.kill("SIGTERM");
  const { code, log } = await writer.ended();
  equal(code, 0);
  deepEqual(log.filter(({ level }) => level === "warning"), []);
});

Deno.test("a writer that stood still for a while sends nothing before it has the lock again", async () => {
  await using first = startBulkRecorder();
  await using second = startBulkRecorder();
  await using world = await openWorld(ITEMS);
  const other = await openMachine(world, { "elasticsearch.node": second.url });
  await world.configure({ "elasticsearch.node": first.url });
  await using writer = startAgent(world);
  await untilFollowing(writer);
  await using _changes = startWriter(world);
  await using standby = startAgent({ folder: other });
  await standby.waitFor(WAITING);
  await first.untilNext();
  const stoppedMs = Date.now();
  writer.kill("SIGSTOP");
  const sent = first.arrivedMs.length;
  const isPrompt = await endsIdleSessions(world);
  if (!isPrompt) await endLockSession(world);
  const takenMs = await tookOver(standby) - stoppedMs;
  if (isPrompt) ok(takenMs < TAKEOVER_MS);
  await second.untilNext();
  const stopped = first.arrivedMs.length;
  ok(stopped - sent <= 1); // what was under way
  writer.kill("SIGCONT");
  await writer.waitFor(LOST);
  await writer.waitFor(WAITING);
  equal(first.arrivedMs.length, stopped);
  standby.kill("SIGKILL");
  await writer.waitFor(WRITING);
  await first.untilNext();
});

/** When the agent said that it writes, by the clock of its log. */
async function tookOver(agent: AgentProcess): Promise<number> {
  return Date.parse((await agent.waitFor(WRITING)).time);
}
