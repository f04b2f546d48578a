import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { openPassword } from "../../src/postgres_password.ts";
import { startAgent } from "./agent_process.ts";
import { indexedFilms, readFilms } from "./films.ts";
import { SMALL_STEPS, untilFollowed, untilFollowing } from "./moments.ts";
import { openReader } from "./reader_role.ts";
import { openWorld } from "./world.ts";

const NEXT = "quite another secret";

for (
  const { state, change, told } of [
    {
      state: "holds the old one for a while",
      change: () => Promise.resolve(),
      told: "28P01",
    },
    {
      state: "is gone for a while",
      change: (file: string) => Deno.remove(file),
      told: "no password",
    },
  ]
) {
  Deno.test(`an agent takes the new password from its file, which ${state}`, async () => {
    await using world = await openWorld({ settings: SMALL_STEPS });
    await using reader = await openReader(world);
    const file = join(world.folder, "password");
    await Deno.writeTextFile(file, `${reader.password}\n`);
    const { hostname, port, pathname } = new URL(world.databaseUrl);
    await world.configure({
      postgres: {
        host: hostname,
        port: Number(port),
        database: pathname.slice(1),
        user: reader.user,
        "password_file": "password",
        "page_size": 20,
      },
    });
    await using agent = startAgent(world);
    await untilFollowing(agent);
    await world.sql(`alter role ${reader.user} password '${NEXT}'`);
    await change(file);
    await reader.endSessions();
    await agent.waitFor(({ error }) =>
      String(error).startsWith(`Cannot use PostgreSQL: code is ${told}.`)
    );
    await Deno.writeTextFile(file, `${NEXT}\n`);
    await agent.waitFor("connection is back");
    await untilFollowed(world, "with the new password");
    agent.kill("SIGTERM");
    const { code, stderr } = await agent.ended();
    equal(code, 0, stderr);
    ok(!stderr.includes(NEXT) && !stderr.includes(reader.password));
    deepEqual(await indexedFilms(world), await readFilms(world));
  });
}

Deno.test("openPassword() tells the secrets of each password that it reads", async () => {
  const file = await Deno.makeTempFile();
  const secrets = new Set(["first"]);
  await Deno.writeTextFile(file, `${NEXT}\n`);
  equal(await openPassword(file, secrets)(), NEXT);
  deepEqual([...secrets], ["first", NEXT]);
  await Deno.remove(file);
});
