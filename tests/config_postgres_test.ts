import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { setup } from "./config_folder.ts";

Deno.test("loadConfig() takes hosts, the first of which is the one to begin with", async () => {
  await using world = await setup();
  const rest = "database: films, user: reader";
  const postgres = await world.loadPostgres(
    `{hosts: ["db1:6432", db2, "[::1]:5433"], ${rest}}`,
  );
  equal(postgres.host, "db1");
  equal(postgres.port, 6432);
  deepEqual(postgres.otherHosts, [
    { host: "db2", port: 5432 },
    { host: "::1", port: 5433 },
  ]);
  equal(postgres.targetSessionAttrs, "read-write");
  const any = await world.loadPostgres(
    `{hosts: [db1, db2], target_session_attrs: any, ${rest}}`,
  );
  equal(any.targetSessionAttrs, "any");
  const one = await world.loadPostgres(`{hosts: [db1], ${rest}}`);
  ok(!("otherHosts" in one) && !("targetSessionAttrs" in one));
});

Deno.test("loadConfig() takes several hosts in the address of a database", async () => {
  await using world = await setup();
  const url = "postgres://reader:p%2Cw@db1,db2:5433/films?sslmode=disable";
  const postgres = await world.loadPostgres(`{url: "${url}"}`);
  deepEqual([postgres.host, postgres.port], ["db1", 5432]);
  deepEqual(postgres.otherHosts, [{ host: "db2", port: 5433 }]);
  equal(postgres.password, "p,w");
  equal(postgres.database, "films");
});

Deno.test("loadConfig() completes lock_url by the password and the TLS of the other keys", async () => {
  await using world = await setup({ secret: "db secret\n" });
  const section = (url: string) =>
    `{url: "postgres://reader@pooler:6432/films", password_file: secret, ssl: true, lock_url: "${url}"}`;
  const { lock } = await world.loadPostgres(
    section("postgres://locker@db1/films"),
  );
  deepEqual(lock, {
    host: "db1",
    port: 5432,
    user: "locker",
    database: "films",
    password: "db secret",
    passwordFile: join(world.folder, "secret"),
    ssl: {},
  });
  const own = await world.loadPostgres(
    section("postgres://locker:own@db1/films?sslmode=disable"),
  );
  equal(own.lock?.password, "own");
  equal(own.lock?.passwordFile, undefined);
  equal(own.lock?.ssl, false);
});
