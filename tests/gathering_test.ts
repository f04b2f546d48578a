import { deepEqual } from "node:assert/strict";
import { openGathering } from "../src/gathering.ts";

Deno.test("untilLanded() waits for all that is out, and for nothing else", async () => {
  const gathering = openGathering();
  await gathering.untilLanded();
  gathering.add();
  gathering.add();
  const order: string[] = [];
  const waited = gathering.untilLanded().then(() => order.push("gone on"));
  gathering.land();
  await Promise.resolve();
  order.push("one is out");
  gathering.land();
  await waited;
  deepEqual(order, ["one is out", "gone on"]);
});

Deno.test("untilLanded() waits for what never lands no longer than its limit", async () => {
  const gathering = openGathering();
  gathering.add();
  await gathering.untilLanded();
});
