import { deepEqual, equal } from "node:assert/strict";
import type { SteppedAgent } from "./history_agent.ts";
import type { Session, World } from "./world.ts";

/** What a history is played with. */
export interface Stage {
  readonly world: World;
  readonly agent: SteppedAgent;
  /** The session whose transaction is late. */
  readonly late: Session;
  /** Lets more time pass than any scan looks back without a reason. */
  outlastMargin(): Promise<void>;
}

/** A history at whose end one pass has to bring the rows named `late` and no others. */
export interface History {
  readonly name: string;
  /** Before the agent's first pass. */
  readonly before?: (stage: Pick<Stage, "world" | "late">) => Promise<void>;
  /** From the first pass to the last commit. */
  readonly play: (stage: Stage) => Promise<void>;
  /** The ids that arrive; none of them does without the horizon. */
  readonly arriving: readonly string[];
}

const insert = (id: number) => `insert into item values (${id}, 'late')`;

/** Late transactions of every kind, among rows of a table `item (id, name, updated_at)`. */
export const LATE_TRANSACTIONS: readonly History[] = [
  {
    name: "that had written before the pass, and commits after it",
    async play({ agent, late, outlastMargin }) {
      await late.sql("begin");
      await late.sql(insert(100));
      await outlastMargin();
      await agent.pass();
      await late.sql("commit");
    },
    arriving: ["100"],
  },
  {
    name: "that had begun before the pass, and writes after it",
    async play({ agent, late, outlastMargin }) {
      await late.sql("begin");
      await late.sql("select 1"); // open, without a transaction id
      await outlastMargin();
      await agent.pass();
      await late.sql(insert(100));
      await late.sql("commit");
    },
    arriving: ["100"],
  },
  {
    name: "that was prepared before the first load",
    async before({ world, late }) {
      await late.sql("begin");
      await late.sql(insert(100));
      await late.sql(`prepare transaction '${world.indexName()}'`);
    },
    async play({ world, agent, outlastMargin }) {
      await outlastMargin();
      await agent.pass();
      await world.sql(`commit prepared '${world.indexName()}'`);
    },
    arriving: ["100"],
  },
  {
    name: "that was prepared between two passes, and commits after the third",
    async play({ world, agent, late, outlastMargin }) {
      await late.sql("begin");
      await late.sql(insert(100));
      await agent.pass();
      await outlastMargin();
      await late.sql(`prepare transaction '${world.indexName()}'`);
      await agent.pass();
      await outlastMargin();
      await agent.pass();
      await world.sql(`commit prepared '${world.indexName()}'`);
    },
    arriving: ["100"],
  },
  {
    name: "that is prepared while the agent looks at what is open",
    async play({ world, agent, late, outlastMargin }) {
      await late.sql("begin");
      await late.sql(insert(100));
      await outlastMargin();
      await agent.pass();
      await agent.pass({
        pause: once("pg_prepared_xacts", async () => {
          await late.sql(`prepare transaction '${world.indexName()}'`);
        }),
      });
      await agent.pass();
      await world.sql(`commit prepared '${world.indexName()}'`);
    },
    arriving: ["100"],
  },
  {
    name: "that was prepared, and is rolled back",
    async play({ world, agent, late, outlastMargin }) {
      await late.sql("begin");
      await late.sql(insert(100));
      await late.sql(`prepare transaction '${world.indexName()}'`);
      await outlastMargin();
      await agent.pass();
      await world.sql(`rollback prepared '${world.indexName()}'`);
    },
    arriving: [],
  },
  {
    name: "with savepoints, one released and one rolled back",
    async play({ agent, late, outlastMargin }) {
      await late.sql("begin");
      await late.sql("savepoint kept");
      await late.sql(insert(100));
      await late.sql("release kept");
      await late.sql("savepoint undone");
      await late.sql(insert(101));
      await late.sql("rollback to undone");
      await late.sql("savepoint later");
      await outlastMargin();
      await agent.pass();
      await late.sql(insert(102));
      await late.sql("commit");
    },
    arriving: ["100", "102"],
  },
  {
    name: "that stays open across ten passes, which send nothing",
    async play({ world, agent, late, outlastMargin }) {
      await late.sql("begin");
      await late.sql(insert(100));
      await world.sql("insert into item values (50, 'meanwhile')");
      await outlastMargin();
      const sent: number[] = [];
      for (let pass = 0; pass < 10; pass++) {
        sent.push((await agent.pass()).written);
      }
      deepEqual(sent, [1, ...Array(9).fill(0)]);
      await late.sql("commit");
    },
    arriving: ["100"],
  },
  {
    name: "that outlives the agent's process",
    async play(stage) {
      const { agent, late, outlastMargin } = stage;
      await late.sql("begin");
      await late.sql(insert(100));
      await outlastMargin();
      await passAndSave(stage);
      await agent.restart();
      await outlastMargin();
      await passAndSave(stage);
      await agent.restart();
      await late.sql("commit");
    },
    arriving: ["100"],
  },
  {
    name: "that ends while the agent is away",
    async play(stage) {
      const { agent, late, outlastMargin } = stage;
      await late.sql("begin");
      await outlastMargin();
      await passAndSave(stage);
      await late.sql(insert(100));
      await late.sql("commit");
      await agent.restart();
    },
    arriving: ["100"],
  },
  {
    name: "that commits between the look at what is open and the scan",
    async play({ agent, late, outlastMargin }) {
      await late.sql("begin");
      await late.sql(insert(100));
      await outlastMargin();
      await agent.pass();
      await agent.pass({
        pause: once("changes of item", async () => {
          await late.sql("commit");
        }),
      });
    },
    arriving: ["100"],
  },
  {
    name: "that writes and commits between the look and the scan",
    async play({ agent, late, outlastMargin }) {
      await late.sql("begin");
      await late.sql("select 1");
      await outlastMargin();
      await agent.pass();
      await agent.pass({
        pause: once("changes of item", async () => {
          await late.sql(insert(100));
          await late.sql("commit");
        }),
      });
    },
    arriving: ["100"],
  },
];

/** One pass that has something to save: an idle one keeps its position in memory. */
async function passAndSave({ world, agent }: Stage): Promise<void> {
  await world.sql("update item set name = name || '.', updated_at = now()");
  equal((await agent.pass()).written, 5);
}

/** Calls `action` before the first statement whose label begins so: one for several tables names them all. */
function once(
  label: string,
  action: () => Promise<void>,
): (label: string) => Promise<void> {
  let isDone = false;
  return async (before) => {
    if (isDone || !before.startsWith(label)) return;
    isDone = true;
    await action();
  };
}
