import { ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { seedRandom } from "../../db/random.ts";
import { startAgent } from "./agent_process.ts";
import { until } from "./moments.ts";
import { findSlots, openShop, untilEqual } from "./wal_shop.ts";
import type { World } from "./world.ts";

/** Each way twice, the log last: what polling cannot see is found when the log is joined again. */
const WAYS = ["wal", "polling", "wal", "polling", "wal"] as const;

/** Authors that are changed once, so that no later change makes up for one that was missed. */
const ONCE = "generate_series(1001, 9000) n";

/** So many transactions are written before the agent is killed. */
const TRANSACTIONS = 60;

Deno.test("an index goes to the log and back under others' changes without a pause, killed each time, and misses nothing", async () => {
  await using world = await openShop({
    settings: { "logging.format": "json" },
  });
  await world.sql(
    `insert into author select n, 'author ' || n from ${ONCE};
     insert into book select n, n, 'book ' || n from ${ONCE};
     insert into chapter select n, n, 'chapter ' || n from ${ONCE}`,
  );
  {
    await using writer = keepWriting(world, seedRandom(1));
    for (const follow of WAYS) {
      await world.configure({ follow });
      await using agent = startAgent({ folder: world.folder });
      await agent.waitFor(
        follow === "wal" ? "changes are followed by the log" : "pass finished",
      );
      if (follow === "polling") {
        await until(
          "its slot is dropped",
          async () => (await findSlots(world)).length === 0,
        );
      }
      const { count } = writer;
      await until(
        "more is written",
        () => Promise.resolve(writer.count >= count + TRANSACTIONS),
      );
      agent.kill("SIGKILL");
      await agent.ended();
    }
    ok(writer.unseenCount > TRANSACTIONS, "much of it was unseen by polling");
  }
  await using _agent = startAgent({ folder: world.folder });
  await untilEqual(world);
});

/** So that what is changed once lasts. */
const PAUSE_MS = 2;

interface Writer extends AsyncDisposable {
  /** Transactions that are committed. */
  readonly count: number;
  /** Those of them that polling does not see. */
  readonly unseenCount: number;
}

/** Changes authors, books and chapters, one transaction after the other, until it is disposed of. */
function keepWriting(
  world: World,
  random: ReturnType<typeof seedRandom>,
): Writer {
  let isStopped = false;
  let count = 0;
  let unseenCount = 0;
  let chapter = 10_000;
  let once = 1_000;

  function plan(): { sql: string; isUnseen: boolean } {
    const book = 1 + random.below(20);
    const author = 1 + random.below(20);
    switch (random.below(5)) {
      case 0:
        return {
          isUnseen: false,
          sql: `update author set name = 'name ${count}', updated_at = now()
            where id = ${author}`,
        };
      case 1:
        return {
          isUnseen: false,
          sql: `insert into chapter select n, ${book}, 'new'
            from generate_series(${chapter += 5}, ${chapter + 4}) n`,
        };
      case 2:
        return {
          isUnseen: true,
          sql: `delete from chapter where id = ${++once}`,
        };
      case 3:
        return {
          isUnseen: true,
          sql: `delete from book where id = ${++once};
            delete from author where id = ${once}`,
        };
      default:
        // it keeps its stamp
        return {
          isUnseen: true,
          sql: `update book set author_id = ${author} where id = ${++once}`,
        };
    }
  }
  async function write(): Promise<void> {
    await using session = await world.connect();
    while (!isStopped) {
      const { sql, isUnseen } = plan();
      await session.sql(sql);
      await sleep(PAUSE_MS);
      count++;
      if (isUnseen) unseenCount++;
    }
  }
  const writing = write();
  writing.catch(() => {}); // thrown by disposing of it

  return {
    get count() {
      return count;
    },
    get unseenCount() {
      return unseenCount;
    },
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await writing;
    },
  };
}
