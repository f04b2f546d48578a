import { deepEqual, equal } from "node:assert/strict";
import { openTurns } from "../src/turns.ts";

Deno.test("openTurns() has the index wait for what is done beside it until its turn comes, and no longer", async () => {
  let waitCount = 0;
  const turns = openTurns({
    awaitBeside() {
      waitCount++;
      return { [Symbol.dispose]: () => void waitCount-- };
    },
  });
  const flip = Promise.withResolvers<void>();
  const order: string[] = [];
  const beside = turns.beside(async () => {
    await flip.promise;
    order.push("beside");
  });
  const own = turns.own(() => {
    order.push("own");
    return Promise.resolve(waitCount);
  });
  const others = turns.beside(() => order.push("beside again"));
  equal(waitCount, 1);
  flip.resolve();
  equal(await own, 0);
  await Promise.all([beside, others]);
  deepEqual(order, ["beside", "own", "beside again"]);
});
