import { AssertionError, deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import {
  type Changes,
  openSteppedAgent,
  removeHorizon,
} from "./history_agent.ts";
import { FILM_WORLD, openPlayer } from "./history_player.ts";
import { histories, type Step } from "./history_steps.ts";
import { openWorld, type WorldOptions } from "./world.ts";

/** How many histories are played of each of the two kinds: 500 together unless PG2ES_HISTORIES says otherwise. */
const RUNS = Math.ceil(Number(Deno.env.get("PG2ES_HISTORIES") ?? 500) / 2);
/** The seed that a failure tells; with it the same histories are played again. */
const SEED = Deno.env.get("PG2ES_SEED");
const REPEATABLE = {
  numRuns: RUNS,
  ...(SEED !== undefined && { seed: Number(SEED) }),
};

/** A scan looks back by a second without a reason; that would hide in these short histories what the horizon is for. */
const WITHOUT_MARGIN: Changes = {
  plan: (plan) => ({ ...plan, lookbackMs: -1_000 }),
};

Deno.test("runOnce() brings every insert and update of every history in one pass", async () => {
  await using stage = await openStage(WITHOUT_MARGIN);
  await fc.assert(
    fc.asyncProperty(histories({ deletes: false }), stage.expectFollowed),
    REPEATABLE,
  );
  ok(stage.sent() > RUNS, "something was sent");
});

Deno.test("openSweep() makes the index equal after every history with deletes and unlinks", async () => {
  await using stage = await openStage(WITHOUT_MARGIN);
  await fc.assert(
    fc.asyncProperty(histories({ deletes: true }), stage.expectSwept),
    REPEATABLE,
  );
});

Deno.test("runOnce() by the log brings every deletion and unlink of every history in one pass", async () => {
  await using stage = await openStage({}, { ...FILM_WORLD, follow: "wal" });
  // each pass waits for the log, and takes longer for it
  const numRuns = Math.ceil(RUNS / 8);
  await fc.assert(
    fc.asyncProperty(histories({ deletes: true }), stage.expectFollowed),
    { ...REPEATABLE, numRuns },
  );
  ok(stage.sent() > numRuns, "something was sent");
});

/** What the properties are worth: each fails soon where what it is about is taken away. */
const SHORT = { numRuns: 1_000, seed: 1, endOnFailure: true };

Deno.test("runOnce() without the horizon loses rows of some histories", async () => {
  await using stage = await openStage({
    ...WITHOUT_MARGIN,
    pipeline: removeHorizon,
  });
  expectFailed(
    await fc.check(
      fc.asyncProperty(histories({ deletes: false }), stage.expectFollowed),
      SHORT,
    ),
  );
});

Deno.test("runOnce() without the sweep keeps what was deleted in some histories", async () => {
  await using stage = await openStage(WITHOUT_MARGIN);
  expectFailed(
    await fc.check(
      fc.asyncProperty(histories({ deletes: true }), stage.expectFollowed),
      SHORT,
    ),
  );
});

function expectFailed<Values>(
  { failed, errorInstance }: fc.RunDetails<Values>,
): void {
  equal(failed, true);
  ok(errorInstance instanceof AssertionError, String(errorInstance));
}

/** A world for many histories. */
async function openStage(
  changes: Changes,
  options: WorldOptions = { ...FILM_WORLD, follow: "polling" },
) {
  await using opened = new AsyncDisposableStack();
  const world = opened.use(await openWorld(options));
  const player = opened.use(await openPlayer(world));
  const agent = opened.use(await openSteppedAgent(world, changes));
  let sent = 0;
  const kept = opened.move();
  return {
    sent: () => sent,
    async expectFollowed(steps: readonly Step[]): Promise<void> {
      await player.play(agent, steps);
      sent += (await agent.pass()).written;
      deepEqual(await player.compare(), []);
    },
    async expectSwept(steps: readonly Step[]): Promise<void> {
      await player.play(agent, steps);
      await agent.sweep();
      deepEqual(await player.compare(), []);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
