import { deepEqual, equal, ok } from "node:assert/strict";
import { startAgent } from "./agent_run.ts";
import { startFaultProxy } from "./fault_proxy.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { type HttpFault, startHttpFaults } from "./http_faults.ts";
import { holdLoad, untilFollowed, untilHeld } from "./moments.ts";
import { openWorld, type World } from "./world.ts";

const LOST = "connection lost, trying again";
const BACK = "connection is back";
const STUCK = "cannot go on, trying again";
const ON = "goes on";

/** Long enough that the log tells of the first failure before the next. */
const STEPS = {
  "postgres.page_size": 50,
  "elasticsearch.max_bytes": "60KB",
  "elasticsearch.concurrency": 2,
};

const FAULTS: Readonly<
  Record<string, { fault: HttpFault; begins: string; ends: string }>
> = {
  "a queue that is full": {
    fault: { status: 429, body: error("es_rejected_execution_exception") },
    begins: STUCK,
    ends: ON,
  },
  "a circuit breaker": {
    fault: { status: 429, body: error("circuit_breaking_exception") },
    begins: STUCK,
    ends: ON,
  },
  "items for which the queue is full": {
    fault: { items: { status: 429, type: "es_rejected_execution_exception" } },
    begins: STUCK,
    ends: ON,
  },
  "items of a failure that nobody knows": {
    fault: { items: { status: 500, type: "unheard_of_exception" } },
    begins: LOST,
    ends: BACK,
  },
  "a server without a master": {
    fault: { status: 503, body: error("master_not_discovered_exception") },
    begins: LOST,
    ends: BACK,
  },
  "a gateway that is at its end": {
    fault: { status: 504, body: "<html>Gateway Time-out</html>" },
    begins: LOST,
    ends: BACK,
  },
  "a proxy's page of HTML": {
    fault: { status: 200, body: "<html>Sign in</html>" },
    begins: STUCK,
    ends: ON,
  },
  "fewer items than operations": {
    fault: { dropItems: 1 },
    begins: STUCK,
    ends: ON,
  },
  "the beginning of an answer": {
    fault: { keepBytes: 20 },
    begins: STUCK,
    ends: ON,
  },
};

Deno.test("an agent takes no bulk answer for success but the right one, and goes on after each fault", async (t) => {
  await using proxy = startHttpFaults();
  await using world = await openWorld({ settings: STEPS });
  await world.configure({ "elasticsearch.node": proxy.url });
  await using agent = startAgent(world);
  await agent.untilLogged("pass finished", { kind: "load" });
  for (const [name, { fault, begins, ends }] of Object.entries(FAULTS)) {
    await t.step(name, async () => {
      {
        using injected = proxy.inject(fault);
        await changeFew(world);
        await injected.begun;
        await agent.untilLogged(begins);
      }
      await agent.untilLogged(ends);
      await untilFollowed(world, `after ${name}`);
    });
  }
  await expectEqual(world);
});

Deno.test("an agent sends less to a busy Elasticsearch, and as much as before when it is well", async () => {
  await using proxy = startHttpFaults();
  await using world = await openWorld({
    settings: {
      "elasticsearch.max_bytes": "128KB",
      "elasticsearch.concurrency": 4,
    },
  });
  await world.configure({ "elasticsearch.node": proxy.url });
  await using agent = startAgent(world);
  const least = { requests: 1, bytes: 64_000 };
  {
    using _busy = proxy.inject({
      items: { status: 429, type: "es_rejected_execution_exception" },
    });
    await agent.untilLogged("sending less", least);
  }
  const sentCount = proxy.bulks.length;
  await agent.untilLogged("pass finished", { kind: "load" });
  // what stood in line before, four at most, keeps its size
  const eased = proxy.bulks.slice(sentCount, sentCount + 6)
    .filter(({ atOnce, bytes }) => atOnce === 1 && bytes < 90_000);
  ok(eased.length >= 2, JSON.stringify(proxy.bulks.slice(sentCount)));
  for (let round = 0; round < 3; round++) {
    await world.sql("update content.film_work set title = title || '!'");
    await agent.untilLogged("pass finished", { kind: "follow", written: 1000 });
  }
  const after = proxy.bulks.slice(sentCount);
  equal(Math.max(...after.map(({ atOnce }) => atOnce)), 4);
  ok(Math.max(...after.map(({ bytes }) => bytes)) > 100_000);
  await expectEqual(world);
});

Deno.test("an agent outlives connections to Elasticsearch that freeze, are slow, or are cut anywhere", async (t) => {
  await using world = await openWorld({ settings: STEPS });
  const { hostname, port } = new URL(world.elasticsearchUrl);
  await using proxy = startFaultProxy({ hostname, port: Number(port) });
  await world.configure({
    "elasticsearch.node": `http://127.0.0.1:${proxy.port}`,
    "elasticsearch.request_timeout": "500ms",
  });
  await using agent = startAgent(world);
  await t.step("frozen in a load", async () => {
    {
      const held = await holdLoad(world);
      await untilHeld(world);
      using _frozen = proxy.freeze();
      await held[Symbol.asyncDispose]();
      const { fields } = await agent.untilLogged(LOST);
      equal(String(fields["error"]).includes("code is timeout"), true);
    }
    await agent.untilLogged(BACK);
    await agent.untilLogged("pass finished", { kind: "load" });
  });
  for (const byteCount of [0, 1, 30, 150, 400]) {
    await t.step(`cut after ${byteCount} bytes of an answer`, async () => {
      {
        using _cut = proxy.cutAfter(byteCount, "down");
        await changeFew(world);
        await agent.untilLogged(LOST);
      }
      await agent.untilLogged(BACK);
    });
  }
  await t.step("cut within a request", async () => {
    {
      using _cut = proxy.cutAfter(5_000, "up");
      await changeFew(world);
      await agent.untilLogged(LOST);
    }
    await agent.untilLogged(BACK);
  });
  await t.step("slow", async () => {
    using _slow = proxy.throttle(1_000_000);
    await untilFollowed(world, "slowly");
  });
  await untilFollowed(world, "the end");
  await expectEqual(world);
});

/** Changes films of one request. */
async function changeFew(world: World): Promise<void> {
  await world.sql(
    `update content.film_work set title = title || '!'
     where id in (select id from content.film_work limit 20)`,
  );
}

/** Expects the index to be as PostgreSQL is by now. */
async function expectEqual(world: World): Promise<void> {
  deepEqual(await indexedFilms(world), await readFilms(world));
}

function error(type: string): string {
  return JSON.stringify({ error: { type, reason: "injected" } });
}
